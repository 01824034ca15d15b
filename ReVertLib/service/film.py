"""A whole film for the Slicer module: its vertebrae found, and reconstructed together.

The module hands over pixels as they are shown, bone bright, and everything that is known of the film with its sources.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ReVertLib.finding.found import LUMBAR, FoundSpine
from ReVertLib.geometry.layers import LayeredGeometry
from ReVertLib.inference.results import EXTRAS, MEASUREMENTS, SECOND_VIEW, Outcome
from ReVertLib.measurement.records import Measurements
from ReVertLib.spine.records import FilmResult

if TYPE_CHECKING:
    from ReVertLib.finding.finder import Finder
    from ReVertLib.imaging.radiograph import Radiograph
    from ReVertLib.inference.predictor import Predictor
    from ReVertLib.spine.following import FollowedFilm


@dataclass(frozen=True)
class FilmAnswer:
    """outlines_px: by level, the closed polylines (k, 2), (u, v), around what its surface covers of the film. notes: on
    what went into the work, one line each. measurements: of all vertebrae together, None where none were wanted.
    second: the same for a second view that is likely, too, where that was wanted."""

    result: FilmResult
    outlines_px: Mapping[str, tuple[np.ndarray, ...]]
    notes: tuple[str, ...]
    measurements: Measurements | None
    second: FilmAnswer | None = None

    @property
    def outcomes(self) -> list[Outcome]:
        """Each vertebra, from head to feet."""
        drawn, found = self.outlines_px, self.measurements
        return [Outcome(one.reconstruction, drawn[one.level], found) for one in self.result.levels]


def found_on_film(predictor: Predictor, finder: Finder, pixels: np.ndarray, known: LayeredGeometry) -> FoundSpine:
    """The vertebrae of pixels (rows, columns), found by a finder and then, where the lumbar ones are, looked at again
    by the predictor. Raises InputError as `Finder.find` does."""
    from ReVertLib.spine.film import seen_again
    from ReVertLib.spine.inputs import Wishes, film_input, found_spine

    spine = found_spine(pixels, known, finder)
    if not any(one.label in LUMBAR for one in spine.vertebrae):
        return spine
    given = film_input(_radiograph(pixels, known), known, Wishes(), spine)
    return seen_again(predictor, given).found


def _radiograph(pixels: np.ndarray, known: LayeredGeometry) -> Radiograph:
    from ReVertLib.imaging.radiograph import radiograph_from_array

    return radiograph_from_array(pixels, name="radiograph", inverted=False, stated=known.stated)


def reconstructed_film(
    predictor: Predictor,
    pixels: np.ndarray,
    known: LayeredGeometry,
    boxes: Mapping[str, tuple[float, ...]],
    extras: Collection[str] = EXTRAS,
    followed: FollowedFilm | None = None,
) -> FilmAnswer:
    """The vertebrae in boxes (u0, v0, u1, v1), by level, of pixels (rows, columns), together. The distance that is
    known is L3's. extras: which of `results.EXTRAS` are wanted. followed: what these pixels are the next frame of; then
    without a second view. Raises InputError as `spine.inputs.film_input` and `spine.film.film_result` do."""
    from ReVertLib.spine.film import film_result
    from ReVertLib.spine.inputs import Wishes, film_input

    given = film_input(_radiograph(pixels, known), known, Wishes(dict(boxes)), None)
    if followed is not None:
        return _drawn(followed.result(predictor, given), pixels, given.notes, extras)
    result = film_result(predictor, given, SECOND_VIEW in extras)
    second = None if result.other is None else _drawn(result.other, pixels, given.notes, extras)
    return replace(_drawn(replace(result, other=None), pixels, given.notes, extras), second=second)


def _drawn(result: FilmResult, pixels: np.ndarray, notes: tuple[str, ...], extras: Collection[str]) -> FilmAnswer:
    from ReVertLib.mesh.silhouette import outlines
    from ReVertLib.spine.measurements import film_measurements

    found = {one.level: one.reconstruction for one in result.levels}
    drawn = {level: tuple(outlines(one.mesh, one.geometry, pixels.shape[::-1])) for level, one in found.items()}
    measurements = film_measurements(result) if MEASUREMENTS in extras else None
    return FilmAnswer(result, drawn, notes, measurements)
