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
class Changes:
    """What the chain makes of k vertebrae; a stack of such, with more axes before, goes, too. depth_ratio: (k,) true
    over taken distance; all grows with it about the source. growth: (k,) their sizes on the film against what was read
    from it. turn: (k, 3, 3) about their centres, camera axes. shift_mm: (k, 2) across the beam at the distance that was
    taken."""

    depth_ratio: np.ndarray
    growth: np.ndarray
    turn: np.ndarray
    shift_mm: np.ndarray

    def moved(self, points_mm: np.ndarray, centres_mm: np.ndarray) -> np.ndarray:
        """(k, 3) where a point of each, (k, 3), goes; their centres (k, 3). Camera frame, mm."""
        arms = (self.turn @ (points_mm - centres_mm)[..., None])[..., 0]
        across = np.concatenate([self.shift_mm, np.zeros_like(self.shift_mm[..., :1])], -1)
        return self.depth_ratio[..., None] * (centres_mm + across + self.growth[..., None] * arms)

    def motions(self, centres_mm: np.ndarray) -> list[SimilarityTransform]:
        """The motions, in the camera frame, of what has its centres (k, 3) there."""
        scales = (self.depth_ratio * self.growth).tolist()
        moved = zip(self.turn, centres_mm, self.moved(centres_mm, centres_mm), scales, strict=True)
        return [SimilarityTransform(turn, to - scale * turn @ centre, scale) for turn, centre, to, scale in moved]
