"""A film that keeps changing, as under fluoroscopy: a frame is cut out where an earlier one was, and its search for
contacts begins there.

What takes most of the time of a film, finding the distances of its levels, is done with one frame, and again as soon as
a frame contradicts it. No frame begins where the one before it ended: nothing can drift.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ReVertLib.geometry.transform import mean_point

from .film import head_up
from .inputs import FilmInput
from .records import FilmResult
from .together import Answered, Sought, answered, sought

if TYPE_CHECKING:
    from ReVertLib.inference.predictor import Predictor

DEEPER_MM, ASIDE_MM = 2.0, 5.0
"""A level whose centre lies so much nearer or farther than it did, or so far from where it was: all begins anew."""


@dataclass(frozen=True)
class _Begun:
    """A frame that was answered with nothing known: what was asked, where it was sought, and the answer."""

    asked: tuple
    places: Sought
    answer: Answered


class FollowedFilm:
    """Answers frames of a film, one after another."""

    def __init__(self) -> None:
        self._begun: _Begun | None = None

    def result(self, predictor: Predictor, given: FilmInput) -> FilmResult:
        """As `film.film_result` of boxes that are given, without a second view. Raises InputError as that does."""
        started, predictor, pixels = time.perf_counter(), head_up(predictor, given), given.radiograph.pixels
        asked = pixels.shape, dict(given.asked), given.anchor, given.scale, given.upside_down
        begun = self._begun
        if begun and begun.asked == asked:
            frame = answered(predictor, pixels, begun.places, given.scale, started, begun.answer).result
            if _is_near(frame, begun.answer.result):
                return replace(frame, geometry=given.geometry)
        places = sought(predictor, pixels, given.asked, given.anchor, given.scale, None)
        answer = answered(predictor, pixels, places, given.scale, started)
        self._begun = _Begun(asked, places, answer)
        return replace(answer.result, geometry=given.geometry)


def _is_near(frame: FilmResult, first: FilmResult) -> bool:
    """Whether all levels lie about where they did, and are seen from there."""
    now, before = ([one.reconstruction for one in film.levels] for film in (frame, first))
    middles = [np.array([mean_point(one.mesh.vertices) for one in film]) for film in (now, before)]
    moved_mm = middles[0] - middles[1]
    is_near = (np.abs(moved_mm[:, 2]) < DEEPER_MM) & (np.linalg.norm(moved_mm, axis=1) < ASIDE_MM)
    same_view = all(a.geometry.view_deg == b.geometry.view_deg for a, b in zip(now, before, strict=True))
    return same_view and bool(is_near.all())
