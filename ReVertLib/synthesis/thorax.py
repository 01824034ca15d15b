"""The thoracic vertebrae above T11 of a synthetic patient, as far as whole films show them: T11 again and again, each a
little smaller than the one below, on a kyphosis.

Nobody's shape is to be learned from them: they tell a whole film from one of the lumbar spine, and carry ribs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ReVertLib.geometry.transform import RigidTransform, SimilarityTransform
from ReVertLib.geometry.views import rotation_about
from ReVertLib.imaging.volume import Volume
from ReVertLib.mesh.mesh import Mesh

from .vertebra import Bone, wedge

SHRINKING = 0.975
"""Of a vertebra against the one below."""
DISC_MM = 4.8
KYPHOSIS_DEG = (2.0, 6.5)
"""From vertebra to vertebra; 20 to 45 degrees over T5 to T12 are usual."""


@dataclass(frozen=True)
class Thorax:
    """bones: cranial first. volumes: the attenuation of each, LPS, per mm."""

    bones: tuple[Bone, ...]
    volumes: tuple[Volume, ...]


def thorax_above(t11: Bone, volume: Volume, rng: np.random.Generator, count: int) -> Thorax:
    """So many vertebrae above T11. volume: what T11 is made of, LPS."""
    bones, volumes = [t11], [volume]
    kyphosis_deg = rng.uniform(*KYPHOSIS_DEG) if count else 0.0
    for _ in range(count):
        smaller = _scaled(bones[-1], SHRINKING)
        side, back = wedge(smaller)
        angle_deg = kyphosis_deg + rng.normal(0, 1) + np.degrees(back)
        turn = rotation_about("z", rng.normal(0, 1)) @ rotation_about("y", rng.normal(0, 1) - np.degrees(side))
        disc = RigidTransform(turn @ rotation_about("x", angle_deg), [0.0, 0.0, DISC_MM * np.exp(rng.normal(0, 0.15))])
        place = bones[-1].lps_from_upper @ disc @ smaller.shape_from_lower.inverse
        bone = replace(smaller, label=bones[-1].label - 1, lps_from_shape=place)
        scale = SimilarityTransform(np.eye(3), np.zeros(3), SHRINKING)
        motion = place @ scale @ bones[-1].lps_from_shape.inverse
        volumes.append(Volume(volumes[-1].array, motion.matrix @ volumes[-1].ijk_to_lps))
        bones.append(bone)
    return Thorax(tuple(bones[:0:-1]), tuple(volumes[:0:-1]))


def _scaled(bone: Bone, scale: float) -> Bone:
    """A bone of another size about the origin of its shape."""
    ends = (
        RigidTransform(end.rotation, scale * end.translation_mm)
        for end in (bone.shape_from_upper, bone.shape_from_lower)
    )
    upper, lower = ends
    return Bone(bone.label, Mesh(scale * bone.shape.vertices, bone.shape.faces), bone.lps_from_shape, upper, lower)
