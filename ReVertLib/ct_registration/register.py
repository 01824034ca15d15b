"""A CT and one or two films of the same person: where each of its lumbar vertebrae lies in the beam."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import numpy as np

from ReVertLib.errors import InputError
from ReVertLib.geometry.levels import COLUMN, LABEL_SCHEMES
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.imaging.labels import MIN_VOLUME_MM3, is_cut_off, on_grid_of
from ReVertLib.imaging.volume import Volume
from ReVertLib.spine.inputs import FilmInput
from ReVertLib.spine.records import FilmResult

from .align import Say, aligned
from .bone import CtBone
from .capture import captured
from .expected import pose_error, projected_errors_mm
from .judge import judged, looked_around, looked_at
from .neighbours import next_to
from .records import CtRegistration, Judgement, RegisteredVertebra, View
from .refine import Fit
from .starts import crossed, start_at
from .two_views import second_from_poses

Bones = Mapping[str, CtBone]

LEAST_DEPTH_SD_MM = 2.0
"""No distance that a user gives is better known."""
CLEARLY_ALONE = 0.01
"""By how much more alike bones must be alone, to be taken for that."""
UNKNOWN_DEPTH_SD_MM = 50.0
"""Where two views tell the distance, what was given counts for nothing."""


def registered(
    ct: Volume,
    labels: Volume,
    films: Sequence[tuple[FilmInput, FilmResult]],
    second_from_first: RigidTransform | None = None,
    say: Say = lambda _what: None,
    capture: bool = False,
) -> CtRegistration:
    """The lumbar vertebrae that both the CT and the first film show, in that film's camera frame.

    ct: HU; labels: in VerSe's numbers. films: one or two, with what was reconstructed of each. second_from_first: from
    the first camera's frame to the second's, mm; None for one film, and where it is not known: it is then found from
    the bones. say: is told what is at work, and may raise to stop it. capture: whether the capture range is asked for,
    which takes as long again and more. Raises InputError where CT and films have no level in common.
    """
    started = time.perf_counter()
    labels = on_grid_of(ct, labels)
    bones = ct_bones(ct, labels)
    starts = [_starts(bones, result) for _, result in films]
    levels = _shared(bones, starts)
    views = [View(given.radiograph.pixels, given.geometry, RigidTransform.identity()) for given, _ in films]
    say("bone in soft tissue, or alone")
    alone = _stand_alone(bones, starts[0], views[0])
    if alone:
        bones = {level: bone.bare for level, bone in bones.items()}
    chosen = [bones[level] for level in levels]
    beside = [bone for level, bone in bones.items() if level not in levels]
    poses = {level: starts[0][level] for level in levels}
    depth_sd_mm = _depth_sd_mm(films[0][1])
    if len(films) > 1:
        if second_from_first is not None:
            poses = {level: crossed(bones[level], *(of[level] for of in starts), second_from_first) for level in levels}
            depth_sd_mm = dict.fromkeys(levels, UNKNOWN_DEPTH_SD_MM)
        else:
            each = [
                aligned(chosen, start, [view], _depth_sd_mm(film), beside, say)
                for start, view, (_, film) in zip(starts, views, films, strict=True)
            ]
            poses = {level: fit.pose for level, fit in each[0].items()}
            second_from_first = second_from_poses(*each, chosen)
        views[1] = View(views[1].pixels, views[1].geometry, second_from_first)
    fits = aligned(chosen, poses, views, depth_sd_mm, beside, say)
    looks = {}
    for bone in chosen:
        say(f"{bone.level}, is it right")
        looks[bone.level] = looked_around(bone, fits[bone.level], starts[0][bone.level], views, list(bones.values()))
    judgements = judged(chosen, fits, looks)
    ranges = _capture_ranges(chosen, fits, views, depth_sd_mm, say) if capture else {}
    vertebrae = [
        _vertebra(bone, fits[bone.level], starts[0][bone.level], judgements[bone.level], ranges.get(bone.level, {}))
        for bone in chosen
    ]
    warnings = (*_absent(bones, starts[0], films[0][1]), *_cut_off(labels, chosen))
    return CtRegistration(tuple(vertebrae), second_from_first, alone, time.perf_counter() - started, warnings)


def _vertebra(
    bone: CtBone, fit: Fit, start: RigidTransform, judgement: Judgement, capture: dict[str, float]
) -> RegisteredVertebra:
    mesh = bone.mesh_lps.moved(fit.pose)
    errors_mm = projected_errors_mm(fit, bone.centre_lps, bone.mesh_lps.vertices)
    return RegisteredVertebra(bone.level, fit.pose, start, mesh, errors_mm, pose_error(fit), judgement, capture)


def _capture_ranges(
    chosen: Sequence[CtBone], fits: Mapping[str, Fit], views: Sequence[View], depth_sd_mm: Mapping[str, float], say: Say
) -> dict[str, dict[str, float]]:
    """By level."""
    found = {}
    for bone in chosen:
        say(f"{bone.level}, capture range")
        others = [(other, fits[other.level].pose) for other in chosen if next_to(bone, other)]
        found[bone.level] = captured(bone, fits[bone.level], views, depth_sd_mm[bone.level], others)
    return found


def ct_bones(ct: Volume, labels: Volume) -> dict[str, CtBone]:
    """The vertebrae of a CT by level, from head to feet; fragments are left out. labels: on the CT's grid, in VerSe's
    numbers."""
    names, found = LABEL_SCHEMES["verse"], {}
    voxel_mm3 = abs(np.linalg.det(labels.ijk_to_lps[:3, :3]))
    for label, count in zip(*np.unique(labels.array, return_counts=True), strict=True):
        if names.get(int(label)) in COLUMN and count * voxel_mm3 >= MIN_VOLUME_MM3:
            found[names[int(label)]] = CtBone(ct, labels, int(label), names[int(label)])
    return dict(sorted(found.items(), key=lambda item: COLUMN.index(item[0])))


def _starts(bones: Bones, result: FilmResult) -> dict[str, RigidTransform]:
    """By level, of those on a film that the CT holds, the pose of its reconstruction."""
    return {
        one.level: start_at(bones[one.level], one.reconstruction.mesh) for one in result.levels if one.level in bones
    }


def _depth_sd_mm(result: FilmResult) -> dict[str, float]:
    """By level, standard deviation of the distances on a film."""
    return {one.level: max(one.depth_sd_mm, LEAST_DEPTH_SD_MM) for one in result.levels}


def _shared(bones: Bones, starts: Sequence[Mapping[str, RigidTransform]]) -> list[str]:
    """The levels that CT and films have in common."""
    levels = [level for level in bones if all(level in of_film for of_film in starts)]
    if not levels:
        raise InputError(f"CT: expected a vertebra that every film shows, got {', '.join(bones) or 'none'}")
    return levels


def _stand_alone(bones: Bones, starts: Mapping[str, RigidTransform], view: View) -> bool:
    """Whether the bones of a view are clearly more alike, in their mean, alone than in soft tissue."""
    in_tissue, alone = (
        np.mean([looked_at(bone, starts[bone.level], [view]).similarity for bone in kind])
        for kind in ([bones[level] for level in starts], [bones[level].bare for level in starts])
    )
    return bool(alone > in_tissue + CLEARLY_ALONE)


def _absent(bones: Bones, starts: Mapping[str, RigidTransform], result: FilmResult) -> list[str]:
    """What is to be said of levels that only the film shows."""
    return [
        f"{one.level} is on the film and not in the CT's labels" for one in result.levels if one.level not in starts
    ]


def _cut_off(labels: Volume, chosen: Sequence[CtBone]) -> list[str]:
    """What is to be said of bones at the border of the CT."""
    return [
        f"{bone.level} touches the CT's border: it may be cut off" for bone in chosen if is_cut_off(labels, bone.label)
    ]
