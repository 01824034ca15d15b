"""Where on a vertebra answers are off: the mean distance of every vertex to the truth, painted on the mean L3."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ReVertLib.anatomy.template import load_template
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.geometry.views import view_rotation
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.mesh.render import Canvas, rendered

from .figure_style import ERRORS, MUTED, TEXT, colour_bar, colour_map, new_figure, save_figure

VIEWS = {
    "from the front left": (38.0, -18.0),
    "from the left": (90.0, 0.0),
    "from behind": (180.0, -8.0),
    "from above, behind": (180.0, -72.0),
}
"""Yaw and pitch of the viewer, degrees."""

FIELD_MM = 97.0
_VIEW_PX = 300


def error_map(path: Path, errors_mm: dict[str, np.ndarray]) -> None:
    """Writes a row of views for each title, with its errors (n,), mm, one per vertex of the template, and one colour
    bar for all."""
    rows, reach_mm = len(errors_mm), range_mm(errors_mm)
    height = 2.75 * rows + 1.05
    figure = new_figure(11.6, height, 88)
    for i, (title, errors) in enumerate(errors_mm.items()):
        bottom = (0.9 + 2.75 * (rows - 1 - i)) / height
        _row(figure, bottom, 2.35 / height, errors, reach_mm)
        about = f"mean of the vertices {errors.mean():.2f} mm, worst {errors.max():.1f} mm"
        figure.text(0.02, bottom + 2.55 / height, title, color=TEXT, size=13, weight="bold", va="center")
        figure.text(0.98, bottom + 2.55 / height, about, color=MUTED, size=11, va="center", ha="right")
    for i, name in enumerate(VIEWS):
        figure.text(0.135 + 0.2433 * i, 0.75 / height, name, color=MUTED, size=11, ha="center", va="center")
    _colour_bar(figure, 0.36 / height, 0.16 / height, reach_mm)
    save_figure(figure, path)


def range_mm(errors_mm: dict[str, np.ndarray]) -> float:
    """Where the colour bar ends: what 99 of 100 vertices of each answer stay below, in halves of a mm."""
    return float(np.ceil(2 * max(np.percentile(errors, 99) for errors in errors_mm.values())) / 2)


def _row(figure, bottom: float, height: float, errors_mm: np.ndarray, reach_mm: float) -> None:
    """One answer from all sides, at one scale."""
    mean, colours = load_template().mean("L3"), colour_map(ERRORS)
    for i, angles in enumerate(VIEWS.values()):
        seen = mean.moved(RigidTransform.turn(view_rotation(*angles)))
        axes = figure.add_axes((0.02 + 0.2433 * i, bottom, 0.23, height))
        axes.set_axis_off()
        axes.imshow(rendered(seen, errors_mm, lambda e: colours(e / reach_mm)[:, :3], _canvas(seen)))


def _canvas(mesh: Mesh) -> Canvas:
    """The same field for every view, around the middle of each."""
    low, high = mesh.vertices[:, :2].min(0), mesh.vertices[:, :2].max(0)
    return Canvas(_VIEW_PX, FIELD_MM, tuple((low + high) / 2))


def _colour_bar(figure, bottom: float, height: float, reach_mm: float) -> None:
    ticks = np.arange(0, reach_mm + 0.25, 0.5 if reach_mm <= 4 else 1.0)
    colour_bar(figure, (0.3, bottom, 0.4, height), ERRORS, (0, reach_mm), ticks)
    text = "mean distance to the true surface, mm"
    figure.text(0.71, bottom + height / 2, text, color=MUTED, size=11, va="center")
