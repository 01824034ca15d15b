"""What a predictor answers for the vertebrae of a radiograph, and what is drawn of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ReVertLib.errors import InputError
from ReVertLib.geometry.camera import Geometry
from ReVertLib.inference.results import MEASUREMENTS, SECOND_VIEW, Outcome, Reconstruction

if TYPE_CHECKING:
    from ReVertLib.inference.predictor import Predictor


class Answers:
    """Of a predictor to the vertebrae of pixels (rows, columns), found when the first is asked for: all in one batch,
    which takes less time. Each by itself where a view is sought, which is then its own, and where one of them cannot be
    used."""

    def __init__(self, predictor: Predictor, pixels: np.ndarray, geometries: Sequence[Geometry]) -> None:
        self._predictor, self._pixels, self._geometries = predictor, pixels, geometries

    def of(self, index: int) -> Reconstruction:
        """One of them. Raises InputError where it cannot be used."""
        if not self._batch:
            return self._predictor.reconstruct(self._pixels, self._geometries[index])
        one = self._batch[index]
        return replace(one, seconds=one.seconds / len(self._batch))

    @cached_property
    def _batch(self) -> list[Reconstruction]:
        """All of them, or none where each is answered by itself."""
        if len(self._geometries) > 1 and all(one.view_deg is not None for one in self._geometries):
            with suppress(InputError):
                return self._predictor.reconstruct_all(self._pixels, self._geometries)
        return []


def drawn(found: Reconstruction, pixels: np.ndarray, extras: Collection[str]) -> Outcome:
    """A reconstruction with its outline, and with what of `results.EXTRAS` is wanted."""
    outcome = _drawn(found, pixels, extras)
    if found.other is None or SECOND_VIEW not in extras:
        return outcome
    return replace(outcome, second=_drawn(found.other, pixels, extras))


def _drawn(found: Reconstruction, pixels: np.ndarray, extras: Collection[str]) -> Outcome:
    from ReVertLib.inference.measured import measured
    from ReVertLib.mesh.silhouette import outlines

    outline = tuple(outlines(found.mesh, found.geometry, pixels.shape[::-1]))
    return Outcome(found, outline, measured(found) if MEASUREMENTS in extras else None)
