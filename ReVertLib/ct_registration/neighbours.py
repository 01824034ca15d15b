"""Whether vertebrae lie to their neighbours as the CT has them: a spine bends by some degrees a level between couch and
table, and its vertebrae do not change places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from ReVertLib.geometry.levels import COLUMN
from ReVertLib.geometry.transform import RigidTransform

from .bone import CtBone
from .refine import Fit

MOST_BEND_DEG, MOST_SHIFT_MM = 25.0, 20.0
"""Of one vertebra against the next, from how they lie in the CT; the shift is that of the point between their middles,
across the beam, as one view hardly tells what is along it."""


def apart(pose: RigidTransform, other: RigidTransform, point_lps: np.ndarray) -> tuple[float, float]:
    """How far two poses are apart: mm across the beam, of a point (3,), at the other's depth; and degrees."""
    place, goal = (one.apply(point_lps[None])[0] for one in (pose, other))
    across_mm = np.linalg.norm(place[:2] * goal[2] / place[2] - goal[:2])
    return float(across_mm), RigidTransform(pose.rotation @ other.rotation.T, np.zeros(3)).angle_deg


def next_to(bone: CtBone, other: CtBone) -> bool:
    """Whether one is the next above or below the other."""
    return abs(COLUMN.index(bone.level) - COLUMN.index(other.level)) == 1


def go_together(bone: CtBone, pose: RigidTransform, other: CtBone, other_pose: RigidTransform) -> bool:
    """Whether two bones that are next to each other lie about so in the CT."""
    shift_mm, bend_deg = apart(pose, other_pose, (bone.centre_lps + other.centre_lps) / 2)
    return bend_deg <= MOST_BEND_DEG and shift_mm <= MOST_SHIFT_MM


def astray(bones: Sequence[CtBone], fits: Mapping[str, Fit]) -> dict[str, str]:
    """By level, of the bones that do not go together with the next one, the less alike of both, and which the other is.
    bones: from head to feet."""
    found = {}
    for pair in pairwise(bones):
        if next_to(*pair):
            worse, better = sorted(pair, key=lambda bone: fits[bone.level].similarity)
            if not go_together(worse, fits[worse.level].pose, better, fits[better.level].pose):
                found[worse.level] = better.level
    return found
