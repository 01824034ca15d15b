"""What a page shows: plain data, without names, dates or paths."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ReVertLib.inference.results import Outcome
from ReVertLib.inference.verdict import Verdict
from ReVertLib.measurement.records import Measurements
from ReVertLib.metrics.records import SurfaceMetrics


@dataclass(frozen=True)
class Compared:
    """A surface against a CT. alignment: one of `icp.ALIGNMENTS`. signed_distance_mm: (n,) per vertex, positive outside
    the CT's bone. baseline: the same metrics of the mean vertebra, None without one. notes: why the figures may not
    mean what they seem to, a line each."""

    alignment: str
    metrics: SurfaceMetrics
    baseline: SurfaceMetrics | None
    signed_distance_mm: np.ndarray
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReportedVertebra:
    """outcome: the surface in the camera frame, and its outlines on the film. verdict: as the user was shown it.
    compared: None where there is no CT."""

    outcome: Outcome
    verdict: Verdict
    compared: Compared | None = None

    @property
    def name(self) -> str:
        """Its level, as far as that is known."""
        return self.outcome.reconstruction.geometry.level or "Vertebra"


@dataclass(frozen=True)
class Film:
    """A radiograph with what was reconstructed from it. pixels: (rows, columns), bone bright. sources: by sidecar key,
    in plain words, where a value of the geometry is from; an absent one was assumed. view: yaw_deg, pitch_deg,
    roll_deg, empty when it is not known. measurements: of its vertebrae, None where nothing was measured."""

    pixels: np.ndarray
    vertebrae: tuple[ReportedVertebra, ...]
    sources: Mapping[str, str]
    view: Mapping[str, float]
    measurements: Measurements | None = None
