"""What a picture of a radiograph and its surfaces has in common with others: grey values, outlines, and what tells
directions and lengths: the patient's axes, letters at the edges, and a scale bar."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ReVertLib.geometry.camera import Geometry
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.mesh.silhouette import silhouette

from .figure_style import BACKGROUND, OUTLINE, TEXT, TRUTH

DIRECTIONS = (("R", "L"), ("A", "P"), ("I", "S"))
"""The letters of the negative and the positive end of each LPS axis."""

SIZE_PT = 17
"""Of all small text: read at half of the picture's size, too."""

DASHES = (0, (4, 3))
"""Of the truth's outline."""

_GAMMA = 0.75
_AXIS_COLOURS = ("#ff7b72", "#7ee787", "#79c0ff")
_LETTER_IN = 0.16
_LEAST_SHARE = 0.25
"""An axis that is seen shorter than this, of its length, has no letter: it points at the viewer or away."""


def side_letters(axes, rotation: np.ndarray) -> None:
    """What of the patient lies to the left and to the right in a view: R, L, A or P. rotation: (3, 3) from LPS to the
    view frame, +X right, +Y down."""
    axis = int(np.abs(rotation[0]).argmax())
    letters = DIRECTIONS[axis] if rotation[0, axis] > 0 else DIRECTIONS[axis][::-1]
    for letter, x in zip(letters, (0.03, 0.97), strict=True):
        text = {"color": TEXT, "size": SIZE_PT, "weight": "bold", "ha": "center", "va": "center"}
        axes.text(x, 0.5, letter, transform=axes.transAxes, **text)


def orientation_marker(axes, rotation: np.ndarray, place: tuple[float, float], length_in: float) -> None:
    """The patient's axes to L, P and S as they are seen, from a point of the axes. rotation: (3, 3) from LPS to the
    view frame. place: shares of the axes. length_in: of an axis across the view, inches."""
    figure = axes.get_figure()
    inches = axes.get_position().size * figure.get_size_inches()
    for axis in np.argsort(-rotation[2]):  # the nearest last, over the others
        seen = rotation[:2, axis] * (1, -1)
        share = np.linalg.norm(seen)
        if share < _LEAST_SHARE:
            continue
        colour, letter = _AXIS_COLOURS[axis], DIRECTIONS[axis][1]
        end, beyond = (place + seen * reach_in / inches for reach_in in (length_in, length_in + _LETTER_IN / share))
        arrow = {"arrowstyle": "-|>", "color": colour, "lw": 2.5, "shrinkA": 0, "shrinkB": 0}
        axes.annotate("", end, place, "axes fraction", "axes fraction", arrowprops=arrow)
        text = {"color": colour, "size": SIZE_PT, "weight": "bold", "ha": "center", "va": "center"}
        axes.text(*beyond, letter, transform=axes.transAxes, **text)


def scale_bar(axes, length: float, text: str) -> None:
    """A bar of a length in data units in the lower right corner, what it stands for above it."""
    left, right = axes.get_xlim()
    share = length / abs(right - left)
    x, y = (0.965 - share, 0.965), 0.05
    for colour, width in ((BACKGROUND, 7.0), (TEXT, 3.5)):
        axes.plot(x, (y, y), color=colour, lw=width, transform=axes.transAxes, solid_capstyle="butt", clip_on=False)
    axes.text(x[1], y + 0.035, text, color=TEXT, size=SIZE_PT, ha="right", va="bottom", transform=axes.transAxes)


def grey_picture(axes, pixels: np.ndarray) -> None:
    """A radiograph (rows, columns), bone bright, its darker half a little lighter."""
    low, high = np.percentile(pixels, [0.5, 99.8])
    grey = np.clip((pixels - low) / max(high - low, 1e-6), 0.0, 1.0) ** _GAMMA
    axes.imshow(grey, cmap="gray", vmin=0, vmax=1, interpolation="bicubic")


def projected(mesh: Mesh, geometry: Geometry, size_px: tuple[int, int]) -> tuple[np.ndarray, ...]:
    """(u, v, coverage) of the silhouette on a grid of four times the radiograph's resolution."""
    factor = 4
    fine = tuple(factor * n for n in size_px)
    u, v = ((np.arange(n) + 0.5) / factor - 0.5 for n in fine)
    return u, v, silhouette(mesh, geometry.resized(factor, factor), fine)


def contour(axes, u: np.ndarray, v: np.ndarray, mask: np.ndarray, colour: str, width: float, style="-") -> None:
    """The outline of a mask, smooth, with a dark rim that keeps it visible over bright bone."""
    if mask.any():
        smooth = ndimage.gaussian_filter(mask.astype(np.float32), 2.0)
        axes.contour(u, v, smooth, [0.5], colors=[BACKGROUND], linewidths=width + 1.6, alpha=0.55)
        axes.contour(u, v, smooth, [0.5], colors=[colour], linewidths=width, linestyles=[style])


def outline_legend(figure, left: float, y: float) -> None:
    """What the two kinds of outlines are, from shares of the figure on."""
    from matplotlib.lines import Line2D

    for x, colour, style, text in ((0.0, OUTLINE, "-", "reconstruction"), (0.16, TRUTH, DASHES, "CT segmentation")):
        ends = (left + x, left + x + 0.025)
        figure.add_artist(Line2D(ends, (y, y), color=colour, lw=3, ls=style, transform=figure.transFigure))
        figure.text(left + x + 0.032, y, text, color=TEXT, size=SIZE_PT, va="center")
