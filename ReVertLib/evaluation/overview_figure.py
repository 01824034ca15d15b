"""One picture that says how good a reconstruction is: its silhouette over the radiograph, its surface coloured by the
distance to the truth from three sides, and its figures beside those of the constant answer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

from ReVertLib.files import check_writable
from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.geometry.views import view_rotation
from ReVertLib.mesh.colours import SIGNED_DISTANCE_LIMITS_MM, SIGNED_DISTANCE_STOPS
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.mesh.render import Canvas, outline_mask, rendered
from ReVertLib.mesh.silhouette import silhouette
from ReVertLib.metrics.compare import Comparison

from .figure_style import (
    BACKGROUND,
    MUTED,
    OUTLINE,
    TEXT,
    TRUTH,
    colour_bar,
    colour_map,
    new_figure,
    save_figure,
)

RANGE_MM = SIGNED_DISTANCE_LIMITS_MM[1]

_SIZE_IN, _DPI = (16.0, 7.2), 120
_VIEW_PX = 480
_GAMMA = 0.75
_DASHES = (0, (4, 3))
_VIEWS = {"from the front left": (38.0, -18.0), "from the left": (90.0, 0.0), "from behind, above": (202.0, -32.0)}
"""Yaw and pitch of the viewer, degrees."""
_TILES = {"Dice": ("dice", "{:.3f}"), "HD95": ("hd95_mm", "{:.2f} mm"), "ASSD": ("assd_mm", "{:.2f} mm")} | {
    "within 2 mm": ("nsd_2mm", "{:.1%}")
}


@dataclass(frozen=True)
class Scene:
    """What there is to show. pixels: (rows, columns), bone bright. mesh and target: camera frame, mm, each where it
    was predicted and where it truly is. comparison: of the two; its alignment is applied before the surface is
    coloured. camera_from_lps: of the radiograph."""

    pixels: np.ndarray
    geometry: Geometry
    mesh: Mesh
    target: Mesh
    comparison: Comparison
    camera_from_lps: RigidTransform


def demo_picture(path: Path, scene: Scene, title_lines: tuple[str, ...]) -> None:
    """Writes the picture, whole or not at all. title_lines: the first is the title, the others lie below it, small."""
    check_writable(path, "picture")
    figure = new_figure(*_SIZE_IN, _DPI)
    _title(figure, title_lines)
    _radiograph(figure, scene)
    _surfaces(figure, scene)
    _colour_bar(figure)
    _figures(figure, scene.comparison)
    save_figure(figure, path)


def _title(figure, lines: tuple[str, ...]) -> None:
    figure.text(0.025, 0.945, lines[0], color=TEXT, size=21, weight="bold", va="center")
    figure.text(0.025, 0.898, "   ".join(lines[1:]), color=MUTED, size=12, va="center")


def _panel(figure, left: float, bottom: float, width: float, height: float):
    axes = figure.add_axes((left, bottom, width, height))
    axes.set_axis_off()
    return axes


def _radiograph(figure, scene: Scene) -> None:
    """The radiograph around the vertebra, with the outlines of both surfaces where they project to."""
    axes = figure.add_axes((0.025, 0.085, 0.34, 0.7556), facecolor="black", xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    low, high = np.percentile(scene.pixels, [0.5, 99.8])
    grey = np.clip((scene.pixels - low) / max(high - low, 1e-6), 0.0, 1.0) ** _GAMMA
    axes.imshow(grey, cmap="gray", vmin=0, vmax=1, interpolation="bicubic")
    size = scene.pixels.shape[::-1]
    _contour(axes, *_projected(scene.target, scene.geometry, size), TRUTH, 1.2, _DASHES)
    _contour(axes, *_projected(scene.mesh, scene.geometry, size), OUTLINE, 2.4)
    _frame_vertebra(axes, scene)
    for x, colour, style, text in ((0.025, OUTLINE, "-", "reconstruction"), (0.14, TRUTH, _DASHES, "CT segmentation")):
        figure.add_artist(_line(figure, (x, x + 0.022), 0.045, colour, style))
        figure.text(x + 0.029, 0.045, text, color=MUTED, size=12, va="center")


def _projected(mesh: Mesh, geometry: Geometry, size_px: tuple[int, int]) -> tuple[np.ndarray, ...]:
    """(u, v, coverage) of the silhouette on a grid of four times the radiograph's resolution."""
    factor = 4
    fine = tuple(factor * n for n in size_px)
    u, v = ((np.arange(n) + 0.5) / factor - 0.5 for n in fine)
    return u, v, silhouette(mesh, geometry.resized(factor, factor), fine)


def _contour(axes, u: np.ndarray, v: np.ndarray, mask: np.ndarray, colour: str, width: float, style="-") -> None:
    """The outline of a mask, smooth, with a dark rim that keeps it visible over bright bone."""
    if mask.any():
        smooth = ndimage.gaussian_filter(mask.astype(np.float32), 2.0)
        axes.contour(u, v, smooth, [0.5], colors=[BACKGROUND], linewidths=width + 1.6, alpha=0.55)
        axes.contour(u, v, smooth, [0.5], colors=[colour], linewidths=width, linestyles=[style])


def _frame_vertebra(axes, scene: Scene) -> None:
    """A square view with some air around both silhouettes."""
    both = scene.geometry.project(np.vstack([scene.mesh.vertices, scene.target.vertices]))
    centre, half = (both.min(0) + both.max(0)) / 2, 0.6 * np.ptp(both, axis=0).max()
    axes.set_xlim(centre[0] - half, centre[0] + half)
    axes.set_ylim(centre[1] + half, centre[1] - half)


def _line(figure, x: tuple[float, float], y: float, colour: str, style):
    from matplotlib.lines import Line2D

    return Line2D(x, (y, y), color=colour, lw=2, ls=style, transform=figure.transFigure)


def _surfaces(figure, scene: Scene) -> None:
    """The aligned surface from three sides of the patient at one scale, the outline of the truth around it."""
    turn = scene.camera_from_lps.rotation
    moved = scene.mesh.moved(scene.comparison.alignment)
    views = [
        [mesh.moved(RigidTransform.turn(view_rotation(*angles) @ turn.T)) for mesh in (moved, scene.target)]
        for angles in _VIEWS.values()
    ]
    corners = [np.vstack([m.vertices[:, :2] for m in pair]) for pair in views]
    field_mm = 1.04 * max(np.ptp(c, axis=0).max() for c in corners)
    for i, (name, pair, c) in enumerate(zip(_VIEWS, views, corners, strict=True)):
        axes = _panel(figure, 0.378 + 0.206 * i, 0.41, 0.2, 0.4444)
        _surface(axes, *pair, scene, Canvas(_VIEW_PX, field_mm, tuple((c.min(0) + c.max(0)) / 2)))
        figure.text(0.478 + 0.206 * i, 0.84, name, color=MUTED, size=12, ha="center", va="center")


def _surface(axes, mesh: Mesh, target: Mesh, scene: Scene, canvas: Canvas) -> None:
    """One view of both surfaces in the view frame."""
    colours = colour_map(SIGNED_DISTANCE_STOPS)
    distances = scene.comparison.signed_distance_mm
    axes.imshow(rendered(mesh, distances, lambda d: colours(0.5 + d / (2 * RANGE_MM))[:, :3], canvas))
    pixels = np.arange(canvas.size_px)
    _contour(axes, pixels, pixels, outline_mask(target, canvas), TRUTH, 0.9, _DASHES)


def _colour_bar(figure) -> None:
    ticks = np.arange(-RANGE_MM, RANGE_MM + 1, 2)
    colour_bar(figure, (0.515, 0.368, 0.33, 0.018), SIGNED_DISTANCE_STOPS, (-RANGE_MM, RANGE_MM), ticks)
    for x, side, text in ((0.505, "right", "inside the truth"), (0.855, "left", "outside the truth, mm")):
        figure.text(x, 0.377, text, color=MUTED, size=12, ha=side, va="center")


def _figures(figure, comparison: Comparison) -> None:
    """The figures in large, those of the constant answer below them."""
    aligned = "not aligned" if comparison.mode == "none" else f"{comparison.mode} alignment"
    rows = [(f"from this radiograph,\n{aligned}", comparison.metrics, 0.175, 24, TEXT, "bold")]
    if comparison.baseline:
        label = f"mean of 87 people,\n{comparison.baseline_mode} alignment"
        rows.append((label, comparison.baseline, 0.085, 17, MUTED, "normal"))
    for label, metrics, y, size, colour, weight in rows:
        figure.text(0.39, y, label, color=colour, size=12, va="center")
        for i, (field, form) in enumerate(_TILES.values()):
            text = form.format(getattr(metrics, field))
            figure.text(0.53 + 0.12 * i, y, text, color=colour, size=size, weight=weight, va="center")
    for i, title in enumerate(_TILES):
        figure.text(0.53 + 0.12 * i, 0.255, title, color=MUTED, size=12, va="center")
