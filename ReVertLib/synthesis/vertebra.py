"""The bones a spine is a chain of: their surfaces, their places, and the planes across their ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from ReVertLib.anatomy.landmarks import endplate_through, endplate_vertices
from ReVertLib.anatomy.template import load_template
from ReVertLib.geometry.levels import VERSE_LABELS
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.registration.correspondence import canonical

T11, T12, S1 = 18, 19, 26
LABELS = (T11, T12, *VERSE_LABELS.values(), S1)


@dataclass(frozen=True)
class Bone:
    """One bone at its place. label: VerSe's. shape: in its own canonical frame, mm, over the mean of its level for a
    lumbar vertebra. shape_from_upper, shape_from_lower: from the axes of its endplates (`endplate_through`); a sacrum
    has no lower one."""

    label: int
    shape: Mesh
    lps_from_shape: RigidTransform
    shape_from_upper: RigidTransform
    shape_from_lower: RigidTransform | None

    @property
    def mesh_lps(self) -> Mesh:
        """The closed surface in LPS, mm."""
        return self.shape.moved(self.lps_from_shape)

    @property
    def lps_from_upper(self) -> RigidTransform:
        """From the axes of the upper endplate."""
        return self.lps_from_shape @ self.shape_from_upper

    @property
    def lps_from_lower(self) -> RigidTransform:
        """From the axes of the lower endplate."""
        return self.lps_from_shape @ self.shape_from_lower

    def moved(self, motion: RigidTransform) -> Bone:
        """The bone moved in LPS."""
        return replace(self, lps_from_shape=motion @ self.lps_from_shape)

    def with_vertices(self, vertices_lps: np.ndarray) -> Bone:
        """The bone with its surface bent to vertices (n, 3) LPS; a vertebra is laid over its mean again."""
        vertices = self.lps_from_shape.inverse.apply(vertices_lps)
        return of_label(self.label, Mesh(vertices, self.shape.faces), self)


def of_label(label: int, shape: Mesh, like: Bone | None = None) -> Bone:
    """A vertebra from a shape in a frame near its canonical one, at the place of another, or at LPS 0."""
    place = RigidTransform.identity() if like is None else like.lps_from_shape
    laid, back = canonical(shape, load_template().means[level_of(label)].astype(float))
    upper, lower = (endplate_through(laid.vertices[at]) for at in endplate_vertices())
    return Bone(label, laid, place @ back, upper, lower)


def level_of(label: int) -> int:
    """0..4, the level whose mean a vertebra is laid over: L1 for T11 and T12."""
    return max(label - VERSE_LABELS["L1"], 0)


def wedge(bone: Bone) -> np.ndarray:
    """(2,) radians: by how much the upper endplate of a body leans more to the left, and more backward, than the lower
    one, as where the body is taller on the right or in front."""
    upper, lower = bone.shape_from_upper.rotation[:, 2], bone.shape_from_lower.rotation[:, 2]
    return np.arctan2(upper[:2], upper[2]) - np.arctan2(lower[:2], lower[2])


def measured(bones: Sequence[Bone]) -> dict:
    """What a radiologist would measure, for the metadata: lordosis between the upper endplates of L1 and S1, the
    coronal angle between the most tilted vertebrae, and disc heights."""
    up = np.stack([bone.lps_from_upper.rotation[:, 2] for bone in bones])
    back, side = np.degrees(np.arctan2(up[:, 1], up[:, 2])), np.degrees(np.arctan2(up[:, 0], up[:, 2]))
    discs = [(b.lps_from_upper.inverse @ a.lps_from_lower).translation_mm[2] for a, b in pairwise(bones)]
    return {
        "lordosis_deg": round(float(back[2] - back[-1]), 1),
        "cobb_deg": round(float(np.ptp(side[1:])), 1),
        "disc_heights_mm": [round(float(height), 1) for height in discs],
    }
