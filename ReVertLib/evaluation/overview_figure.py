"""One picture that says how good a reconstruction is: its silhouette over the computed radiograph, its surface coloured
by the distance to the truth from two sides, and its figures beside those of the baseline."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ReVertLib.files import check_writable
from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.geometry.views import view_rotation
from ReVertLib.mesh.colours import SIGNED_DISTANCE_LIMITS_MM, SIGNED_DISTANCE_STOPS
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.mesh.render import Canvas, outline_mask, rendered
from ReVertLib.metrics.compare import Comparison

from .figure_style import (
    MUTED,
    OUTLINE,
    TEXT,
    TRUTH,
    colour_bar,
    colour_map,
    new_figure,
    save_figure,
)
from .picture_marks import (
    DASHES,
    SIZE_PT,
    contour,
    grey_picture,
    orientation_marker,
    outline_legend,
    projected,
    scale_bar,
    side_letters,
)

RANGE_MM = SIGNED_DISTANCE_LIMITS_MM[1]

_SIZE_IN, _DPI = (16.0, 10.6), 120
_VIEW_PX = 960
_LEFT, _RIGHT, _WIDTH = 0.02, 0.508, 0.472
_TOP_ROW, _LOWER_ROW, _HEIGHT = 0.495, 0.1, 0.375
_ASPECT = _WIDTH * _SIZE_IN[0] / (_HEIGHT * _SIZE_IN[1])
_VIEWS = {"from the front, left": (38.0, -14.0, _TOP_ROW), "from behind, right": (206.0, -16.0, _LOWER_ROW)}
"""Yaw and pitch of the viewer, degrees; where the view's lower edge is."""
_BAR_MM = 20.0
_ROWS_Y = (0.32, 0.24, 0.16, 0.08)
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
    figure.text(_LEFT, 0.957, lines[0], color=TEXT, size=30, weight="bold", va="center")
    figure.text(_LEFT, 0.905, "   ".join(lines[1:]), color=MUTED, size=SIZE_PT, va="center")


def _panel(figure, left: float, bottom: float, title: str):
    """Axes without ticks in which data is as wide as high, and a title in the corner."""
    axes = figure.add_axes((left, bottom, _WIDTH, _HEIGHT), facecolor="black", xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    axes.text(0.02, 0.965, title, color=TEXT, size=SIZE_PT, va="top", transform=axes.transAxes)
    return axes


def _radiograph(figure, scene: Scene) -> None:
    """The radiograph around the vertebra, with the outlines of both surfaces where they project to."""
    axes = _panel(figure, _LEFT, _TOP_ROW, "computed radiograph (DRR)")
    grey_picture(axes, scene.pixels)
    size = scene.pixels.shape[::-1]
    contour(axes, *projected(scene.target, scene.geometry, size), TRUTH, 1.8, DASHES)
    contour(axes, *projected(scene.mesh, scene.geometry, size), OUTLINE, 3.4)
    both = scene.geometry.project(np.vstack([scene.mesh.vertices, scene.target.vertices]))
    _fit(axes, both, 1.3)
    side_letters(axes, scene.camera_from_lps.rotation)
    magnified = scene.geometry.sdd_mm / scene.geometry.sod_mm / scene.geometry.pixel_spacing_mm[0]
    scale_bar(axes, _BAR_MM * magnified, f"{_BAR_MM:.0f} mm at the bone")
    outline_legend(figure, _LEFT, 0.462)


def _fit(axes, points: np.ndarray, air: float) -> None:
    """Limits of axes of _ASPECT whose data has rows that run down: around points (n, 2), by air times as far."""
    centre, extent = (points.min(0) + points.max(0)) / 2, np.ptp(points, axis=0)
    half = air / 2 * max(extent[0] / _ASPECT, extent[1])
    axes.set_xlim(centre[0] - half * _ASPECT, centre[0] + half * _ASPECT)
    axes.set_ylim(centre[1] + half, centre[1] - half)


def _surfaces(figure, scene: Scene) -> None:
    """The aligned surface from two sides of the patient at one scale, the outline of the truth around it."""
    turn = scene.camera_from_lps.rotation
    moved = scene.mesh.moved(scene.comparison.alignment)
    rotations = [view_rotation(yaw, pitch) for yaw, pitch, _ in _VIEWS.values()]
    views = [[m.moved(RigidTransform.turn(r @ turn.T)) for m in (moved, scene.target)] for r in rotations]
    corners = [np.vstack([m.vertices[:, :2] for m in pair]) for pair in views]
    field_mm = 1.12 * max(max(np.ptp(c[:, 0]), _ASPECT * np.ptp(c[:, 1])) for c in corners)
    for (name, (_, _, bottom)), rotation, pair, c in zip(_VIEWS.items(), rotations, views, corners, strict=True):
        axes = _panel(figure, _RIGHT, bottom, name)
        _surface(axes, *pair, scene, Canvas(_VIEW_PX, field_mm, tuple((c.min(0) + c.max(0)) / 2)))
        orientation_marker(axes, rotation, (0.09, 0.14), 0.45)
        scale_bar(axes, _BAR_MM * _VIEW_PX / field_mm, f"{_BAR_MM:.0f} mm")


def _surface(axes, mesh: Mesh, target: Mesh, scene: Scene, canvas: Canvas) -> None:
    """One view of both surfaces in the view frame: the middle of a square canvas as wide as the axes."""
    colours = colour_map(SIGNED_DISTANCE_STOPS)
    distances = scene.comparison.signed_distance_mm
    axes.imshow(rendered(mesh, distances, lambda d: colours(0.5 + d / (2 * RANGE_MM))[:, :3], canvas))
    pixels = np.arange(canvas.size_px)
    contour(axes, pixels, pixels, outline_mask(target, canvas), TRUTH, 1.4, DASHES)
    middle, half = (canvas.size_px - 1) / 2, canvas.size_px / 2
    axes.set_xlim(middle - half, middle + half)
    axes.set_ylim(middle + half / _ASPECT, middle - half / _ASPECT)


def _colour_bar(figure) -> None:
    ticks = np.arange(-RANGE_MM, RANGE_MM + 1, 2)
    colour_bar(figure, (0.59, 0.058, 0.22, 0.022), SIGNED_DISTANCE_STOPS, (-RANGE_MM, RANGE_MM), ticks, SIZE_PT)
    for x, side, text in ((0.58, "right", "inside"), (0.82, "left", "outside the CT, mm")):
        figure.text(x, 0.069, text, color=TEXT, size=SIZE_PT, ha=side, va="center")


def _figures(figure, comparison: Comparison) -> None:
    """The figures in large, those of the baseline beside them."""
    aligned = "not aligned" if comparison.mode == "none" else f"{comparison.mode}ly aligned"
    columns = [(f"from the DRR,\n{aligned}", comparison.metrics, 0.155, 30, TEXT, "bold")]
    if comparison.baseline:
        label = f"baseline: mean of 87\npeople, {comparison.baseline_mode}ly aligned"
        columns.append((label, comparison.baseline, 0.33, 24, MUTED, "normal"))
    for label, metrics, x, size, colour, weight in columns:
        figure.text(x, 0.405, label, color=colour, size=SIZE_PT, va="center")
        for y, (field, form) in zip(_ROWS_Y, _TILES.values(), strict=True):
            figure.text(x, y, form.format(getattr(metrics, field)), color=colour, size=size, weight=weight, va="center")
    for y, title in zip(_ROWS_Y, _TILES, strict=True):
        figure.text(_LEFT, y, title, color=TEXT, size=SIZE_PT, va="center")
