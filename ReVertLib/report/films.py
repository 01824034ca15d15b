"""A radiograph that was reconstructed from a file, as a page shows it, and as a picture of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ReVertLib.inference.inputs import ReconstructionInput
from ReVertLib.inference.results import Outcome, Reconstruction
from ReVertLib.inference.verdict import verdict
from ReVertLib.measurement.records import Measurements
from ReVertLib.mesh.silhouette import outlines

from .pictures import film_picture
from .records import Film, ReportedVertebra
from .style import DRAWN, film_figure


def film_of(given: ReconstructionInput, found: Reconstruction) -> Film:
    """The Film of one input with the one vertebra that was made from it."""
    return film_of_all(given.radiograph.pixels, [found], given.sources, given.view)


def film_of_all(
    pixels: np.ndarray,
    found: Sequence[Reconstruction],
    sources: Mapping[str, str],
    view: Mapping[str, float],
    measurements: Measurements | None = None,
) -> Film:
    """The Film of pixels (rows, columns), bone bright, with all vertebrae that were made from it. sources, view,
    measurements: see `Film`."""
    size_px = pixels.shape[::-1]
    reported = [
        ReportedVertebra(Outcome(one, outlines(one.mesh, one.geometry, size_px)), verdict(one)) for one in found
    ]
    return Film(pixels, tuple(reported), sources, view, measurements)


def film_drawing(film: Film) -> str:
    """The film around its vertebrae with outlines, names and verdicts, as an SVG file's text."""
    shown = [outline for one in film.vertebrae for outline in one.outcome.outlines_px]
    named = [(f"{one.name} {one.verdict.word}", line) for one in film.vertebrae for line in one.outcome.outlines_px]
    return f"<?xml version='1.0' encoding='UTF-8'?>\n{film_figure(film_picture(film.pixels, shown), named, DRAWN)}\n"
