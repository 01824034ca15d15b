"""An evaluation as tables for reading and for further work, and as pictures."""

from __future__ import annotations

import csv
import importlib.util
import os
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

from .domain import WORDS
from .errors import InputError
from .files import check_writable
from .measure import ALIGNMENTS, ANSWERS, Evaluation, Judgement, PoseError, Row, Shot
from .pictures import Scene, demo_picture
from .plots import box_plots
from .reliability import reliability, reliability_table

_ANSWER_NAMES = {
    "network": "one radiograph",
    "blank": "the same network, blank image",
    "control": "mean vertebra of 87 people, no network",
}


@dataclass(frozen=True)
class Summary:
    """The images of a group ("overall", or a level or view by name) in one answer and alignment: means of the
    metrics, medians of the errors of place (NaN for the control)."""

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


def summaries(rows: Iterable[Row]) -> list[Summary]:
    """Every group that has rows: overall, each level in order, each view in order of first appearance."""
    rows = list(rows)
    groups = [("overall", "all", lambda row: True)]
    groups += [
        ("level", level, lambda row, level=level: row.level == level) for level in sorted({r.level for r in rows})
    ]
    groups += [("view", view, lambda row, view=view: row.view == view) for view in dict.fromkeys(r.view for r in rows)]
    found = []
    for group, name, belongs in groups:
        members = [row for row in rows if belongs(row)]
        for answer in ANSWERS:
            for alignment in ALIGNMENTS:
                chosen = [row for row in members if (row.answer, row.alignment) == (answer, alignment)]
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


def overall_table(evaluation: Evaluation) -> str:
    """The short table as Markdown, with what was left out."""
    lines = [
        "| answer | alignment | images | Dice | HD95 mm | ASSD mm | NSD@2mm | across mm | along mm | turn deg |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for s in summaries(evaluation.rows):
        if s.group == "overall":
            figures = (f"{s.dice:.3f}", *(f"{x:.2f}" for x in (s.hd95_mm, s.assd_mm)), f"{s.nsd_2mm:.3f}")
            pose = (s.median_across_beam_mm, s.median_along_beam_mm, s.median_rotation_deg)
            cells = (_ANSWER_NAMES[s.answer], s.alignment, s.images, *figures, *(_figure(x, 1) for x in pose))
            lines.append(_line(cells))
    return "\n".join([*lines, *(f"\nLeft out: {failure}" for failure in evaluation.failures)])


def _figure(value: float, decimals: int) -> str:
    return "" if np.isnan(value) else f"{value:.{decimals}f}"


def _line(cells: Iterable) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def group_table(evaluation: Evaluation, group: str) -> str:
    """Markdown: for every level or view, the answers side by side, aligned rigidly, and the errors of place."""
    by_name: dict[str, dict[str, Summary]] = {}
    for s in summaries(evaluation.rows):
        if s.group == group and s.alignment == "rigid":
            by_name.setdefault(s.name, {})[s.answer] = s
    metrics = (("dice", "Dice", 3), ("hd95_mm", "HD95 mm", 2), ("assd_mm", "ASSD mm", 2), ("nsd_2mm", "NSD@2mm", 3))
    titles = [f"{title}{of}" for _, title, _ in metrics for of in ("", " blank", " control")]
    lines = [
        _line((group, "images", *titles, "across mm", "along mm", "turn deg")),
        "|---|" + "--:|" * (len(titles) + 4),
    ]
    for name, answers in by_name.items():
        cells = [
            _figure(getattr(answers[answer], field), decimals) if answer in answers else ""
            for field, _, decimals in metrics
            for answer in ANSWERS
        ]
        network = answers.get("network")
        pose = ("median_across_beam_mm", "median_along_beam_mm", "median_rotation_deg")
        places = [_figure(getattr(network, field), 1) if network else "" for field in pose]
        lines.append(_line((name, network.images if network else 0, *cells, *places)))
    return "\n".join(lines)


def report_text(evaluation: Evaluation) -> str:
    """The whole report as Markdown."""
    shots = evaluation.shots
    counts = (len(shots), len({shot.vertebra for shot in shots}), len({shot.case for shot in shots}))
    names = (("image", "images"), ("vertebra", "vertebrae"), ("person", "people"))
    of = " of ".join(f"{count} {names[count > 1]}" for count, names in zip(counts, names, strict=True))
    rigid = [row for row in evaluation.rows if (row.answer, row.alignment) == ("network", "rigid")]
    closed, foramina = (sum(row.closed for row in rigid), sum(row.closed and row.euler_number == 0 for row in rigid))
    return f"""# Evaluation on {evaluation.dataset}

{of}. Architecture `{evaluation.architecture}`, weights SHA256
`{evaluation.weights_sha256}`.

Means of Dice on a 0.5 mm grid, HD95 (the larger direction), ASSD and NSD at 2 mm. The errors of place are medians,
taken before any alignment: of the volume's centroid across and along the beam, and the turn of the rigid alignment.
The source-object distance is given to the network; without alignment the figures depend on it. Of {len(rigid)}
reconstructions, {closed} are closed, {foramina} with the one foramen of a vertebra (Euler number 0).

{overall_table(evaluation)}

## By level, rigid alignment

{group_table(evaluation, "level")}

![by level](by_level.png)

## By view, rigid alignment

{group_table(evaluation, "view")}

![by view](by_view.png)

{judgement_text(evaluation.judgements)}## Best, median and worst by Dice

{"".join(f"![{name}]({name}.png)" + chr(10) for name in chosen_shots(evaluation))}"""


def judgement_text(judgements: tuple[Judgement, ...]) -> str:
    """Markdown: whether what the network said of its own answers was so; nothing where it said nothing."""
    if not judgements:
        return ""
    found = reliability(*(np.stack([getattr(j, name) for j in judgements]) for name in ("expected_mm", "actual_mm")))
    return f"""## What the network said of its answers

Distance of each vertex to the true surface, before any alignment: expected and actual.

{reliability_table(found)}

{verdict_table(judgements)}

"""


def verdict_table(judgements: tuple[Judgement, ...]) -> str:
    """Markdown: the actual mean error of the images of each verdict."""
    lines = ["| verdict | images | mean error mm | worst mm | below 1.5 mm |", "|---|--:|--:|--:|--:|"]
    for word in WORDS:
        means = np.array([j.actual_mm.mean() for j in judgements if j.verdict.word == word])
        if len(means):
            share = f"{100 * (means < 1.5).mean():.0f} %"
            lines.append(_line((word, len(means), f"{means.mean():.2f}", f"{means.max():.2f}", share)))
    return "\n".join(lines)


def chosen_shots(evaluation: Evaluation) -> dict[str, Shot]:
    """The shots with the best, the median and the worst rigid Dice of the network, each shot once."""
    rows = [row for row in evaluation.rows if (row.answer, row.alignment) == ("network", "rigid")]
    rows.sort(key=lambda row: -row.metrics.dice)
    shots = {(shot.vertebra, shot.view): shot for shot in evaluation.shots}
    last = len(rows) - 1
    places = {"best": 0, "median": last // 2 if last > 1 else -1, "worst": last if last > 0 else -1}
    return {name: shots[rows[i].vertebra, rows[i].view] for name, i in places.items() if 0 <= i <= last}


def check_report_folder(folder: Path) -> None:
    """Raises InputError unless a report can be written there: a new or empty folder, and matplotlib to draw."""
    folder = Path(folder)
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise InputError(f"report: expected a new or empty folder, got {folder.name!r} with content")
    check_writable(folder.parent / f"{folder.name}.csv", "report")
    if importlib.util.find_spec("matplotlib") is None:
        raise InputError("report: expected matplotlib to be installed, got none; pip install matplotlib")


def write_report(evaluation: Evaluation, folder: Path, scene_of: Callable[[Shot], Scene]) -> None:
    """Writes report.md, rows.csv, summary.csv and the pictures into folder, all or none. scene_of: what to draw of a
    shot."""
    folder = Path(folder)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as temporary:
        part = Path(temporary) / folder.name
        part.mkdir()
        (part / "report.md").write_text(report_text(evaluation))
        _write_csv(part / "rows.csv", [_flat(row) for row in evaluation.rows])
        _write_csv(part / "summary.csv", [asdict(summary) for summary in summaries(evaluation.rows)])
        for group in ("level", "view"):
            box_plots(part / f"by_{group}.png", evaluation.rows, group)
        for name, shot in chosen_shots(evaluation).items():
            title = f"{name.capitalize()} of {len(evaluation.shots)} images: {shot.level}, {shot.view}"
            lines = (title, shot.vertebra, f"source-object distance {shot.geometry.sod_mm:.0f} mm")
            demo_picture(part / f"{name}.png", scene_of(shot), lines)
        if folder.exists():
            folder.rmdir()
        os.replace(part, folder)


def _flat(row: Row) -> dict:
    """A row as columns; the control's errors of place are left empty."""
    columns = asdict(row)
    metrics, pose = columns.pop("metrics"), columns.pop("pose")
    return columns | metrics | (pose or {field.name: "" for field in fields(PoseError)})


def _write_csv(path: Path, rows: list[dict]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
