"""A radiograph that was reconstructed from a file, as a page shows it."""

from __future__ import annotations

from ReVertLib.inference.inputs import ReconstructionInput
from ReVertLib.inference.results import Outcome, Reconstruction
from ReVertLib.inference.verdict import verdict
from ReVertLib.mesh.silhouette import outlines

from .records import Film, ReportedVertebra


def film_of(given: ReconstructionInput, found: Reconstruction) -> Film:
    """The Film of one input with the one vertebra that was made from it."""
    pixels = given.radiograph.pixels
    outcome = Outcome(found, outlines(found.mesh, found.geometry, pixels.shape[::-1]))
    return Film(pixels, (ReportedVertebra(outcome, verdict(found)),), given.sources, given.view)
