"""The rows of an evaluation brought together: by level, by view, and what is known of the pose."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from ReVertLib.registration.icp import RIGID_ALIGNMENTS

from .measure import UNIT_BALL, Evaluation, Row

FAR_DEG = 20.0
"""A turn beyond this is no longer an error of degrees: another view was seen."""


@dataclass(frozen=True)
class Summary:
    """The images of a group ("overall", or a level or view by name) in one answer and alignment: means of the
    metrics, medians of the errors of place (NaN for the baseline and the best fit)."""

    group: str
    name: str
    answer: str
    alignment: str
    images: int
    dice: float
    hd95_mm: float
    assd_mm: float
    nsd_2mm: float
    chamfer_mm2: float
    median_across_beam_mm: float
    median_along_beam_mm: float
    median_rotation_deg: float


@dataclass(frozen=True)
class PoseSummary:
    """One answer's errors of place over the images of a view, or of all: medians and 90th percentiles, before any
    alignment. far: share of the images that are turned by more than FAR_DEG."""

    view: str
    answer: str
    images: int
    rotation_deg: tuple[float, float]
    far: float
    across_beam_mm: tuple[float, float]
    along_beam_mm: tuple[float, float]


@dataclass(frozen=True)
class QualitySummary:
    """Whether one answer's surfaces can be used as they are: how many are closed, how many closed with the one foramen
    of a vertebra, how many have a triangle that runs through another, and the mean share of such triangles."""

    answer: str
    surfaces: int
    closed: int
    one_foramen: int
    crossing: int
    crossing_share: float


def groups_of(rows: Iterable[Row]) -> Iterator[tuple[str, str, Callable[[Row], bool]]]:
    """(group, name, what belongs to it): overall, each level in order, each view in order of first appearance."""
    rows = list(rows)
    yield "overall", "all", lambda row: True
    for level in sorted({row.level for row in rows}):
        yield "level", level, lambda row, level=level: row.level == level
    for view in dict.fromkeys(row.view for row in rows):
        yield "view", view, lambda row, view=view: row.view == view


def summaries(evaluation: Evaluation) -> list[Summary]:
    """Every group, answer and alignment that has rows."""
    found = []
    for group, name, belongs in groups_of(evaluation.rows):
        for answer in evaluation.answers:
            for alignment in (*RIGID_ALIGNMENTS, UNIT_BALL):
                chosen = [row for row in evaluation.chosen(answer, alignment) if belongs(row)]
                if chosen:
                    found.append(_summary(group, name, chosen))
    return found


def _summary(group: str, name: str, rows: list[Row]) -> Summary:
    """One summary of rows of one answer and alignment."""
    means = [
        float(np.mean([getattr(row.metrics, field) for row in rows]))
        for field in ("dice", "hd95_mm", "assd_mm", "nsd_2mm", "chamfer_mm2")
    ]
    medians = [
        float(np.median([getattr(row.pose, field) if row.pose else np.nan for row in rows]))
        for field in ("across_beam_mm", "along_beam_mm", "rotation_deg")
    ]
    return Summary(group, name, rows[0].answer, rows[0].alignment, len(rows), *means, *medians)


def pose_summaries(evaluation: Evaluation) -> list[PoseSummary]:
    """Every view in order of appearance, then all; of the networks' answers to images."""
    groups = [(name, belongs) for group, name, belongs in groups_of(evaluation.rows) if group == "view"]
    found = []
    for name, belongs in (*groups, ("all", lambda row: True)):
        for model in evaluation.networks:
            chosen = [row for row in evaluation.chosen(model.name, "none") if belongs(row)]
            if chosen:
                found.append(_pose_summary(name, chosen))
    return found


def _pose_summary(view: str, rows: list[Row]) -> PoseSummary:
    rotation, across, along = (
        np.array([getattr(row.pose, field) for row in rows])
        for field in ("rotation_deg", "across_beam_mm", "along_beam_mm")
    )
    spreads = [tuple(np.percentile(values, (50, 90)).tolist()) for values in (rotation, across, along)]
    return PoseSummary(view, rows[0].answer, len(rows), spreads[0], float((rotation > FAR_DEG).mean()), *spreads[1:])


def quality_summaries(evaluation: Evaluation) -> list[QualitySummary]:
    """Every answer that has surfaces; each surface once, however it was aligned."""
    found = []
    for answer in evaluation.answers:
        rows = evaluation.chosen(answer, "rigid")
        if rows:
            counts = (
                sum(row.closed for row in rows),
                sum(row.closed and row.euler_number == 0 for row in rows),
                sum(row.crossing_share > 0 for row in rows),
            )
            share = float(np.mean([row.crossing_share for row in rows]))
            found.append(QualitySummary(answer, len(rows), *counts, share))
    return found


def better_than_baseline(evaluation: Evaluation) -> tuple[int, int]:
    """Of how many images the network's Dice, aligned rigidly, is above the baseline's; and of how many in all."""
    baseline = {(row.vertebra, row.view): row.metrics.dice for row in evaluation.chosen("baseline", "rigid")}
    rows = evaluation.chosen("network", "rigid")
    return sum(row.metrics.dice > baseline[row.vertebra, row.view] for row in rows), len(rows)
