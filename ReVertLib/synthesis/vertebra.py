"""The bones a spine is a chain of: their surfaces, their places, and the planes across their ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ReVertLib.anatomy.landmarks import endplate_vertices
from ReVertLib.anatomy.template import load_template
from ReVertLib.geometry.levels import VERSE_LABELS
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.registration.correspondence import canonical

T11, T12, S1 = 18, 19, 26
LABELS = (T11, T12, *VERSE_LABELS.values(), S1)


@dataclass(frozen=True)
class Endplate:
    """A plane across one end of a vertebral body. frame: (4, 4) from its axes, x to the left, y behind, z up along the
    spine, the origin in its middle, to the frame of the shape, mm."""

    frame: np.ndarray

    @classmethod
    def through(cls, points: np.ndarray) -> Endplate:
        """The plane nearest to points (n, 3)."""
        middle = points.mean(0)
        up = np.linalg.svd(points - middle)[2][2]
        up = up * np.sign(up[2])
        left = np.array([1.0, 0.0, 0.0]) - up[0] * up
        left /= np.linalg.norm(left)
        frame = np.eye(4)
        frame[:3] = np.stack([left, np.cross(up, left), up, middle], 1)
        return cls(frame)


@dataclass(frozen=True)
class Bone:
    """One bone at its place. label: VerSe's. shape: its own canonical frame, mm, over the mean of its level for a
    lumbar vertebra. matrix: (4, 4) rigid, from that frame to LPS. upper, lower: in the shape's frame; a sacrum has no
    lower one."""

    label: int
    shape: Mesh
    matrix: np.ndarray
    upper: Endplate
    lower: Endplate | None

    @property
    def mesh_lps(self) -> Mesh:
        """The closed surface in LPS, mm."""
        return self.shape.moved(RigidTransform.from_matrix(self.matrix))

    @property
    def upper_lps(self) -> np.ndarray:
        """(4, 4) from the axes of the upper endplate to LPS."""
        return self.matrix @ self.upper.frame

    @property
    def lower_lps(self) -> np.ndarray:
        """(4, 4) from the axes of the lower endplate to LPS."""
        return self.matrix @ self.lower.frame

    def with_vertices(self, vertices_lps: np.ndarray) -> Bone:
        """The bone with its surface bent to vertices (n, 3) LPS; a vertebra is laid over its mean again."""
        inverse = np.linalg.inv(self.matrix)
        return of_label(self.label, Mesh(vertices_lps @ inverse[:3, :3].T + inverse[:3, 3], self.shape.faces), self)


def of_label(label: int, shape: Mesh, like: Bone | None = None) -> Bone:
    """A vertebra from a shape in a frame near its canonical one, at the place of another, or at LPS 0."""
    matrix = np.eye(4) if like is None else like.matrix
    laid, back = canonical(shape, load_template().means[level_of(label)].astype(float))
    upper, lower = (Endplate.through(laid.vertices[at]) for at in endplate_vertices())
    return Bone(label, laid, matrix @ back.matrix, upper, lower)


def level_of(label: int) -> int:
    """0..4, the level whose mean a vertebra is laid over: L1 for T11 and T12."""
    return max(label - VERSE_LABELS["L1"], 0)


def wedge(bone: Bone) -> np.ndarray:
    """(2,) radians: by how much the upper endplate of a body leans more to the left, and more backward, than the lower
    one, as where the body is taller on the right or in front."""
    upper, lower = bone.upper.frame[:3, 2], bone.lower.frame[:3, 2]
    return np.arctan2(upper[:2], upper[2]) - np.arctan2(lower[:2], lower[2])


def measured(bones: Sequence[Bone]) -> dict:
    """What a reader of films would measure, for the record: lordosis between the upper endplates of L1 and S1, the
    coronal angle between the most tilted vertebrae, and disc heights."""
    up = np.stack([bone.upper_lps[:3, 2] for bone in bones])
    back, side = np.degrees(np.arctan2(up[:, 1], up[:, 2])), np.degrees(np.arctan2(up[:, 0], up[:, 2]))
    discs = [b.upper_lps[:3, 2] @ (a.lower_lps[:3, 3] - b.upper_lps[:3, 3]) for a, b in pairwise(bones)]
    return {
        "lordosis_deg": round(float(back[2] - back[-1]), 1),
        "cobb_deg": round(float(np.ptp(side[1:])), 1),
        "disc_heights_mm": [round(float(height), 1) for height in discs],
    }
