"""Motions of points, mm: rigid ones, and the similarities that also scale. All are immutable. Affine maps, which may
also stretch, as from voxel indices to mm, are plain matrices.

A motion takes points from one frame to another; `camera_from_lps` takes LPS points to the camera, and
`camera_from_lps @ lps_from_canonical` reads as it works.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class RigidTransform:
    """The motion v -> rotation @ v + translation_mm. rotation: (3, 3), right-handed. translation_mm: (3,)."""

    rotation: np.ndarray
    translation_mm: np.ndarray

    @property
    def scale(self) -> float:
        """1: lengths stay as they are."""
        return 1.0

    @staticmethod
    def identity() -> RigidTransform:
        """What moves nothing."""
        return RigidTransform(np.eye(3), np.zeros(3))

    @staticmethod
    def turn(rotation: np.ndarray) -> RigidTransform:
        """A rotation (3, 3) about the origin."""
        return RigidTransform(rotation, np.zeros(3))

    @staticmethod
    def shift(translation_mm: np.ndarray) -> RigidTransform:
        """A translation (3,), mm."""
        return RigidTransform(np.eye(3), np.asarray(translation_mm, float))

    @staticmethod
    def about(centre: np.ndarray, rotation: np.ndarray, position_mm: np.ndarray) -> RigidTransform:
        """A rotation (3, 3) about a centre (3,), which then goes to position_mm (3,)."""
        return RigidTransform(rotation, position_mm - rotation @ centre)

    @staticmethod
    def from_matrix(matrix: np.ndarray) -> RigidTransform:
        """The motion of a homogeneous matrix (4, 4), which must be rigid."""
        return RigidTransform(matrix[:3, :3], matrix[:3, 3])

    @property
    def matrix(self) -> np.ndarray:
        """(4, 4) homogeneous matrix."""
        matrix = np.eye(4)
        matrix[:3, :3] = self.scale * np.asarray(self.rotation)
        matrix[:3, 3] = self.translation_mm
        return matrix

    @property
    def inverse(self) -> RigidTransform:
        """The motion back."""
        back = np.asarray(self.rotation).T
        return _transform(back, -(back @ self.translation_mm) / self.scale, 1.0 / self.scale)

    def __matmul__(self, first: RigidTransform) -> RigidTransform:
        """The motion that does first, then this."""
        translation_mm = self.scale * (self.rotation @ first.translation_mm) + self.translation_mm
        return _transform(self.rotation @ first.rotation, translation_mm, self.scale * first.scale)

    def apply(self, points: np.ndarray) -> np.ndarray:
        """(n, 3) points (n, 3) moved, mm."""
        return self.scale * points @ np.asarray(self.rotation).T + self.translation_mm

    @property
    def angle_deg(self) -> float:
        """The angle of the rotation, 0..180 degrees, from its trace."""
        return float(np.degrees(np.arccos(np.clip((np.trace(self.rotation) - 1) / 2, -1.0, 1.0))))


@dataclass(frozen=True)
class SimilarityTransform(RigidTransform):
    """The motion v -> scale * rotation @ v + translation_mm."""

    scale: float = 1.0


def mapped(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """(n, 3) points (n, 3) under an affine map, a homogeneous matrix (4, 4)."""
    return points @ matrix[:3, :3].T + matrix[:3, 3]


def mean_point(points: np.ndarray) -> np.ndarray:
    """(3,) the mean of points (n, 3); numpy's own along that axis takes several times as long."""
    return np.ascontiguousarray(points.T).mean(1)


def _transform(rotation: np.ndarray, translation_mm: np.ndarray, scale: float) -> RigidTransform:
    if scale == 1.0:
        return RigidTransform(rotation, translation_mm)
    return SimilarityTransform(rotation, translation_mm, scale)
