"""What registered poses are worth: how alike film and CT are there, whether starts nearby end there, too, and whether
something else in the same place would be as alike: the CT's next vertebrae, or the film turned left for right.

A misnamed or mirrored film is so for all its vertebrae, so that is decided by their median.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ReVertLib.geometry.levels import COLUMN
from ReVertLib.geometry.transform import RigidTransform

from .bone import CtBone
from .expected import pose_error
from .neighbours import astray
from .patches import Scale, patch_of
from .records import ACCEPTED, CHECK, REFUSED, Judgement, View
from .refine import Fit, refined
from .starts import MIRROR, mirrored_start, start_as

HIGHER, LOWER, MIRRORED = "the CT's next level up", "the CT's next level down", "the mirrored film"
REFUSED_BELOW, ACCEPTED_FROM = 0.87, 0.93
"""Of the similarity."""
RIVAL = {HIGHER: 0.005, LOWER: 0.005, MIRRORED: 0.004}
"""By how much a rival must be more alike, in the median of all vertebrae, to be believed."""
SIDEWAYS = 0.8
"""Of the beam, the least part along the patient's left and right of a view from the side."""
CONTRADICTORY = 0.015
"""By how much two views may be more alike each by itself."""
CONTRADICTION = "the two images contradict each other: is their relative pose right, are both of this person?"
LEAST_RESTARTS, LEAST_SEEN, MOST_TURNED_DEG = 0.5, 0.8, 1.0
"""Of starts nearby that end there, of the bone on the film, and of the rotation's expected error, to be accepted."""
LOOK = Scale(1.5, 4.0)
"""At which rivals are looked at."""
_ROUNDS = 8


@dataclass(frozen=True)
class Looked:
    """What was seen of one bone at LOOK, without neighbours: similarity at its end, of its rivals, and at the start.
    apart: by how much two views are more alike, each with a pose of its own."""

    own: float
    rivals: dict[str, float]
    started_at: float
    apart: float = 0.0


def looked_around(
    bone: CtBone, fit: Fit, start: RigidTransform, views: Sequence[View], bones: Sequence[CtBone]
) -> Looked:
    """One bone, and its rivals in its place. bones: all of the CT."""
    here = looked_at(bone, fit.pose, views).similarity
    own = max(here, looked_at(bone, start, views).similarity)  # as often tried as its rivals
    started = looked_at(bone, start, views, 0).similarity
    each = [looked_at(bone, fit.pose, [view]).similarity for view in views]
    return Looked(own, _rivals(bone, fit.pose, start, views, bones), started, float(np.mean(each)) - here)


def looked_at(bone: CtBone, pose: RigidTransform, views: Sequence[View], rounds: int = _ROUNDS) -> Fit:
    """A bone by itself from a start, at one scale."""
    return refined(bone, pose, [patch_of(view, bone, pose, LOOK, ()) for view in views], rounds)


def judged(bones: Sequence[CtBone], fits: Mapping[str, Fit], looks: Mapping[str, Looked]) -> dict[str, Judgement]:
    """By level, what each of the vertebrae of a film is worth. bones: from head to feet; fits, looks: by level."""
    for_all, strays, found = _against_all(fits, looks), astray(bones, fits), {}
    for level, fit in fits.items():
        look, beside = looks[level], [stray for stray, other in strays.items() if other == level]
        word, reason = (REFUSED, for_all) if for_all else _word(fit, look, strays.get(level), beside)
        found[level] = Judgement(word, reason, fit.similarity, look.started_at, fit.restarts, look.rivals)
    return found


def mirrored(view: View) -> View:
    """The view with its picture turned left for right; what lies at X of its camera then lies at -X."""
    u, v = view.geometry.principal_point_px
    geometry = replace(view.geometry, principal_point_px=(view.pixels.shape[1] - 1 - u, v), box_px=None)
    moved = view.camera_from_first
    turned = RigidTransform(MIRROR @ moved.rotation @ MIRROR, MIRROR @ moved.translation_mm)
    return View(np.ascontiguousarray(view.pixels[:, ::-1]), geometry, turned)


def _rivals(
    bone: CtBone, pose: RigidTransform, start: RigidTransform, views: Sequence[View], bones: Sequence[CtBone]
) -> dict[str, float]:
    """How alike others are in a bone's place, turned as it is, or as it was at the start: of a wrong bone's pose little
    may be right."""
    place, found = COLUMN.index(bone.level), {}
    turned = [mirrored(view) for view in views]
    for at in (pose, start):
        ends = {MIRRORED: looked_at(bone, mirrored_start(bone, at), turned).similarity}
        for what, step in ((HIGHER, -1), (LOWER, 1)):
            for other in bones:
                if COLUMN.index(other.level) == place + step:
                    ends[what] = looked_at(other, start_as(other, bone, at), views).similarity
        found = {what: max(similarity, found.get(what, 0.0)) for what, similarity in ends.items()}
    return found


def _against_all(fits: Mapping[str, Fit], looks: Mapping[str, Looked]) -> str | None:
    """Why the film as a whole is not this CT's, named as it is, or not of the other film's place. From the side the
    mirrored film is nearly the same, and tells nothing."""
    if np.median([look.apart for look in looks.values()]) > CONTRADICTORY:
        return CONTRADICTION
    for what, least in RIVAL.items():
        told = [level for level in looks if what != MIRRORED or abs(fits[level].pose.rotation[2, 0]) < SIDEWAYS]
        margins = [looks[level].rivals[what] - looks[level].own for level in told if what in looks[level].rivals]
        if margins and np.median(margins) > least:
            return f"{what} is more alike: " + ("is it mirrored?" if what == MIRRORED else "are the names right?")
    return None


def _word(fit: Fit, look: Looked, other: str | None, beside: Sequence[str]) -> tuple[str, str]:
    """The first of what speaks against a pose, and why. other: the level to which it does not lie as in the CT; beside:
    those that do not lie so to it."""
    alike, turned_deg = fit.similarity, pose_error(fit).turned_deg
    against = (
        (other is not None, REFUSED, f"it does not lie to {other} as in the CT"),
        (look.apart > CONTRADICTORY, REFUSED, CONTRADICTION),
        (alike < REFUSED_BELOW, REFUSED, f"film and CT are not alike ({alike:.2f}, expected {ACCEPTED_FROM:.2f})"),
        (bool(beside), CHECK, f"{' and '.join(beside)} does not lie to it as in the CT"),
        (fit.restarts < LEAST_RESTARTS, CHECK, "starts nearby end elsewhere"),
        (fit.seen < LEAST_SEEN, CHECK, f"only {fit.seen:.0%} of it is on the film"),
        (turned_deg > MOST_TURNED_DEG, CHECK, f"its rotation is known to {turned_deg:.1f} degrees only"),
        (alike < ACCEPTED_FROM, CHECK, f"film and CT are only somewhat alike ({alike:.2f}, expected {ACCEPTED_FROM})"),
    )
    said = ((word, reason) for holds, word, reason in against if holds)
    return next(said, (ACCEPTED, f"film and CT are alike ({alike:.2f})"))
