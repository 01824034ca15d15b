"""One picture of a whole film: outlines and names over it, the surfaces together from two sides, and their figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ReVertLib.files import check_writable
from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.geometry.views import view_rotation
from ReVertLib.mesh.colours import SIGNED_DISTANCE_LIMITS_MM, SIGNED_DISTANCE_STOPS
from ReVertLib.mesh.mesh import Mesh, gathered
from ReVertLib.mesh.render import Canvas, outline_mask, rendered
from ReVertLib.metrics.compare import Comparison

from .figure_style import MUTED, OUTLINE, TEXT, TRUTH, colour_bar, colour_map, new_figure, save_figure
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
_SIZE_IN, _DPI = (16.0, 10.6), 100
_FILM = (0.02, 0.1, 0.425, 0.76)
_VIEWS = {"from the front, left": (38.0, -8.0, 0.455), "from the left": (90.0, 0.0, 0.725)}
"""Yaw and pitch of the viewer, degrees; where the view's left edge is."""
_BOTTOM, _WIDTH, _HEIGHT = 0.37, 0.26, 0.49
_VIEW_PX, _BAR_MM = 900, 50.0
_COLUMNS = (0.5, 0.585, 0.665, 0.75, 0.83, 0.915)
_ROWS_Y = (0.255, 0.215, 0.175, 0.135, 0.095)


@dataclass(frozen=True)
class FilmScene:
    """What there is to show of a film. pixels: (rows, columns), bone bright. geometry: of the film. meshes, targets: by
    level, camera frame, mm, where they lie. names: what is written beside each level. as_found, aligned: each surface
    against its target as it lies, and aligned, with its baseline. camera_from_lps: of the film."""

    pixels: np.ndarray
    geometry: Geometry
    meshes: Mapping[str, Mesh]
    targets: Mapping[str, Mesh]
    names: Mapping[str, str]
    as_found: Mapping[str, Comparison]
    aligned: Mapping[str, Comparison]
    camera_from_lps: RigidTransform


def film_picture(path: Path, scene: FilmScene, title_lines: tuple[str, ...]) -> None:
    """Writes the picture, whole or not at all. title_lines: the first is the title, the others lie below it, small."""
    check_writable(path, "picture")
    figure = new_figure(*_SIZE_IN, _DPI)
    figure.text(0.02, 0.957, title_lines[0], color=TEXT, size=28, weight="bold", va="center")
    figure.text(0.02, 0.905, "   ".join(title_lines[1:]), color=MUTED, size=SIZE_PT, va="center")
    _film(figure, scene)
    for name, (yaw, pitch, left) in _VIEWS.items():
        _surfaces(figure, scene, name, view_rotation(yaw, pitch), left)
    colour_bar(figure, (0.6, 0.335, 0.24, 0.016), SIGNED_DISTANCE_STOPS, (-RANGE_MM, RANGE_MM), (-4, 0, 4), 13)
    for x, side, text in ((0.59, "right", "inside"), (0.85, "left", "outside, mm")):
        figure.text(x, 0.343, text, color=TEXT, size=13, ha=side, va="center")
    _figures(figure, scene)
    save_figure(figure, path)


def _axes(figure, place: tuple[float, ...], title: str):
    axes = figure.add_axes(place, facecolor="black", xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    axes.text(0.02, 0.985, title, color=TEXT, size=SIZE_PT, va="top", transform=axes.transAxes)
    return axes


def _film(figure, scene: FilmScene) -> None:
    """The film with the outlines of both surfaces of each level where they project to, and its name."""
    axes = _axes(figure, _FILM, "computed film (DRR)")
    grey_picture(axes, scene.pixels)
    size = scene.pixels.shape[::-1]
    for level, mesh in scene.meshes.items():
        contour(axes, *projected(scene.targets[level], scene.geometry, size), TRUTH, 1.2, DASHES)
        contour(axes, *projected(mesh, scene.geometry, size), OUTLINE, 2.2)
        right, top = scene.geometry.project(mesh.vertices).max(0)[0], scene.geometry.project(mesh.vertices)[:, 1].mean()
        axes.text(right + 6, top, scene.names[level], color=OUTLINE, size=15, weight="bold", va="center")
    axes.set_anchor("N")
    side_letters(axes, scene.camera_from_lps.rotation)
    outline_legend(figure, 0.02, 0.065)


def _surfaces(figure, scene: FilmScene, name: str, rotation: np.ndarray, left: float) -> None:
    """All surfaces where they were put, coloured by their distance to the truth, whose outline is around them."""
    axes = _axes(figure, (left, _BOTTOM, _WIDTH, _HEIGHT), name)
    to_view = RigidTransform.turn(rotation @ scene.camera_from_lps.rotation.T)
    mesh, target = (gathered(of.values()).moved(to_view) for of in (scene.meshes, scene.targets))
    both = np.vstack([mesh.vertices[:, :2], target.vertices[:, :2]])
    middle_mm, field_mm = (both.min(0) + both.max(0)) / 2, 1.12 * float(np.ptp(both, axis=0).max())
    canvas, colours = Canvas(_VIEW_PX, field_mm, tuple(middle_mm)), colour_map(SIGNED_DISTANCE_STOPS)
    distances = np.concatenate([scene.as_found[level].signed_distance_mm for level in scene.meshes])
    axes.imshow(rendered(mesh, distances, lambda d: colours(0.5 + d / (2 * RANGE_MM))[:, :3], canvas))
    pixels = np.arange(_VIEW_PX)
    contour(axes, pixels, pixels, outline_mask(target, canvas), TRUTH, 1.2, DASHES)
    half = (_VIEW_PX - 1) / 2
    across = half * _WIDTH * _SIZE_IN[0] / (_HEIGHT * _SIZE_IN[1])
    axes.set_xlim(half - across, half + across)
    axes.set_ylim(2 * half, 0)
    orientation_marker(axes, rotation, (0.14, 0.1), 0.4)
    scale_bar(axes, _BAR_MM * _VIEW_PX / field_mm, f"{_BAR_MM:.0f} mm")


def _figures(figure, scene: FilmScene) -> None:
    """Dice and HD95 of each level as it lies, aligned, and of its baseline."""
    for x, title in zip(_COLUMNS[::2], ("as it lies", "aligned", "baseline"), strict=True):
        figure.text(x, 0.295, title, color=TEXT, size=14, va="center", weight="bold")
    for y, level in zip(_ROWS_Y, scene.meshes, strict=False):
        aligned = scene.aligned[level]
        shown = (scene.as_found[level].metrics, aligned.metrics, aligned.baseline)
        figure.text(0.46, y, level, color=TEXT, size=15, weight="bold", va="center")
        for i, metrics in enumerate(shown):
            colour = MUTED if i == len(shown) - 1 else TEXT
            figure.text(_COLUMNS[2 * i], y, f"{metrics.dice:.3f}", color=colour, size=15, va="center")
            figure.text(_COLUMNS[2 * i + 1], y, f"{metrics.hd95_mm:.1f} mm", color=colour, size=15, va="center")
    note = "Dice and HD95; aligned: rigidly, each level; baseline: mean of 87 people, aligned, no film"
    figure.text(0.46, 0.05, note, color=MUTED, size=12.5, va="center")
