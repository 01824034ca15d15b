"""What is known of one vertebra of a film before its neighbours are asked."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ReVertLib.anatomy.landmarks import endplate_through, endplate_vertices
from ReVertLib.anatomy.template import load_template
from ReVertLib.geometry.transform import RigidTransform, SimilarityTransform
from ReVertLib.mesh.mesh import Mesh, volume_centroid
from ReVertLib.registration.icp import best_motion

USUAL_ERROR_MM = 1.1
"""Of a vertebra on a film of good quality."""
DOUBTFUL = 3.0
"""Times the expected error, of a vertebra whose crop is unlike the training images."""
UNSEEN_MM = 8.0
"""The expected error of a vertebra that is only proposed, at its usual place between its neighbours."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """level: "L1".."L5". mesh: its surface over the template, camera frame, mm, at the distance that was taken.
    expected_error_mm: mean of its vertices, greater where the input is doubtful."""

    level: str
    mesh: Mesh
    expected_error_mm: float

    @cached_property
    def centre_mm(self) -> np.ndarray:
        """(3,) centroid of the volume, camera frame, mm."""
        return volume_centroid(self.mesh)

    @cached_property
    def camera_from_mean(self) -> RigidTransform:
        """The similarity that lays the mean of the level over the surface, by correspondence."""
        return best_motion(load_template().mean(self.level).vertices, self.mesh.vertices, "similarity")

    @property
    def size(self) -> float:
        """How large it is against the mean of its level."""
        return self.camera_from_mean.scale

    @property
    def worse(self) -> float:
        """How many times the usual error is to be expected, at least half of it."""
        return max(self.expected_error_mm / USUAL_ERROR_MM, 0.5)

    @cached_property
    def upper(self) -> RigidTransform:
        """From the axes of the upper endplate (`landmarks.endplate_through`) to the camera frame."""
        return self._endplate(0)

    @cached_property
    def lower(self) -> RigidTransform:
        """From the axes of the lower endplate to the camera frame."""
        return self._endplate(1)

    def _endplate(self, which: int) -> RigidTransform:
        pose = RigidTransform(self.camera_from_mean.rotation, self.centre_mm)
        return pose @ endplate_through(pose.inverse.apply(self.mesh.vertices[endplate_vertices()[which]]))


@dataclass(frozen=True)
class Change:
    """What the chain makes of one vertebra. depth_ratio: true over taken distance; all grows with it about the source.
    growth: its size on the film against what was read from it. turn: (3, 3) about its centre, camera axes. shift_mm:
    (2,) across the beam at the distance that was taken."""

    depth_ratio: float
    growth: float
    turn: np.ndarray
    shift_mm: np.ndarray

    def motion(self, centre_mm: np.ndarray) -> SimilarityTransform:
        """The motion, in the camera frame, of what has its centre (3,) there."""
        scale = self.depth_ratio * self.growth
        moved = self.depth_ratio * (centre_mm + np.append(self.shift_mm, 0.0))
        return SimilarityTransform(self.turn, moved - scale * self.turn @ centre_mm, scale)
