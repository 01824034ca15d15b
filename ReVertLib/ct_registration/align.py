"""All bones of a CT that a film shows, laid into its beam: from coarse to fine, each beside its neighbours.

What ends unlike the film, or lies to its neighbours not as in the CT, is sought again: from where its neighbours ended,
as the CT has them, and from a grid of places and turns around its start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product

import numpy as np

from ReVertLib.geometry.transform import RigidTransform

from .bone import CtBone
from .neighbours import apart, astray, next_to
from .patches import Scale, patch_of
from .records import View
from .refine import UNITS, Distance, Fit, refined, stepped

SCALES = (Scale(3.0, 6.0), Scale(1.5, 3.0, near=True), Scale(0.75, 1.5, near=True))
ROUNDS = (12, 12, 12)
SOUGHT = Scale(4.0, 12.0)
"""At which places are sought."""
GOOD = 0.92
"""A fit less alike than this is sought again."""
_AROUND_MM, _AROUND_DEG = (-20.0, -10.0, 0.0, 10.0, 20.0), 14.0
_BEST = 3

_NEARBY = np.array(
    [[2, -2, 0, 4, 0, 1], [-2, 2, 0, -4, 0, -1], [2, 2, 0, 0, 4, -1], [-2, -2, 0, 0, -4, 1]], dtype=float
)
"""Starts around an end, in UNITS."""
_SAME_MM, _SAME_DEG = 1.0, 1.5

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
    deviation of their distances. beside: more bones of the CT, of which the next ones are laid into the beam, too, as
    they cover those sought; one that is not found there counts for nothing. say: is told what is at work, and may
    raise to stop it."""
    distances = {bone.level: distance_of(bone, starts[bone.level], depth_sd_mm[bone.level]) for bone in bones}
    found, column = {}, _Column(bones, beside, views, distances, dict(starts), say)
    for scale, rounds in zip(SCALES, ROUNDS, strict=True):
        if scale.near:
            column.settle_beside(scale, rounds)
        found = {bone.level: column.settled(bone, scale, rounds) for bone in bones}
    found = {bone.level: column.best_around(bone, found[bone.level]) for bone in bones}
    strays = astray(bones, found)
    lost = [bone for bone in bones if found[bone.level].similarity < GOOD or bone.level in strays]
    for bone in lost:
        say(f"{bone.level}, sought again")
        before = found[bone.level]
        column.poses[bone.level] = _sought(bone, views, list(column.elsewhere(bone, lost, starts[bone.level])))
        for scale, rounds in zip(SCALES, ROUNDS, strict=True):
            found[bone.level] = column.settled(bone, scale, rounds)
        found[bone.level] = column.best_around(bone, found[bone.level])
        strayed, strays_now = bone.level in strays, bone.level in astray(bones, found)
        if (strays_now, before.similarity) > (strayed, found[bone.level].similarity):
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
        self._bones, self._views, self._say = bones, views, say
        self._beside = {bone: other for bone in beside for other in bones if next_to(bone, other)}
        self._distances = dict(distances)
        self.poses = poses

    def settled(self, bone: CtBone, scale: Scale, rounds: int) -> Fit:
        """A bone moved on at one scale."""
        fit = self._moved_on(bone, self.poses[bone.level], scale, rounds, self._distances[bone.level])
        self.poses[bone.level] = fit.pose
        return fit

    def settle_beside(self, scale: Scale, rounds: int) -> None:
        """What is beside the bones sought, from where its neighbour there would have it; unlike the film, it is none of
        what is seen there: out of the picture, or changed since the CT."""
        for bone, neighbour in self._beside.items():
            start = self.poses.pop(bone.level, self.poses[neighbour.level])
            distance = distance_of(bone, start, self._distances[neighbour.level].sd_mm)
            fit = self._moved_on(bone, start, scale, rounds, distance)
            if fit.similarity >= GOOD:
                self.poses[bone.level] = fit.pose

    def _moved_on(self, bone: CtBone, start: RigidTransform, scale: Scale, rounds: int, distance: Distance) -> Fit:
        self._say(f"{bone.level}, {scale.pixel_mm:g} mm")
        return moved_on(bone, start, self._views, scale, rounds, distance, self._neighbours(bone))

    def best_around(self, bone: CtBone, fit: Fit) -> Fit:
        """The best of a fit and what starts around it lead to; and the share of them that lead there. From the side a
        vertebra looks nearly alike turned a little to either side, so that one start may end at the wrong one."""
        self._say(f"{bone.level}, starts nearby")
        start, distance, ends = self.poses[bone.level], self._distances[bone.level], []
        patches = [patch_of(view, bone, fit.pose, SCALES[1], self._neighbours(bone)) for view in self._views]
        here = refined(bone, fit.pose, patches, ROUNDS[1], distance)
        for step in _NEARBY:
            ends.append(refined(bone, stepped(fit.pose, bone.centre_lps, step), patches, ROUNDS[1], distance))
        best = min(ends, key=lambda end: end.cost)
        if best.cost < here.cost and not same_pose(bone, best.pose, here.pose):
            self.poses[bone.level] = best.pose
            again = self.settled(bone, SCALES[-1], ROUNDS[-1])
            if again.similarity > fit.similarity:
                fit, here = again, best
            else:
                self.poses[bone.level] = start
        return replace(fit, restarts=float(np.mean([same_pose(bone, end.pose, here.pose) for end in ends])))

    def _neighbours(self, bone: CtBone) -> list[tuple[CtBone, RigidTransform]]:
        return [(one, self.poses[one.level]) for one in self._near(bone)]

    def _near(self, bone: CtBone) -> list[CtBone]:
        """The next bones of the CT above and below, of those whose place is known."""
        every = (*self._bones, *self._beside)
        return [other for other in every if other.level in self.poses and next_to(bone, other)]

    def elsewhere(self, bone: CtBone, lost: Sequence[CtBone], start: RigidTransform) -> Iterator[RigidTransform]:
        """Where a bone may be, too: where its neighbours that are not lost would have it, and around its start."""
        yield start
        for other in self._near(bone):
            if other not in lost:
                yield self.poses[other.level]
        for x, y in product(_AROUND_MM, _AROUND_MM):
            yield stepped(start, bone.centre_lps, np.array([x, y, 0, 0, 0, 0]) / UNITS)


def moved_on(
    bone: CtBone,
    start: RigidTransform,
    views: Sequence[View],
    scale: Scale,
    rounds: int,
    distance: Distance,
    neighbours: Sequence[tuple[CtBone, RigidTransform]],
) -> Fit:
    """A bone from a start, at one scale. Where that is not near, neighbours may be anywhere, and are left out, and the
    distance cannot be told from one view, and is kept."""
    patches = [patch_of(view, bone, start, scale, neighbours if scale.near else ()) for view in views]
    return refined(bone, start, patches, rounds, distance, along=scale.near or len(views) > 1)


def _sought(bone: CtBone, views: Sequence[View], places: Sequence[RigidTransform]) -> RigidTransform:
    """The most alike of what the best of places, and turns of them, lead to."""
    turns = np.radians(_AROUND_DEG) * np.array([[0, 0, 0], [1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0]])
    best = sorted((_looked(bone, views, place, 2) for place in places), key=lambda fit: -fit.similarity)[:_BEST]
    ends = [
        _looked(bone, views, stepped(fit.pose, bone.centre_lps, np.array([0, 0, 0, *turn]) / UNITS), 8)
        for fit in best
        for turn in turns
    ]
    return max(ends, key=lambda fit: fit.similarity).pose


def _looked(bone: CtBone, views: Sequence[View], place: RigidTransform, rounds: int) -> Fit:
    patches = [patch_of(view, bone, place, SOUGHT, ()) for view in views]
    return refined(bone, place, patches, rounds, along=False)


def same_pose(bone: CtBone, pose: RigidTransform, other: RigidTransform) -> bool:
    """Whether two poses are one, across the beam and in rotation."""
    across_mm, turned_deg = apart(pose, other, bone.centre_lps)
    return across_mm < _SAME_MM and turned_deg < _SAME_DEG


def distance_of(bone: CtBone, start: RigidTransform, sd_mm: float) -> Distance:
    """What is known of a bone's distance, where a start has it."""
    return Distance(float(start.apply(bone.centre_lps[None])[0, 2]), sd_mm)
