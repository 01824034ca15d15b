"""How every figure looks: colours, a dark figure, its axes and colour bar, and saving it whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ReVertLib.files import whole_file

BACKGROUND, TEXT, MUTED = "#0d1117", "#f0f3f6", "#8d96a0"
OUTLINE, TRUTH, CEILING = "#2de2c5", "#ffffff", "#ffe08a"
SERIES = (OUTLINE, "#ff9d5c", "#b79cff", "#ff7fb0")
"""Told apart by lightness or hue with every kind of colour vision."""
ERRORS = ("#f3efe6", "#f9d9a0", "#f3a04e", "#d95f1e", "#8c2d04", "#5a1e0c")
"""From bone to dark brown: the larger the error the darker, also without any hue."""


def new_figure(width_in: float, height_in: float, dpi: int, layout: str | None = None):
    """An empty dark figure that needs no display. layout: of matplotlib, as "constrained"."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure((width_in, height_in), dpi=dpi, layout=layout, facecolor=BACKGROUND)
    FigureCanvasAgg(figure)
    return figure


def colour_map(colours: tuple[str, ...]):
    """Colours for values in 0..1, with all shades between."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("revert", colours)


def style_plot(axes) -> None:
    """Dark axes of a plot: no frame, level lines only, behind everything."""
    axes.set_facecolor(BACKGROUND)
    axes.tick_params(colors=MUTED, length=0)
    axes.grid(axis="y", color=MUTED, alpha=0.2, lw=0.8)
    axes.set_axisbelow(True)
    axes.spines[:].set_visible(False)


def colour_bar(
    figure, place: tuple[float, ...], colours: tuple[str, ...], ends: tuple[float, float], ticks, size_pt=11
) -> None:
    """A level colour bar. place: left, bottom, width, height in shares of the figure. ends: the values there."""
    axes = figure.add_axes(place)
    axes.imshow(np.linspace(0, 1, 512)[None], cmap=colour_map(colours), aspect="auto", extent=(*ends, 0, 1))
    axes.set_yticks([])
    axes.set_xticks(ticks)
    axes.tick_params(colors=MUTED, labelsize=size_pt, length=0)
    axes.spines[:].set_visible(False)


def save_figure(figure, path: Path) -> None:
    """Writes a figure, whole or not at all, and empties it: the pictures in it are large."""
    from PIL import Image

    figure.canvas.draw()
    picture = Image.fromarray(np.asarray(figure.canvas.buffer_rgba()))
    figure.clear()
    save_picture(picture, path)


def save_picture(picture, path: Path) -> None:
    """Writes a Pillow image as a PNG of 256 colours, half the size of one of all, whole or not at all."""
    whole = picture.convert("RGB")
    small = whole.quantize(palette=whole.quantize(256))  # the nearest colours, their errors spread
    with whole_file(path) as temporary:
        small.save(temporary, "PNG", optimize=True)
