"""The vertebrae of a film reconstructed together, from one known distance."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ReVertLib.anatomy.template import load_template
from ReVertLib.errors import InputError
from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.levels import LEVELS
from ReVertLib.geometry.transform import RigidTransform, SimilarityTransform
from ReVertLib.inference.plausibility import UNLIKE
from ReVertLib.inference.results import Reconstruction
from ReVertLib.mesh.mesh import Mesh, volume_centroid
from ReVertLib.mesh.overlap import shared_volume_mm3
from ReVertLib.metrics.records import ErrorParts
from ReVertLib.registration.contact import pushed_apart
from ReVertLib.registration.icp import best_motion

from .anatomy_prior import PLAUSIBLE_DISC_MM
from .box import box_around
from .chain import Chained, chained, disc_between
from .evidence import DOUBTFUL, UNSEEN_MM, USUAL_ERROR_MM, Evidence
from .records import Disc, FilmLevel, FilmResult, LevelChange
from .scale import Scale

if TYPE_CHECKING:
    from ReVertLib.inference.predictor import Predictor

ROUNDS = 2
"""The vertebrae are cut out and seen by the network so many times, at better distances each."""
NINE_IN_TEN = 1.645
"""Deviations within which nine in ten lie."""


@dataclass(frozen=True)
class Asked:
    """One vertebra that is asked for. geometry: with level and box. probability: of its name, None where it is given.
    warnings: what is to be said of it."""

    geometry: Geometry
    probability: float | None = None
    warnings: tuple[str, ...] = ()


def reconstructed_together(
    predictor: Predictor,
    pixels: np.ndarray,
    asked: Mapping[str, Asked],
    anchor: str | None,
    scale: Scale,
    seen: Mapping[str, Reconstruction] | None = None,
) -> FilmResult:
    """The vertebrae of a film (rows, columns), bone bright, by level. anchor: the level at geometry.sod_mm; where it is
    not among them, the nearest that is; None: the one nearest to the principal ray. A level that is missing between two
    others is put between them. seen: the answers to each alone, where they are there already. `seconds` of each are
    those of all. Raises InputError for no level, and for weights whose surfaces are not in correspondence."""
    started = time.perf_counter()
    if not asked:
        raise InputError("film: expected at least one lumbar vertebra on it, got none")
    given = dict(sorted(asked.items()))
    anchor = _anchor(given, anchor)
    alone = found = _checked(seen) if seen else _answers(predictor, pixels, given, draft=True)
    for i in range(ROUNDS):
        evidence = _without_gaps([evidence_of(one) for one in found.values()])
        levels = [one.level for one in evidence]
        chain = chained(evidence, levels.index(anchor), scale.is_depth_open)
        given = {
            one.level: _asked_again(given, one, motion, found[anchor].geometry)
            for one, motion in zip(evidence, chain.motions, strict=True)
        }
        found = _answers(predictor, pixels, given, draft=i < ROUNDS - 1)
    evidence = [evidence_of(one) for one in found.values()]
    chain = chained(evidence, list(found).index(anchor))
    result = _result(alone, given, found, chain, anchor, scale)
    seconds = time.perf_counter() - started
    levels = [replace(one, reconstruction=replace(one.reconstruction, seconds=seconds)) for one in result.levels]
    return replace(result, levels=tuple(levels))


def _anchor(given: Mapping[str, Asked], wanted: str | None) -> str:
    if wanted is not None:
        return min(given, key=lambda level: abs(LEVELS.index(level) - LEVELS.index(wanted)))

    def from_ray(level: str) -> float:
        geometry = given[level].geometry
        u0, v0, u1, v1 = geometry.box_px
        return float(np.hypot(*(np.array([u0 + u1, v0 + v1]) / 2 - geometry.principal_point_px)))

    return min(given, key=from_ray)


def _answers(
    predictor: Predictor, pixels: np.ndarray, given: Mapping[str, Asked], draft: bool
) -> dict[str, Reconstruction]:
    """By level; draft as for `Predictor.reconstruct_all`."""
    answers = predictor.reconstruct_all(pixels, [one.geometry for one in given.values()], draft)
    found = _checked(dict(zip(given, answers, strict=True)))
    return {level: replace(one, warnings=(*given[level].warnings, *one.warnings)) for level, one in found.items()}


def _checked(found: Mapping[str, Reconstruction]) -> dict[str, Reconstruction]:
    """The same, from head to feet. Raises InputError for surfaces that are not the template's."""
    if any(len(one.mesh.vertices) != load_template().means.shape[1] for one in found.values()):
        raise InputError("weights: expected ones whose surfaces are the template's, for a film, got others")
    return dict(sorted(found.items()))


def evidence_of(one: Reconstruction) -> Evidence:
    """What an answer to one vertebra says of it."""
    error_mm = USUAL_ERROR_MM if one.expected_error_mm is None else float(np.mean(one.expected_error_mm))
    doubtful = any(warning.startswith(UNLIKE) for warning in one.warnings)
    return Evidence(one.geometry.level, one.mesh, DOUBTFUL * error_mm if doubtful else error_mm)


def _without_gaps(found: Sequence[Evidence]) -> list[Evidence]:
    """The same with what is missing between two levels put there: the mean of the level, as large, as far from both and
    turned as between them."""
    complete = [found[0]]
    for above, below in pairwise(found):
        first, last = (LEVELS.index(one.level) for one in (above, below))
        for index in range(first + 1, last):
            share = (index - first) / (last - first)
            pose = _between(above.camera_from_mean, below.camera_from_mean, share)
            complete.append(Evidence(LEVELS[index], load_template().mean(LEVELS[index]).moved(pose), UNSEEN_MM))
        complete.append(below)
    return complete


def _between(above: RigidTransform, below: RigidTransform, share: float) -> SimilarityTransform:
    """A pose on the way from one to the other; the scale too."""
    u, _, v = np.linalg.svd((1 - share) * above.rotation + share * below.rotation)
    middle = (1 - share) * above.translation_mm + share * below.translation_mm
    return SimilarityTransform(u @ v, middle, (1 - share) * above.scale + share * below.scale)


def _asked_again(given: Mapping[str, Asked], one: Evidence, motion: RigidTransform, film: Geometry) -> Asked:
    """A vertebra at the distance that the chain gives it; one that was not asked for in the box where it is seen."""
    moved = one.mesh.moved(motion)
    sod_mm = float(volume_centroid(moved)[2])
    if one.level in given:
        asked = given[one.level]
        return replace(asked, geometry=replace(asked.geometry, sod_mm=sod_mm))
    box = box_around(film.project(moved.vertices))
    warning = f"{one.level} was not found: it is sought where it should lie between its neighbours"
    return Asked(replace(film, level=one.level, sod_mm=sod_mm, box_px=box), None, (warning,))


def _result(
    alone: Mapping[str, Reconstruction],
    given: Mapping[str, Asked],
    found: Mapping[str, Reconstruction],
    chain: Chained,
    anchor: str,
    scale: Scale,
) -> FilmResult:
    placed = [one.mesh.moved(motion) for one, motion in zip(found.values(), chain.motions, strict=True)]
    shared = [shared_volume_mm3(*pair) for pair in pairwise(placed)]
    clear = pushed_apart(placed)
    levels = []
    for i, (level, one) in enumerate(found.items()):
        final = _final(one, clear[i], scale)
        change = _change(alone.get(level), final.mesh, sum(shared[max(i - 1, 0) : i + 1]))
        depth_sd_mm = float(np.hypot(chain.depth_sd[i], scale.depth_sd) * final.geometry.sod_mm)
        levels.append(FilmLevel(level, final, given[level].probability, level not in alone, depth_sd_mm, change))
    discs = discs_between(list(found), clear)
    return FilmResult(tuple(levels), discs, anchor, scale, doubts_of(discs))


def _final(one: Reconstruction, mesh: Mesh, scale: Scale) -> Reconstruction:
    """A reconstruction with its surface as it lies in the end; the expected error grows with the doubt of the scale, by
    what that does to a vertebra about its own centre."""
    centre = volume_centroid(mesh)
    final = replace(one, mesh=mesh, geometry=replace(one.geometry, sod_mm=float(centre[2])))
    off_mm = scale.relative_sd * np.abs(mesh.vertices - centre)
    across_mm, along_mm, all_mm = np.hypot(off_mm[:, 0], off_mm[:, 1]), off_mm[:, 2], np.linalg.norm(off_mm, axis=1)
    if one.expected_error_mm is not None:
        final = replace(final, expected_error_mm=np.hypot(one.expected_error_mm, all_mm))
    if one.error_parts is not None:
        before, bound_mm = one.error_parts, NINE_IN_TEN * all_mm
        grown = (before.across_mm, across_mm), (before.along_mm, along_mm), (before.bound_mm, bound_mm)
        final = replace(final, error_parts=ErrorParts(*(np.hypot(*pair) for pair in grown)))
    return final


def _change(alone: Reconstruction | None, mesh: Mesh, overlap_mm3: float) -> LevelChange:
    """Of a vertebra against the answer to it alone; nothing but the overlap where there was none."""
    if alone is None:
        return LevelChange(0.0, 0.0, 0.0, overlap_mm3)
    moved = volume_centroid(mesh) - volume_centroid(alone.mesh)
    turned = best_motion(alone.mesh.vertices, mesh.vertices, "rigid").angle_deg
    return LevelChange(float(np.linalg.norm(moved)), turned, float(moved[2]), overlap_mm3)


def discs_between(levels: Sequence[str], meshes: Sequence[Mesh]) -> tuple[Disc, ...]:
    """The discs of neighbours as they lie in the end, from head to feet."""
    found = []
    for (above, upper), (below, lower) in pairwise(zip(levels, meshes, strict=True)):
        ends = Evidence(above, upper, 0.0).lower, Evidence(below, lower, 0.0).upper
        found.append(Disc(above, below, disc_between(*ends)[0], shared_volume_mm3(upper, lower)))
    return tuple(found)


def doubts_of(discs: Sequence[Disc]) -> tuple[str, ...]:
    """A line for each disc that is not plausible."""
    low, high = PLAUSIBLE_DISC_MM
    notes = []
    for disc in discs:
        name = f"{disc.above}/{disc.below}"
        if not low <= disc.height_mm <= high:
            notes.append(f"the disc {name} is {disc.height_mm:.0f} mm high where {low:g} to {high:g} are plausible")
        if disc.overlap_mm3 > 0:
            notes.append(f"{disc.above} and {disc.below} share {disc.overlap_mm3:.0f} mm³")
    return tuple(notes)
