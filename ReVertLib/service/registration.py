"""A CT laid into the beam of one or two radiographs, for the Slicer module.

The module hands over voxels with their place, pixels as they are shown, bone bright, and all that is known of the
films.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ReVertLib.ct_registration.records import CtRegistration
from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.layers import LayeredGeometry, SourcedValue
from ReVertLib.geometry.transform import RigidTransform

if TYPE_CHECKING:
    from ReVertLib.imaging.volume import Volume
    from ReVertLib.inference.predictor import Predictor
    from ReVertLib.spine.inputs import FilmInput


@dataclass(frozen=True, eq=False)
class CtGiven:
    """ct: (k, j, i) HU. labels: (k, j, i), on the same grid or a part of it. to_lps: (4, 4) from the voxels (i, j, k)
    of each to LPS, mm. scheme: whose numbers the labels have, None: to be told from them."""

    ct: np.ndarray
    ct_to_lps: np.ndarray
    labels: np.ndarray
    labels_to_lps: np.ndarray
    scheme: str | None = None


@dataclass(frozen=True, eq=False)
class FilmGiven:
    """pixels: (rows, columns), bone bright. boxes: (u0, v0, u1, v1) by level; without any the image shows one vertebra
    alone, of that level."""

    pixels: np.ndarray
    known: LayeredGeometry
    boxes: Mapping[str, tuple[float, ...]]
    level: str


@dataclass(frozen=True, eq=False)
class CtAnswer:
    """geometry: of the first film, without level and box. outlines_px: of each film, by level, the closed polylines
    (k, 2), (u, v), around what the CT's surface covers of it. drr: (rows, columns) of the vertebrae on the first, as
    `bones_drr`. report: what `revert register` writes of it, as JSON, without versions."""

    registration: CtRegistration
    geometry: Geometry
    outlines_px: Sequence[Mapping[str, tuple[np.ndarray, ...]]]
    drr: np.ndarray
    report: str


def registered_ct(
    predictor: Predictor, given: CtGiven, films: Sequence[FilmGiven], progress: Callable[[str, int, int], None]
) -> CtAnswer:
    """progress: is told what is at work, how many of these stages are done and about how many there are. Raises
    InputError as `in_hounsfield`, `verse_numbered`, `film_input`, `film_result` and `registered` do."""
    from ReVertLib.ct_registration.drr_over_film import bones_drr
    from ReVertLib.ct_registration.register import registered
    from ReVertLib.ct_registration.report import registration_report
    from ReVertLib.imaging.label_numbers import verse_numbered
    from ReVertLib.imaging.labels import on_grid_of
    from ReVertLib.imaging.volume import Volume
    from ReVertLib.spine.film import film_result

    stages, count = 0, _stages(films)

    def say(what: str) -> None:
        nonlocal stages
        progress(f"Aligning the CT: {what}", min(stages, count - 1), count)
        stages += 1

    say("what is given")
    ct = _hounsfield(given)
    numbered = verse_numbered(Volume(given.labels, given.labels_to_lps), given.scheme, "labels")[0]
    labels = on_grid_of(ct, numbered)  # as the CT's own radiograph needs them, too
    inputs = [_film_input(one) for one in films]
    say("the vertebrae of the radiograph")
    found = registered(ct, labels, [(one, film_result(predictor, one, second_view=False)) for one in inputs], None, say)
    say("the CT's own radiograph")
    geometry, pixels = inputs[0].geometry, inputs[0].radiograph.pixels
    drr = bones_drr(ct, labels, found, geometry, pixels.shape[::-1])
    cameras = [RigidTransform.identity(), found.second_from_first]
    drawn = [_drawn(found, camera, one) for camera, one in zip(cameras, inputs, strict=False)]
    return CtAnswer(found, geometry, drawn, drr, json.dumps(registration_report(inputs, found)))


def _drawn(found: CtRegistration, camera_from_first: RigidTransform, film: FilmInput) -> dict:
    """By level, the outlines of the surfaces on a film."""
    from ReVertLib.mesh.silhouette import outlines

    size_px = film.radiograph.pixels.shape[::-1]
    return {
        one.level: tuple(outlines(one.mesh.moved(camera_from_first), film.geometry, size_px)) for one in found.vertebrae
    }


def _stages(films: Sequence[FilmGiven]) -> int:
    """How many stages aligning has at least: of each vertebra four, by each film alone and by both together, and a
    judgement; four besides."""
    count = min(max(1, len(film.boxes)) for film in films)
    return 4 + count * (1 + 4 * (1 if len(films) == 1 else 1 + len(films)))


def ct_drr(given: CtGiven, camera_from_lps: RigidTransform, geometry: Geometry, size_px: tuple[int, int]) -> np.ndarray:
    """`drr_over_film.whole_drr` of what is given; its labels do not count."""
    from ReVertLib.ct_registration.drr_over_film import whole_drr

    return whole_drr(_hounsfield(given), camera_from_lps, geometry, size_px)


def _hounsfield(given: CtGiven) -> Volume:
    from ReVertLib.imaging.ct import in_hounsfield
    from ReVertLib.imaging.volume import Volume

    return in_hounsfield(Volume(given.ct, given.ct_to_lps), "CT")


def _film_input(given: FilmGiven) -> FilmInput:
    """Of several boxes the distance that is known is L3's, of one alone that vertebra's."""
    from ReVertLib.ct_registration.inputs import with_one_level
    from ReVertLib.imaging.radiograph import radiograph_from_array
    from ReVertLib.spine.inputs import Wishes, film_input

    radiograph = radiograph_from_array(given.pixels, name="radiograph", inverted=False, stated=given.known.stated)
    if len(given.boxes) > 1:
        return film_input(radiograph, given.known, Wishes(dict(given.boxes)), None)
    (level, box), *_ = [*given.boxes.items(), (given.level, _box_known(given))]
    known = {key: value for key, value in given.known.known.items() if key not in ("level", "box_px")}
    own = {"level": level, "box_px": box}
    known |= {key: SourcedValue(value, "vertebra") for key, value in own.items() if value is not None}
    layers = replace(given.known, known=known)
    return film_input(radiograph, layers, with_one_level(layers, radiograph, Wishes()), None)


def _box_known(given: FilmGiven) -> tuple[float, ...] | None:
    """The box that a sidecar states of the level."""
    values = given.known.values
    return values.get("box_px") if values.get("level", given.level) == given.level else None
