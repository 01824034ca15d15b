"""What one radiograph says of a vertebra, as fusion takes it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ReVertLib.anatomy.template import load_template
from ReVertLib.errors import InputError
from ReVertLib.geometry.levels import LEVELS
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.inference.results import Reconstruction
from ReVertLib.registration.correspondence import canonical

from .outline import Outline, outline_of, pulls
from .shape_space import ShapeSpace

LEAST_MM = 0.6
"""The standard deviation of an outline that the answer itself meets."""
MAD_TO_DEVIATION = 1.4826


@dataclass(frozen=True)
class Answer:
    """pose: camera from canonical. shape: (n, 3) mm, canonical frame. displacement: (c, 3) mm, of its control points
    from the mean. outline: what was seen. outline_mm: the standard deviation to be expected of it."""

    pose: RigidTransform
    shape: np.ndarray
    displacement: np.ndarray
    outline: Outline
    outline_mm: float

    @property
    def beam(self) -> np.ndarray:
        """(3,) the ray through the vertebra's centre, canonical axes."""
        ray = self.pose.translation_mm
        return self.pose.rotation.T @ (ray / np.linalg.norm(ray))


def answer_of(found: Reconstruction, level: int, space: ShapeSpace) -> Answer:
    """Of one reconstruction of a vertebra of a level 0..4. Raises InputError for one whose surface is not the
    template's.

    How well the outline was seen nobody says, but where the answer itself misses it by much, one of the two is wrong.
    """
    count = space.means.shape[1]
    if len(found.mesh.vertices) != count:
        raise InputError(f"fuse: expected surfaces of the template's {count} vertices, got {len(found.mesh.vertices)}")
    laid, pose = canonical(found.mesh, space.means[level])
    outline, doubt_mm = outline_of(found.seen_px, found.geometry), np.inf
    if len(outline.points):
        off_mm = pulls(outline, laid.vertices, pose, space.at_vertices, np.inf).off_mm
        doubt_mm = max(LEAST_MM, MAD_TO_DEVIATION * float(np.median(np.abs(off_mm))))
    at = load_template().control_points
    return Answer(pose, laid.vertices, (laid.vertices - space.means[level])[at], outline, doubt_mm)


def level_of(first: Reconstruction, second: Reconstruction) -> int:
    """0..4, that of either; L3 where neither says. Raises InputError for two levels."""
    levels = {one.geometry.level for one in (first, second)} - {None}
    if len(levels) > 1:
        raise InputError(f"fuse: expected one vertebra on both images, got {' and '.join(sorted(levels))}")
    return LEVELS.index(levels.pop()) if levels else LEVELS.index("L3")
