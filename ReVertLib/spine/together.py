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

from .box import box_around
from .chain import Chained, chained
from .discs import discs_between, doubts_of
from .evidence import DOUBTFUL, UNSEEN_MM, USUAL_ERROR_MM, Evidence
from .records import Asked, FilmLevel, FilmResult, LevelChange
from .scale import Scale

if TYPE_CHECKING:
    from ReVertLib.inference.predictor import Predictor

NINE_IN_TEN = 1.645
"""Deviations within which nine in ten lie."""
DEPTHS_OFF, WITHOUT_VIEW = 1.25, 1.55
"""Where the view is told, and where it is not: the chain's distances are off by so many times what its residuals say,
on films of new people (`Testing/studies/film_scales.py`)."""


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
    places = sought(predictor, pixels, asked, anchor, scale, seen)
    return answered(predictor, pixels, places, scale, started).result


@dataclass(frozen=True)
class Sought:
    """Where the vertebrae of a film are to be cut out in the end. alone: the answers to each alone, at the anchor's
    distance. given: what is asked of each, at the distance sought for it. Both by level."""

    alone: Mapping[str, Reconstruction]
    given: Mapping[str, Asked]
    anchor: str


@dataclass(frozen=True)
class Answered:
    """result: of a film. chain: its own. pushed_mm: by vertebra (n, 3), camera frame, how it was moved out of its
    neighbours."""

    result: FilmResult
    chain: Chained
    pushed_mm: tuple[np.ndarray, ...]


def sought(
    predictor: Predictor,
    pixels: np.ndarray,
    asked: Mapping[str, Asked],
    anchor: str | None,
    scale: Scale,
    seen: Mapping[str, Reconstruction] | None,
) -> Sought:
    """The distances of all levels; arguments and errors are those of `reconstructed_together`."""
    if not asked:
        raise InputError("film: expected at least one lumbar vertebra on it, got none")
    given = dict(sorted(asked.items()))
    anchor = _anchor(given, anchor)
    alone = _checked(seen) if seen else _answers(predictor, pixels, given, draft=True)
    evidence = _without_gaps([evidence_of(one) for one in alone.values()])
    film = alone[anchor].geometry
    at_anchor = [one.level for one in evidence].index(anchor)
    chain = chained(evidence, at_anchor, None if scale.is_depth_open else film.sod_mm)
    given = {
        one.level: _asked_again(given, one, motion, film) for one, motion in zip(evidence, chain.motions, strict=True)
    }
    return Sought(alone, given, anchor)


def answered(
    predictor: Predictor, pixels: np.ndarray, places: Sought, scale: Scale, begun: float, since: Answered | None = None
) -> Answered:
    """The vertebrae of a film at the places sought. begun: when, of `time.perf_counter`. since: the answer to
    another frame of it, where chain and search for contacts begin, and whose changes by the chain are taken over."""
    found = _answers(predictor, pixels, places.given, draft=False)
    evidence, depth_mm = [evidence_of(one) for one in found.values()], places.given[places.anchor].geometry.sod_mm
    chain = chained(evidence, list(found).index(places.anchor), depth_mm, since and since.chain)
    placed = [one.mesh.moved(motion) for one, motion in zip(found.values(), chain.motions, strict=True)]
    pushed_mm = since.pushed_mm if since else [0.0] * len(placed)
    clear = pushed_apart([Mesh(mesh.vertices + by, mesh.faces) for mesh, by in zip(placed, pushed_mm, strict=True)])
    changes = _changes(places, clear, placed) if since is None else [one.change for one in since.result.levels]
    result = _result(places, found, chain.depth_sd, clear, changes, scale)
    seconds = time.perf_counter() - begun
    levels = [replace(one, reconstruction=replace(one.reconstruction, seconds=seconds)) for one in result.levels]
    pushes = [end.vertices - mesh.vertices for mesh, end in zip(placed, clear, strict=True)]
    return Answered(replace(result, levels=tuple(levels)), chain, tuple(pushes))


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
    is_view_told = all(asked.is_view_told for asked in given.values())
    return Asked(replace(film, level=one.level, sod_mm=sod_mm, box_px=box), is_view_told, None, (warning,))


def _result(
    places: Sought,
    found: Mapping[str, Reconstruction],
    depth_sd: Sequence[float],
    clear: Sequence[Mesh],
    changes: Sequence[LevelChange],
    scale: Scale,
) -> FilmResult:
    """depth_sd: the chain's, by vertebra. clear: the surfaces as they lie in the end."""
    levels = []
    for i, (level, one) in enumerate(found.items()):
        final, asked = _final(one, clear[i], scale), places.given[level]
        times = DEPTHS_OFF if asked.is_view_told else WITHOUT_VIEW
        depth_sd_mm = float(np.hypot(times * depth_sd[i], scale.depth_sd) * final.geometry.sod_mm)
        levels.append(FilmLevel(level, final, asked.probability, level not in places.alone, depth_sd_mm, changes[i]))
    discs = discs_between(list(found), clear)
    return FilmResult(tuple(levels), discs, places.anchor, scale, doubts_of(discs))


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


def _changes(places: Sought, clear: Sequence[Mesh], placed: Sequence[Mesh]) -> list[LevelChange]:
    """Of each vertebra, against the answer to it alone. placed: the surfaces before they were pushed apart."""
    shared = [shared_volume_mm3(*pair) for pair in pairwise(placed)]
    of_each = [sum(shared[max(i - 1, 0) : i + 1]) for i in range(len(placed))]
    return [_change(places.alone.get(level), *of) for level, *of in zip(places.given, clear, of_each, strict=True)]


def _change(alone: Reconstruction | None, mesh: Mesh, overlap_mm3: float) -> LevelChange:
    """Of a vertebra against the answer to it alone; nothing but the overlap where there was none."""
    if alone is None:
        return LevelChange(0.0, 0.0, 0.0, overlap_mm3)
    moved = volume_centroid(mesh) - volume_centroid(alone.mesh)
    turned = best_motion(alone.mesh.vertices, mesh.vertices, "rigid").angle_deg
    return LevelChange(float(np.linalg.norm(moved)), turned, float(moved[2]), overlap_mm3)
