"""The errors that a network predicts of its own answers, beside the actual ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ReVertLib.inference.results import Reconstruction
from ReVertLib.inference.verdict import Verdict, verdict
from ReVertLib.mesh.distance import beam_parts_mm, offsets_mm
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.metrics.records import ErrorParts
from ReVertLib.metrics.reliability import Reliability, reliability


@dataclass(frozen=True)
class PredictedError:
    """The error that the network predicts of its own answer to an image, and the actual one. expected_mm, actual_mm:
    (n,) distance of each vertex to the true surface, unaligned. parts: as predicted; None from weights of before.
    actual_parts_mm: (2, n) across and along the beam."""

    verdict: Verdict
    expected_mm: np.ndarray
    actual_mm: np.ndarray
    parts: ErrorParts | None
    actual_parts_mm: np.ndarray


@dataclass(frozen=True)
class PredictedErrors:
    """Those of many images brought together. words, means_mm: by image, its verdict and the mean of the actual error.
    across_along_mm: (2, 2) expected and actual, across and along the beam, and below_bound: the share of the vertices
    below the bound for nine in ten; None from weights that do not say them."""

    reliability: Reliability
    words: tuple[str, ...]
    means_mm: np.ndarray
    across_along_mm: np.ndarray | None
    below_bound: float | None


def predicted_error(found: Reconstruction, truth: Mesh) -> PredictedError | None:
    """The error that a reconstruction predicts beside the actual one; its true surface is in the same frame."""
    if found.expected_error_mm is None:
        return None
    vertices = found.mesh.vertices
    actual = beam_parts_mm(vertices, offsets_mm(vertices, truth))
    return PredictedError(verdict(found), found.expected_error_mm, actual[0], found.error_parts, actual[1:])


def brought_together(errors: Sequence[PredictedError]) -> PredictedErrors | None:
    """What there is to say of all; None of none. Each is asked for once, so that a sequence may read them from disk."""
    if not errors:
        return None
    words, means, parts, below = [], [], [], []

    def pairs():
        for error in errors:
            words.append(error.verdict.word)
            means.append(error.actual_mm.mean())
            if error.parts is not None:
                expected = (error.parts.across_mm.mean(), error.parts.along_mm.mean())
                parts.append([expected, error.actual_parts_mm.mean(1)])
                below.append((error.actual_mm < error.parts.bound_mm).mean())
            yield error.expected_mm, error.actual_mm

    found = reliability(pairs(), len(errors))
    if len(parts) < len(errors):
        return PredictedErrors(found, tuple(words), np.array(means), None, None)
    return PredictedErrors(found, tuple(words), np.array(means), np.mean(parts, axis=0), float(np.mean(below)))
