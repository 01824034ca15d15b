"""From vertebrae to measurements with their errors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ReVertLib.anatomy.template import load_template
from ReVertLib.errors import InputError
from ReVertLib.geometry.levels import LEVELS
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.metrics.records import ErrorParts

from .errors import Expected, error_modes
from .landmarks import landmarks
from .records import (
    ANGLE,
    BEAM_TERMS,
    DIRECTION,
    DISC_TERMS,
    POINT,
    SPINE_TERMS,
    VERTEBRA_TERMS,
    Measurement,
    Measurements,
    Term,
)
from .several import beam_values, disc_values, spine_values
from .vertebra import Vertebra, vertebra_values

_STEP = 0.02
"""Standard deviations by which everything is moved to see what that does to a measurement."""

Values = dict[str, np.ndarray]
Modes = list[dict[str, np.ndarray]]
"""Independent errors: by level, what becomes of its landmarks (k, 3), mm."""


@dataclass(frozen=True, eq=False)
class Measured:
    """One vertebra to be measured. vertices: (n, 3) over the template, mm. expected_error_mm, error_parts: as those of
    `Reconstruction`; without them its measurements come without errors."""

    vertices: np.ndarray
    expected_error_mm: np.ndarray | None = None
    error_parts: ErrorParts | None = None


def measure(
    vertebrae: Mapping[str, Measured], in_camera: bool, growths: Iterable[Mapping[str, float]] = ()
) -> Measurements:
    """All measurements of vertebrae in one frame, by level. in_camera: whether that is the camera's, in which the
    errors are known and so is the rotation against the beam. growths: independent doubts of distances and scale, each
    by level the standard deviation, as a share, by which they grow about the source together. Raises InputError for a
    level that is none."""
    unknown = [level for level in vertebrae if level not in LEVELS]
    if unknown:
        raise InputError(f"level: expected one of {', '.join(LEVELS)}, got {str(unknown[0])[:40]!r}")
    given = {level: vertebrae[level] for level in LEVELS if level in vertebrae}
    points = {level: landmarks(level).points(one.vertices) for level, one in given.items()}
    modes = _modes(given, points, growths) if in_camera else []
    moved = {level: Vertebra(_moved(level, at, modes)) for level, at in points.items()}
    levels = {level: _of_vertebra(one, in_camera, bool(modes)) for level, one in moved.items()}
    next_to = [(a, b) for a, b in pairwise(moved) if LEVELS.index(b) == LEVELS.index(a) + 1]
    discs = {f"{a}/{b}": _with_errors(disc_values(moved[a], moved[b]), DISC_TERMS, bool(modes)) for a, b in next_to}
    spine = _with_errors(spine_values(moved), SPINE_TERMS, bool(modes)) if len(moved) > 1 else {}
    return Measurements(levels, discs, spine)


def template_vertices(mesh: Mesh, what: str) -> np.ndarray:
    """(n, 3) the vertices of a surface in the order of the template, which the order of its triangles tells even where
    a file (.stl) has its own order of vertices. Raises InputError for a surface that is not the template's."""
    template = load_template()
    count = template.means.shape[1]
    order = np.full(count, -1)
    if mesh.faces.shape == template.faces.shape:
        order[template.faces] = mesh.faces
    if (order < 0).any() or not np.array_equal(order[template.faces], mesh.faces):
        got = f"another with {len(mesh.vertices)} vertices and {len(mesh.faces)} triangles"
        raise InputError(f"{what}: expected a surface over the template, as ReVert makes them, got {got}")
    return mesh.vertices[order]


def _of_vertebra(one: Vertebra, in_camera: bool, known: bool) -> dict[str, Measurement]:
    found = _with_errors(vertebra_values(one), VERTEBRA_TERMS, known)
    return found | (_with_errors(beam_values(one), BEAM_TERMS, known) if in_camera else {})


def _modes(
    given: Mapping[str, Measured], points: Mapping[str, np.ndarray], growths: Iterable[Mapping[str, float]]
) -> Modes:
    """Of all vertebrae; none where weights do not say what to expect of one of them."""
    if any(one.error_parts is None for one in given.values()):
        return []
    found: Modes = []
    for level, one in given.items():
        expected = Expected(one.vertices, float(one.expected_error_mm.mean()), one.error_parts)
        found += [{level: mode} for mode in error_modes(expected, landmarks(level))]
    return [*found, *({level: share * points[level] for level, share in growth.items()} for growth in growths)]


def _moved(level: str, points: np.ndarray, modes: Modes) -> np.ndarray:
    """(1 + 2 m, k, 3) the landmarks of a level as they are, and moved by each mode there and back."""
    found = np.repeat(points[None], 1 + 2 * len(modes), axis=0)
    for i, mode in enumerate(modes):
        if level in mode:
            found[1 + 2 * i] += _STEP * mode[level]
            found[2 + 2 * i] -= _STEP * mode[level]
    return found


def _with_errors(values: Values, terms: Mapping[str, Term], known: bool) -> dict[str, Measurement]:
    """Measurements from the values of what `_moved` made."""
    return {name: _measurement(values[name], term.kind, known) for name, term in terms.items()}


def _measurement(values: np.ndarray, kind: str, known: bool) -> Measurement:
    change, sd = values[1::2] - values[2::2], None
    if kind == ANGLE:
        change = (change + 180) % 360 - 180
    if known:
        sd = float(np.sqrt(np.square(change).sum()) / (2 * _STEP))
    if kind == DIRECTION and known:
        sd = float(np.degrees(sd))
    as_it_is = values[0]
    return Measurement(kind, tuple(as_it_is.tolist()) if kind in (POINT, DIRECTION) else float(as_it_is), sd)
