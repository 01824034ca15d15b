"""The tables of an evaluation, as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from ReVertLib.inference.verdict import WORDS
from ReVertLib.metrics.reliability import reliability_table
from ReVertLib.registration.icp import RIGID_ALIGNMENTS

from .measure import (
    BASELINE,
    BEST_FIT,
    BLANK,
    NETWORK,
    UNIT_BALL,
    EvaluatedImage,
    Evaluation,
    Row,
)
from .predicted import PredictedErrors
from .regions import REGIONS
from .summary import FAR_DEG, Summary, pose_summaries, quality_summaries, summaries

METRICS = (("dice", "Dice", 3), ("hd95_mm", "HD95 mm", 2), ("assd_mm", "ASSD mm", 2), ("nsd_2mm", "NSD@2mm", 3))
"""Field, title and decimals of what every table shows."""

_TITLES = {
    NETWORK: "one computed radiograph",
    BLANK: "the same network, blank image",
    BASELINE: "mean vertebra of 87 people, no network",
    BEST_FIT: "shape model fitted to the truth",
}
_OTHERS = {"sphere": "3D-ReVert's network", "template": "other weights", "context": "other weights"}


def title_of(evaluation: Evaluation, answer: str) -> str:
    """What an answer is called in tables and pictures."""
    if answer in _TITLES:
        return _TITLES[answer]
    model = next(model for model in evaluation.networks if model.name == answer)
    return f"{_OTHERS[model.architecture]} ({model.weights_sha256[:8]})"


def table(head: Sequence[str], texts: int, rows: Iterable[Sequence[object]]) -> str:
    """Markdown: the first `texts` columns to the left, the others, figures, to the right."""
    marks = ["---"] * texts + ["--:"] * (len(head) - texts)
    lines = [_line(head), f"|{'|'.join(marks)}|", *map(_line, rows)]
    return "\n".join(lines)


def _line(cells: Iterable[object]) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def _figure(value: float, decimals: int) -> str:
    return "" if np.isnan(value) else f"{value:.{decimals}f}"


def _metrics(summary: Summary) -> list[str]:
    return [_figure(getattr(summary, field), decimals) for field, _, decimals in METRICS]


def overall_table(evaluation: Evaluation) -> str:
    """Every answer in every alignment; means, and medians of the errors of place."""
    metrics = [title for _, title, _ in METRICS]
    rows = []
    for s in summaries(evaluation):
        if s.group == "overall" and s.alignment in RIGID_ALIGNMENTS:
            pose = (s.median_across_beam_mm, s.median_along_beam_mm, s.median_rotation_deg)
            where = (title_of(evaluation, s.answer), s.alignment, s.images)
            rows.append((*where, *_metrics(s), *(_figure(x, 1) for x in pose)))
    return table(("answer", "alignment", "images", *metrics, "across mm", "along mm", "turn deg"), 2, rows)


def left_out_lines(evaluation: Evaluation, name_of: Callable[[EvaluatedImage], str]) -> list[str]:
    """A line for each answer that was no surface; name_of: what to call the vertebra."""
    return [f"Left out: {name_of(f.image)}, {f.image.view}, {f.answer}: {f.reason}" for f in evaluation.failures]


def ball_table(evaluation: Evaluation) -> str:
    """The figures in the original's protocol."""
    chosen = [s for s in summaries(evaluation) if (s.group, s.alignment) == ("overall", UNIT_BALL)]
    rows = [(title_of(evaluation, s.answer), s.images, *_metrics(s)) for s in chosen]
    return table(("answer", "images", *(title for _, title, _ in METRICS)), 1, rows)


def level_table(evaluation: Evaluation) -> str:
    """A column for each level, aligned rigidly; for each metric a row of each answer."""
    chosen = [s for s in summaries(evaluation) if s.group in ("level", "overall") and s.alignment == "rigid"]
    levels = [*sorted({s.name for s in chosen if s.group == "level"}), "all"]
    found = {(s.name, s.answer): s for s in chosen}
    rows = []
    for field, title, decimals in METRICS:
        for answer in (a for a in evaluation.answers if ("all", a) in found):
            of_levels = (found.get((level, answer)) for level in levels)
            cells = ("" if s is None else _figure(getattr(s, field), decimals) for s in of_levels)
            rows.append((title, title_of(evaluation, answer), *cells))
            title = ""  # noqa: PLW2901 - written once for its rows
    return table(("", "answer", *levels), 2, rows)


def view_table(evaluation: Evaluation) -> str:
    """A row for each view and network, aligned rigidly; the other answers see no view."""
    names = [model.name for model in evaluation.networks]
    chosen = [s for s in summaries(evaluation) if (s.group, s.alignment) == ("view", "rigid") and s.answer in names]
    rows = [(s.name, title_of(evaluation, s.answer), s.images, *_metrics(s)) for s in chosen]
    return table(("view", "answer", "images", *(title for _, title, _ in METRICS)), 2, rows)


def region_table(evaluation: Evaluation) -> str:
    """A column for each region, aligned rigidly; for each figure a row of each answer."""
    answers = [a for a in evaluation.answers if any(error.answer == a for error in evaluation.region_errors)]
    rows = []
    for field, title in (("mean_mm", "mean mm"), ("p95_mm", "95th percentile mm")):
        for answer in answers:
            found = [(e.region, getattr(e, field)) for e in evaluation.region_errors if e.answer == answer]
            of_regions = ([value for name, value in found if name == region] for region in REGIONS)
            cells = (f"{np.mean(values):.2f}" if values else "" for values in of_regions)
            rows.append((title, title_of(evaluation, answer), *cells))
            title = ""  # noqa: PLW2901 - written once for its rows
    return table(("", "answer", *REGIONS), 2, rows)


def image_table(evaluation: Evaluation, person_of: Callable[[Row], str]) -> str:
    """A row for each image, aligned rigidly: the network's figure, and the baseline's behind it; those that overlap the
    truth least beyond the baseline come first. person_of: what to call the case of a row."""
    baselines = {(row.vertebra, row.view): row.metrics for row in evaluation.chosen(BASELINE, "rigid")}
    found = [(row, row.metrics, baselines[row.vertebra, row.view]) for row in evaluation.chosen(NETWORK, "rigid")]
    found.sort(key=lambda of_one: of_one[1].dice - of_one[2].dice)
    rows = []
    for place, (row, metrics, baseline) in enumerate(found, 1):
        pairs = [[_figure(getattr(m, field), n) for m in (metrics, baseline)] for field, _, n in METRICS]
        gain = f"{metrics.dice - baseline.dice:+.3f}"
        rows.append((f"{person_of(row)}, {row.level}", row.view, place, gain, *(f"{a} ({b})" for a, b in pairs)))
    head = ("vertebra", "view", "place", "Dice gained", *(title for _, title, _ in METRICS))
    return table(head, 2, rows)


def pose_table(evaluation: Evaluation) -> str:
    """A row for each view and network, and for all views: how far off the pose is."""
    rows = []
    for s in pose_summaries(evaluation):
        spreads = (f"{m:.1f} / {p:.1f}" for m, p in (s.rotation_deg, s.across_beam_mm, s.along_beam_mm))
        turn, across, along = spreads
        rows.append((s.view, title_of(evaluation, s.answer), s.images, turn, f"{s.far:.0%}", across, along))
    head = ("view", "answer", "images", "turn deg", f"over {FAR_DEG:.0f} deg", "across mm", "along mm")
    return table(head, 2, rows)


def quality_table(evaluation: Evaluation) -> str:
    """A row for each answer: what makes its surfaces usable."""
    rows = [
        (title_of(evaluation, s.answer), s.surfaces, s.closed, s.one_foramen, s.crossing, f"{s.crossing_share:.3%}")
        for s in quality_summaries(evaluation)
    ]
    head = ("answer", "surfaces", "closed", "one foramen", "any self-intersection", "self-intersecting faces, share")
    return table(head, 1, rows)


def predicted_error_tables(predicted: PredictedErrors) -> str:
    """Whether the errors that the network predicts of its own answers are right."""
    return f"{reliability_table(predicted.reliability)}{_parts(predicted)}\n\n{verdict_table(predicted)}"


def _parts(predicted: PredictedErrors) -> str:
    """A sentence on the parts of the expected errors and on their bounds; none for weights that do not say them."""
    if predicted.across_along_mm is None:
        return ""
    expected, actual = predicted.across_along_mm
    return (
        f" Across the beam {expected[0]:.2f} mm expected, {actual[0]:.2f} actual; along it {expected[1]:.2f} and "
        f"{actual[1]:.2f}. Below the bound for nine in ten: {predicted.below_bound:.1%}."
    )


def verdict_table(predicted: PredictedErrors) -> str:
    """The actual mean error of the images of each verdict."""
    rows = []
    for word in WORDS:
        means = predicted.means_mm[np.array(predicted.words) == word]
        if len(means):
            below = f"{100 * (means < 1.5).mean():.0f} %"
            rows.append((word, len(means), f"{means.mean():.2f}", f"{means.max():.2f}", below))
    return table(("verdict", "images", "mean error mm", "worst mm", "below 1.5 mm"), 1, rows)
