"""The capture range of the case at hand: from how far off starts come back to where a bone was laid."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ReVertLib.geometry.transform import RigidTransform

from .align import ROUNDS, SCALES, distance_of, moved_on, same_pose
from .bone import CtBone
from .records import View
from .refine import UNITS, Fit, stepped

OFF = (2, 5, 10, 20)
"""mm across the beam, and degrees about any axis."""
STARTS = 6
"""Of each size."""
_FINE_ENOUGH = 2
"""Scales, of the coarsest, that tell where a start ends."""


def captured(
    bone: CtBone, fit: Fit, views: Sequence[View], depth_sd_mm: float, others: Sequence[tuple[CtBone, RigidTransform]]
) -> dict[str, float]:
    """By how far off starts are, mm and degrees, the share of them that come back by the steps of `aligned`, without
    being sought again. depth_sd_mm: of the distance. others: the bones next to it, where they are."""

    def comes_back(size: float, turned: int) -> bool:
        pose = stepped(fit.pose, bone.centre_lps, _off(size, turned))
        distance = distance_of(bone, pose, depth_sd_mm)
        for scale, rounds in list(zip(SCALES, ROUNDS, strict=True))[:_FINE_ENOUGH]:
            pose = moved_on(bone, pose, views, scale, rounds, distance, others).pose
        return same_pose(bone, pose, fit.pose)

    return {str(size): float(np.mean([comes_back(size, turned) for turned in range(STARTS)])) for size in OFF}


def _off(size: float, turned: int) -> np.ndarray:
    """(6,) a step in UNITS: size mm across, to one of STARTS sides, and size degrees about an axis of its own."""
    axis = np.random.default_rng(turned).normal(size=3)
    side = 2 * np.pi * turned / STARTS
    shift = size * np.array([np.cos(side), np.sin(side), 0.0])
    return np.concatenate([shift, np.radians(size) * axis / np.linalg.norm(axis)]) / UNITS
