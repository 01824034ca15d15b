"""The work on one film, from what is known of it to its vertebrae: what command line and Python share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ReVertLib.finding.found import FoundSpine, FoundVertebra
from ReVertLib.geometry.layers import LayeredGeometry
from ReVertLib.geometry.sidecar import sidecar_values
from ReVertLib.imaging.radiograph import Radiograph
from ReVertLib.inference.results import Reconstruction
from ReVertLib.inference.verdict import verdict
from ReVertLib.measurement.records import Measurements

from .closer_look import looked_again
from .hung import HeadUp
from .inputs import FilmInput, Wishes, film_input
from .records import Asked, FilmLevel, FilmResult
from .together import reconstructed_together

if TYPE_CHECKING:
    from ReVertLib.finding.finder import Finder
    from ReVertLib.inference.predictor import Predictor


def film_given(
    radiograph: Radiograph,
    path: Path | None,
    options: Mapping[str, object],
    source: str,
    sidecar: Path | None,
    wishes: Wishes,
    finder: Finder | None,
) -> FilmInput:
    """A radiograph, read from path or in memory, with all that is known of it: the options over a sidecar over what the
    file itself says. The level and the box of a single vertebra in a sidecar mean nothing here. Raises InputError as
    `film_input` does."""
    layers = LayeredGeometry().over(options, source).over_sidecar(path, sidecar)
    return film_input(radiograph, layers, wishes, finder)


def film_result(predictor: Predictor, given: FilmInput, second_view: bool = True) -> FilmResult:
    """The vertebrae of a film together; what was found of it is looked at again before. Where no view is known and two
    are likely, they are answered for both, unless nobody looks at the second_view."""
    given = seen_again(predictor, given)
    predictor = head_up(predictor, given)

    def together(asked: Mapping[str, Asked], seen: Mapping[str, Reconstruction] | None = None) -> FilmResult:
        return reconstructed_together(predictor, given.radiograph.pixels, asked, given.anchor, given.scale, seen)

    result = replace(together(given.asked, given.seen), found=given.found, geometry=given.geometry)
    seconds = [one.reconstruction.other for one in result.levels if one.reconstruction.other]
    if not (seconds and second_view):
        return result
    view = seconds[0].geometry.view_deg
    asked = {level: replace(one, geometry=replace(one.geometry, view_deg=view)) for level, one in given.asked.items()}
    return replace(result, other=together(asked))


def seen_again(predictor: Predictor, given: FilmInput) -> FilmInput:
    """A film with its lumbar vertebrae, where they were found, as their surfaces show them."""
    return looked_again(head_up(predictor, given), given)


def head_up(predictor: Predictor, given: FilmInput) -> Predictor | HeadUp:
    """The predictor of a film as it hangs."""
    return HeadUp(predictor) if given.upside_down else predictor


def film_report(given: FilmInput, result: FilmResult, measurements: Measurements) -> dict:
    """What there is to say of a film as plain data for `json.dumps`, without names of people or files."""
    found = result.found
    return {
        "frame": "camera, mm",
        "geometry": sidecar_values(given.geometry),
        "sources": dict(given.sources),
        "scale": asdict(result.scale),
        "anchor": result.anchor,
        "inverted": given.radiograph.inverted,
        "readings": [asdict(reading) for reading in found.readings] if found else [],
        "found": None if found is None else _found(found),
        "warnings": [*given.notes, *result.warnings],
        **_surfaces(result),
        "measurements": measurements.plain,
        "other": None if result.other is None else _surfaces(result.other),
    }


def _surfaces(result: FilmResult) -> dict:
    return {
        "levels": {one.level: _level(one) for one in result.levels},
        "discs": [asdict(disc) for disc in result.discs],
    }


def _found(spine: FoundSpine) -> dict:
    said = {name: asdict(getattr(spine, name)) for name in ("inverted", "upside_down", "mirrored")}
    return {
        "vertebrae": [_vertebra(one) for one in spine.vertebrae],
        "anchors": sorted(spine.anchors),
        "views": [asdict(view) for view in spine.views],
        **said,
    }


def _vertebra(one: FoundVertebra) -> dict:
    corners = [point.tolist() if np.isfinite(point).all() else None for point in one.corners_px]
    return {
        "name": one.name,
        "probability": one.probability,
        "centre_px": one.centre_px.tolist(),
        "box_px": list(one.box_px),
        "corners_px": corners,
    }


def _level(one: FilmLevel) -> dict:
    expected = one.reconstruction.expected_error_mm
    return {
        "geometry": sidecar_values(one.reconstruction.geometry),
        "probability": one.probability,
        "proposed": one.proposed,
        "verdict": asdict(verdict(one.reconstruction)),
        "expected_error_mm": None if expected is None else float(np.mean(expected)),
        "depth_sd_mm": one.depth_sd_mm,
        "changed_by_the_chain": asdict(one.change),
        "warnings": list(one.reconstruction.warnings),
    }
