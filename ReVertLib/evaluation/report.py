"""An evaluation as a page that can stand by itself, with its pictures, and as tables for further work."""

from __future__ import annotations

import csv
import importlib.util
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, fields
from itertools import chain
from pathlib import Path

from ReVertLib.dataset.cases import HELD_OUT, is_held_out
from ReVertLib.errors import InputError
from ReVertLib.files import check_writable
from ReVertLib.geometry.levels import LEVEL_OF_LABEL

from .box_plots import box_plots
from .error_map import error_map
from .figure_style import save_picture
from .measure import EvaluatedImage, Evaluation, Row
from .overview_figure import Scene, demo_picture
from .pose_error import PoseError
from .summary import better_than_baseline, summaries
from .tables import (
    ball_table,
    image_table,
    left_out_lines,
    level_table,
    overall_table,
    pose_table,
    predicted_error_tables,
    quality_table,
    region_table,
    title_of,
    view_table,
)

_PICTURE_PX = 1024
_MOST_LISTED = 60
"""Images on the page; `rows.csv` has them all."""


def report_text(evaluation: Evaluation) -> str:
    """The page, as Markdown. People are numbered and nothing is named by its path, so that it may be shown around."""
    parts = [
        f"# How accurate: {evaluation.dataset}",
        _opening(evaluation),
        f"Made by\n\n```\n{command_line(evaluation)}\n```",
        f"## All answers\n\n{overall_table(evaluation)}\n\n{_NOTES}",
        *left_out_lines(evaluation, lambda image: f"{_person(evaluation, image)}, {image.level}"),
        f"## By level, rigid alignment\n\n{level_table(evaluation)}\n\n![by level](by_level.png)",
        f"## By view, rigid alignment\n\n{view_table(evaluation)}\n\n![by view](by_view.png)",
        f"## By region, rigid alignment\n\n{_REGIONS}\n\n{region_table(evaluation)}",
        f"## Pose by view\n\n{_POSE}\n\n{pose_table(evaluation)}",
        f"## Where it is off\n\n{_WHERE}\n\n![error map](error_map.png)",
        f"## In the protocol of 3D-ReVert\n\n{_BALL}\n\n{ball_table(evaluation)}",
        f"## Surfaces\n\n{_SURFACES}\n\n{quality_table(evaluation)}",
    ]
    if evaluation.predicted:
        tables = predicted_error_tables(evaluation.predicted)
        parts.append(f"## Predicted errors\n\n{_PREDICTED}\n\n{tables}")
    if len(evaluation.images) <= _MOST_LISTED:
        listed = image_table(evaluation, lambda row: _person(evaluation, row))
        parts.append(f"## Every image\n\n{_EVERY}\n\n{listed}")
    chosen = chosen_images(evaluation)
    if chosen:
        parts.append("## Best, median and worst by Dice\n\n" + "\n\n".join(f"![{n}]({n}.png)" for n in chosen))
    if evaluation.failed:
        parts.append(f"## Failed\n\n{_failed_lines(evaluation)}")
    return "\n\n".join([*parts, f"## Limits\n\n{_limits(evaluation)}"]) + "\n"


_NOTES = """Means of Dice on a 0.5 mm grid, HD95 (the larger of the two directed 95th percentiles), ASSD (mean of the
two directed means) and NSD (share of both surfaces within 2 mm of the other), by distances from points to triangles.
Across, along, turn: medians of the errors of place before any alignment (below). *None*: where the answer puts the
vertebra; the source-object distance was given. *Translation*, *rigid*: after the best such motion.

*Blank*: what the network knows without looking. *Mean vertebra*: a constant, no image used. An answer means something
as far as it is better than both. *Shape model fitted to the truth*: the ceiling of an answer made of this model."""

_REGIONS = """Distance from points of the true surface to the answer, mean and 95th percentile of an image, mean over
the images. So a process that the answer lacks counts in full. A point is of the region that the nearest vertex of the
shape model fitted to the truth is of."""

_POSE = """Before any alignment, median / 90th percentile. Turn: the angle of the rotation that lays the answer onto the
truth rigidly, found by iterated closest points, without corresponding points; of a shape that is hardly a vertebra it
says little. Across and along the beam: where the centroid of the volume is. Along the beam the source-object distance
was given."""

_WHERE = """Distance of each vertex of the template to the true surface after rigid alignment, mean over all images,
painted on the mean L3. Answers without the template's vertices are not shown."""

_BALL = """Shapes in the unit ball, as the original has them: every surface is centred on the middle of its bounding box
and divided by the largest distance from it, then takes the truth's centre and size; nothing is turned. Networks answer
along the camera's axes, so that an error of the view counts; the mean vertebra has no view and stands in the patient's
axes, as does its truth. Size and place are given by the truth here: these figures are no measurement in mm."""

_SURFACES = """Closed: every edge has two triangles. One foramen: closed, with the Euler number 0 of a vertebra.
Self-intersecting: a triangle that runs through another."""

_EVERY = """Aligned rigidly, the baseline (mean vertebra, no image) in brackets. First those from which the radiograph
added the least Dice to the baseline."""

_PREDICTED = "Distance of each vertex to the true surface, before any alignment: expected and actual."


def _opening(evaluation: Evaluation) -> str:
    """What was measured, on what, in which weights."""
    images = evaluation.images
    counts = (len(images), len({image.vertebra for image in images}), len(_people(evaluation)))
    names = (("image", "images"), ("vertebra", "vertebrae"), ("person", "people"))
    of = " of ".join(f"{count} {name[count > 1]}" for count, name in zip(counts, names, strict=True))
    held_out = sum(is_held_out(person, HELD_OUT) for person in set(_people(evaluation)))
    above, answered = better_than_baseline(evaluation)
    sdd, sod = (_span([getattr(image.geometry, field) for image in images]) for field in ("sdd_mm", "sod_mm"))
    weights = "\n".join(
        f"- {title_of(evaluation, model.name)}: `{model.architecture}`, weights SHA256\n  `{model.weights_sha256}`"
        + (f"\n  trained: {model.training}" if model.training else "")
        for model in evaluation.networks
    )
    return f"""One computed radiograph (DRR) of one lumbar vertebra in, its surface in mm out, held against the surface
in the CT that the DRR was computed from: {of}. Held out from the training data that
`revert` makes: {held_out} of {counts[2]}. Source-detector distance {sdd} mm, source-object distance {sod} mm.
Rigidly aligned, {above} of {answered} answers overlap the truth more than the mean vertebra of 87 people does.

{weights}"""


def _span(values: list[float]) -> str:
    low, high = min(values), max(values)
    return f"{low:.0f}" if round(low) == round(high) else f"{low:.0f} to {high:.0f}"


def command_line(evaluation: Evaluation) -> str:
    """What makes this page again, by the names of files alone."""
    first, *others = evaluation.networks
    weights = f" --weights {first.file}" if first.file else ""
    against = "".join(f" --against {model.file}" for model in others)
    return f"revert evaluate {evaluation.dataset}{weights}{against} --report DIR"


def _limits(evaluation: Evaluation) -> str:
    people = len(_people(evaluation))
    few = "One person is little" if people == 1 else f"{people} people are few" if people < 30 else f"{people} people"
    return f"""- {few}: images of one vertebra, and vertebrae of one person, are no independent trials.
- The images are computed from CTs. Films have scatter, noise and, around the vertebra, a patient.
- The box around the vertebra, its level and the source-object distance are given. A wrong distance scales the answer by
  the same share.
- The truth is a segmentation on the CT's grid, with its steps and its own errors."""


def _people(evaluation: Evaluation) -> list[str]:
    """The cases, in the order of the data set."""
    return list(dict.fromkeys(image.case for image in evaluation.images))


def _person(evaluation: Evaluation, of: EvaluatedImage | Row) -> str:
    return f"person {_people(evaluation).index(of.case) + 1}"


def _failed_lines(evaluation: Evaluation) -> str:
    """A line for each vertebra or image that could not be measured, people numbered on from those who were."""
    people, lines = _people(evaluation), []
    for name, reason in evaluation.failed.items():
        found = re.fullmatch(r"((.+)_segment_(\d+))(?: .+)?", name)
        vertebra, person, label = found.groups() if found else (name, name, "0")
        if person not in people:
            people.append(person)
        level = LEVEL_OF_LABEL.get(int(label))
        shown = f"person {people.index(person) + 1}" + (f", {level}" if level else "")
        lines.append(f"- {name}: {reason}".replace(vertebra, shown).replace(person, shown))
    return "\n".join(lines)


def chosen_images(evaluation: Evaluation) -> dict[str, EvaluatedImage]:
    """The images with the best, the median and the worst rigid Dice of the network, each image once."""
    rows = sorted(evaluation.chosen("network", "rigid"), key=lambda row: -row.metrics.dice)
    images = {(image.vertebra, image.view): image for image in evaluation.images}
    last = len(rows) - 1
    places = {"best": 0, "median": last // 2 if last > 1 else -1, "worst": last if last > 0 else -1}
    return {name: images[rows[i].vertebra, rows[i].view] for name, i in places.items() if 0 <= i <= last}


def check_report_folder(folder: Path) -> None:
    """Raises InputError unless a report can be written there: a new or empty folder, and matplotlib to draw."""
    folder = Path(folder)
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise InputError(f"report: expected a new or empty folder, got {folder.name!r} with content")
    check_writable(folder.parent / f"{folder.name}.csv", "report")
    if importlib.util.find_spec("matplotlib") is None:
        raise InputError("report: expected matplotlib to be installed, got none; pip install matplotlib")


def write_report(evaluation: Evaluation, folder: Path, scene_of: Callable[[EvaluatedImage], Scene]) -> None:
    """Writes report.md, rows.csv, summary.csv and the pictures into folder, all or none. scene_of: what to draw of an
    image."""
    folder = Path(folder)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as temporary:
        part = Path(temporary) / folder.name
        part.mkdir()
        (part / "report.md").write_text(report_text(evaluation), encoding="utf-8", errors="backslashreplace")
        _write_csv(part / "rows.csv", map(_flat, evaluation.rows))
        _write_csv(part / "summary.csv", map(asdict, summaries(evaluation)))
        _write_pictures(evaluation, part, scene_of)
        if folder.exists():
            folder.rmdir()
        os.replace(part, folder)


def _write_pictures(evaluation: Evaluation, folder: Path, scene_of: Callable[[EvaluatedImage], Scene]) -> None:
    for group in ("level", "view"):
        box_plots(folder / f"by_{group}.png", evaluation, group)
    errors_mm = {title_of(evaluation, name): errors for name, errors in evaluation.vertex_errors_mm.items()}
    error_map(folder / "error_map.png", errors_mm)
    for name, image in chosen_images(evaluation).items():
        title = f"{name.capitalize()} of {len(evaluation.images)} images: {image.level}, {image.view}"
        lines = (title, _person(evaluation, image), f"source-object distance {image.geometry.sod_mm:.0f} mm")
        demo_picture(folder / f"{name}.png", scene_of(image), lines)
    for path in folder.glob("*.png"):
        _made_small(path)


def _made_small(path: Path) -> None:
    """Takes from a picture what a page does not need: most of its colours, and pixels beyond _PICTURE_PX a row."""
    from PIL import Image  # comes with matplotlib

    with Image.open(path) as picture:
        small = picture.convert("RGB")
    if small.width > _PICTURE_PX:
        small = small.resize((_PICTURE_PX, round(small.height * _PICTURE_PX / small.width)), Image.Resampling.LANCZOS)
    save_picture(small, path)


def _flat(row: Row) -> dict:
    """A row as columns; errors of place that it has none of are left empty."""
    columns = asdict(row)
    metrics, pose = columns.pop("metrics"), columns.pop("pose")
    return columns | metrics | (pose or {field.name: "" for field in fields(PoseError)})


def _write_csv(path: Path, rows: Iterator[dict]) -> None:
    """One row after the other: as columns all of them would fill the memory."""
    with path.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file:
        writer = csv.DictWriter(file, first := next(rows), lineterminator="\n")
        writer.writeheader()
        writer.writerows(chain([first], rows))
