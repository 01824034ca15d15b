"""Two films of one person made into one: every vertebra that both show is fused, by one relative pose of the cameras.

The surfaces lie in the first film's camera frame.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace

import numpy as np

from ReVertLib.errors import InputError
from ReVertLib.fusion.fuse import fused
from ReVertLib.fusion.records import Fused
from ReVertLib.geometry.transform import RigidTransform, SimilarityTransform
from ReVertLib.inference.results import Reconstruction
from ReVertLib.inference.verdict import DISAGREE, verdict
from ReVertLib.mesh.mesh import Mesh, volume_centroid
from ReVertLib.metrics.records import ErrorParts
from ReVertLib.registration.contact import pushed_apart

from .discs import discs_between, doubts_of
from .records import FilmLevel, FilmResult, FusedFilms
from .two_cameras import TwoCameras, two_cameras

STRAINED = 4.0
"""More deviations than that no distance is off by where both films show one vertebra."""


def films_fused(first: FilmResult, second: FilmResult, second_from_first: RigidTransform | None = None) -> FusedFilms:
    """The vertebrae of two films of one person. second_from_first: from the first camera's frame to the second's where
    that is known, to about a degree and a mm; then the distances of the films need only be near. Else it is found from
    all levels together. A level on one film alone stays as that gives it. Raises InputError for films without a level
    in common."""
    one, other = ({level.level: level for level in film.levels} for film in (first, second))
    common = [level for level in one if level in other]
    if not common:
        raise InputError(f"fuse: expected a level on both films, got {', '.join(one)} and {', '.join(other)}")
    cameras = two_cameras((first, second), common, second_from_first)
    pose, found = cameras.second_from_first, {}
    for level in common:
        pair = [
            _farther(film[level].reconstruction, by[level])
            for film, by in zip((one, other), cameras.growths, strict=True)
        ]
        both = fused(*pair, pose, was_found=second_from_first is None)
        found[level] = _strained(both) if cameras.strained[level] > STRAINED else both
    levels = [_level(name, one, other, found, cameras, first) for name in sorted({**one, **other})]
    return FusedFilms(_result(first, levels, found), pose, second_from_first is not None, found)


def _strained(both: Fused) -> Fused:
    """The same with a warning of its distance."""
    line = f"{DISAGREE}the vertebra is at another distance than they say by themselves"
    one = replace(both.reconstruction, warnings=(line, *both.reconstruction.warnings))
    return replace(both, reconstruction=one, verdict=verdict(one))


def _farther(one: Reconstruction, growth: float) -> Reconstruction:
    """The same as it looks from so many times the distance: all of it grows about the source."""
    grown = one.mesh.moved(SimilarityTransform(np.eye(3), np.zeros(3), growth))
    return replace(one, mesh=grown, geometry=replace(one.geometry, sod_mm=growth * one.geometry.sod_mm))


def _level(
    name: str,
    one: Mapping[str, FilmLevel],
    other: Mapping[str, FilmLevel],
    found: Mapping[str, Fused],
    cameras: TwoCameras,
    film: FilmResult,
) -> FilmLevel:
    """A level in the first camera's frame, of both films or of the one that shows it."""
    if name in found:
        both = found[name].reconstruction
        depth_sd_mm = cameras.depth_sd[name] * float(volume_centroid(both.mesh)[2])
        return replace(one[name], reconstruction=both, depth_sd_mm=depth_sd_mm)
    of_first = name in one
    alone = one[name] if of_first else other[name]
    seen = _farther(alone.reconstruction, cameras.rest[0 if of_first else 1])
    which = "first" if of_first else "second"
    seen = replace(seen, warnings=(*seen.warnings, f"{name} is on the {which} film alone, and stays as that gives it"))
    return replace(alone, reconstruction=seen if of_first else _in_first_camera(seen, cameras, film))


def _in_first_camera(seen: Reconstruction, cameras: TwoCameras, film: FilmResult) -> Reconstruction:
    """A vertebra of the second film in the first one's camera frame. How its error lies there across and along the beam
    is not followed: it is taken to be as large in every direction."""
    mesh = seen.mesh.moved(cameras.second_from_first.inverse)
    camera = film.levels[0].reconstruction.geometry
    geometry = replace(camera, level=seen.geometry.level, box_px=None, sod_mm=float(volume_centroid(mesh)[2]))
    parts, whole_mm = seen.error_parts, seen.expected_error_mm
    if parts is not None:
        parts = ErrorParts(np.sqrt(2 / 3) * whole_mm, np.sqrt(1 / 3) * whole_mm, parts.bound_mm)
    return replace(seen, mesh=mesh, geometry=geometry, error_parts=parts, seen_px=(), other=None)


def _result(film: FilmResult, levels: list[FilmLevel], found: Mapping[str, Fused]) -> FilmResult:
    """The first film with the levels of both, out of each other."""
    clear = pushed_apart([one.reconstruction.mesh for one in levels])
    placed = tuple(_placed(one, mesh) for one, mesh in zip(levels, clear, strict=True))
    discs = discs_between([one.level for one in levels], clear)
    alone = [one.reconstruction.warnings[-1] for one in levels if one.level not in found]
    disagree = [
        f"{one.level}: {line}" for one in levels for line in one.reconstruction.warnings if line.startswith(DISAGREE)
    ]
    return replace(film, levels=placed, discs=discs, warnings=(*disagree, *alone, *doubts_of(discs)), other=None)


def _placed(one: FilmLevel, mesh: Mesh) -> FilmLevel:
    geometry = replace(one.reconstruction.geometry, sod_mm=float(volume_centroid(mesh)[2]))
    return replace(one, reconstruction=replace(one.reconstruction, mesh=mesh, geometry=geometry))


def fusion_report(found: FusedFilms) -> dict:
    """What there is to say of two films beside `film_report` of their result, as plain data for `json.dumps`."""
    return {
        "second_from_first": found.second_from_first.matrix.tolist(),
        "given": found.given,
        "levels": {
            level: {
                "turned_deg": both.relative_pose.turned_deg,
                "moved_mm": both.relative_pose.moved_mm,
                "agreement": asdict(both.agreement),
                "gain_mm": both.gain_mm,
            }
            for level, both in found.levels.items()
        },
    }
