"""All bones of a CT that a film shows, laid into its beam: from coarse to fine, each beside its neighbours.

What ends unlike the film is sought again: from where its neighbours ended, as the CT has them, and from a grid of
places and turns around its start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product

import numpy as np

from ReVertLib.geometry.levels import COLUMN
from ReVertLib.geometry.transform import RigidTransform

from .bone import CtBone
from .patches import Scale, patch_of
from .records import View
from .refine import UNITS, Distance, Fit, refined, stepped

SCALES = (Scale(3.0, 6.0), Scale(1.5, 4.0), Scale(0.75, 3.0))
ROUNDS = (12, 8, 6)
SOUGHT = Scale(3.0, 10.0)
"""At which places are sought."""
GOOD = 0.91
"""A fit less alike than this is sought again."""
_AROUND_MM, _AROUND_DEG = (-20.0, -10.0, 0.0, 10.0, 20.0), 14.0
_BEST = 4

Say = Callable[[str], None]
Poses = Mapping[str, RigidTransform]


def aligned(
    bones: Sequence[CtBone],
    starts: Poses,
    views: Sequence[View],
    depth_sd_mm: Mapping[str, float],
    beside: Sequence[CtBone] = (),
    say: Say = lambda _what: None,
) -> dict[str, Fit]:
    """By level, where each bone is. starts: by level, camera frame of the first view; depth_sd_mm: by level, standard
    deviation of their distances. beside: more bones of the CT, which move with the nearest of the others. say: is told
    what is at work, and may raise to stop it."""
    distances = {bone.level: _distance(bone, starts[bone.level], depth_sd_mm[bone.level]) for bone in bones}
    found, column = {}, _Column(bones, beside, views, distances, dict(starts), say)
    for scale, rounds in zip(SCALES, ROUNDS, strict=True):
        found = {bone.level: column.settled(bone, scale, rounds) for bone in bones}
    lost = [bone for bone in bones if found[bone.level].similarity < GOOD]
    for bone in lost:
        say(f"{bone.level}, sought again")
        before = found[bone.level]
        column.poses[bone.level] = _sought(bone, views, list(column.elsewhere(bone, lost, starts[bone.level])))
        for scale, rounds in zip(SCALES, ROUNDS, strict=True):
            found[bone.level] = column.settled(bone, scale, rounds)
        if found[bone.level].similarity < before.similarity:
            found[bone.level], column.poses[bone.level] = before, before.pose
    return found


class _Column:
    """The bones and where they are thought to be; poses: by level."""

    def __init__(
        self,
        bones: Sequence[CtBone],
        beside: Sequence[CtBone],
        views: Sequence[View],
        distances: Mapping[str, Distance],
        poses: dict[str, RigidTransform],
        say: Say,
    ) -> None:
        self._bones, self._beside, self._views, self._distances, self._say = bones, beside, views, distances, say
        self.poses = poses

    def settled(self, bone: CtBone, scale: Scale, rounds: int) -> Fit:
        """A bone moved on at one scale. At the coarsest its neighbours may be anywhere, and are left out, and its
        distance cannot be told from one view, and is kept."""
        self._say(f"{bone.level}, {scale.pixel_mm:g} mm")
        coarse = scale is SCALES[0]
        near = [] if coarse else self._near(bone)
        neighbours = [(one, self.poses.get(one.level, self.poses[bone.level])) for one in near]
        patches = [patch_of(view, bone, self.poses[bone.level], scale, neighbours) for view in self._views]
        distance, along = self._distances[bone.level], not coarse or len(self._views) > 1
        fit = refined(bone, self.poses[bone.level], patches, rounds, distance, along)
        self.poses[bone.level] = fit.pose
        return fit

    def _near(self, bone: CtBone) -> list[CtBone]:
        """The next bones of the CT above and below."""
        return [other for other in (*self._bones, *self._beside) if abs(_place(other) - _place(bone)) == 1]

    def elsewhere(self, bone: CtBone, lost: Sequence[CtBone], start: RigidTransform) -> Iterator[RigidTransform]:
        """Where a bone may be, too: where its neighbours that are not lost would have it, and around its start."""
        yield start
        for other in self._near(bone):
            if other.level in self.poses and other not in lost:
                yield self.poses[other.level]
        for x, y in product(_AROUND_MM, _AROUND_MM):
            yield stepped(start, bone.centre_lps, np.array([x, y, 0, 0, 0, 0]) / UNITS)


def _sought(bone: CtBone, views: Sequence[View], places: Sequence[RigidTransform]) -> RigidTransform:
    """The most alike of what the best of places, and turns of them, lead to."""
    turns = np.radians(_AROUND_DEG) * np.array([[0, 0, 0], [1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0]])
    best = sorted((_looked(bone, views, place, 3) for place in places), key=lambda fit: -fit.similarity)[:_BEST]
    ends = [
        _looked(bone, views, stepped(fit.pose, bone.centre_lps, np.array([0, 0, 0, *turn]) / UNITS), 10)
        for fit in best
        for turn in turns
    ]
    return max(ends, key=lambda fit: fit.similarity).pose


def _looked(bone: CtBone, views: Sequence[View], place: RigidTransform, rounds: int) -> Fit:
    patches = [patch_of(view, bone, place, SOUGHT, ()) for view in views]
    return refined(bone, place, patches, rounds, along=False)


def _distance(bone: CtBone, start: RigidTransform, sd_mm: float) -> Distance:
    return Distance(float(start.apply(bone.centre_lps[None])[0, 2]), sd_mm)


def _place(bone: CtBone) -> int:
    return COLUMN.index(bone.level)
