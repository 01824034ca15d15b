"""Weights against a data set with known truth: every image, in place and aligned, with two controls beside it.

Three answers are measured alike. "network" is the reconstruction. "blank" is what the same network says to a black
image of the same geometry: what it knows without looking. "control" is the mean vertebra of 87 people, laid on
rigidly. A figure of the network means something only as far as it is better than both.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from .compare import compare
from .crop import boxed
from .errors import InputError
from .evaluation_report import check_report_folder, overall_table, write_report
from .measure import Evaluation, Job, Measured, Row, Shot, control_row, measured, shots_of
from .mesh import read_mesh
from .metrics import check_closed
from .pictures import Scene
from .predict import Predictor
from .processes import process_pool
from .radiograph import read_radiograph
from .template import control_mesh

Say = Callable[[str], None]


def evaluate(
    dataset: Path,
    weights: Path | None,
    device: str = "auto",
    report: Path | None = None,
    *,
    samples: int = 20_000,
    workers: int | None = None,
    say: Say = print,
) -> Evaluation:
    """Measures weights (default: the shipped ones) on every image of a data set and says the table, as Markdown.

    report: a new or empty folder for tables and pictures. samples: points on each surface. workers: processes
    (default: one for each core, at most 8). Raises InputError for a data set, weights, device or report folder that
    cannot be used, before any work.
    """
    if report:
        check_report_folder(report)
    predictor = Predictor(weights, device)
    vertebrae = _checked_shots(dataset)
    shots = tuple(shot for of_one in vertebrae for shot in of_one)
    results = _results(predictor, vertebrae, samples, workers or min(8, os.cpu_count() or 1))
    found: list[Measured] = list(_with_progress(results, len(shots), say))
    evaluation = Evaluation(
        dataset=Path(dataset).resolve().name,
        architecture=predictor.architecture,
        weights_sha256=predictor.weights_sha256,
        shots=shots,
        rows=tuple(row for of_one in found for row in of_one.rows),
        failures=tuple(line for of_one in found for line in of_one.failures),
        judgements=tuple(of_one.judgement for of_one in found if of_one.judgement),
    )
    say(overall_table(evaluation))
    if report:
        write_report(evaluation, report, lambda shot: scene_of(predictor, shot))
        say(f"report: {report}")
    return evaluation


def _checked_shots(dataset: Path) -> list[list[Shot]]:
    """The images of every vertebra; each image and surface is read once, to know that all of them can be."""
    from .dataset import read_dataset

    vertebrae = []
    for item in read_dataset(dataset):
        check_closed(read_mesh(item.mesh), f"mesh {item.mesh.name}")
        shots = shots_of(item)
        for shot in shots:
            boxed(read_radiograph(shot.image).pixels, shot.geometry)
        vertebrae.append(shots)
    return vertebrae


def _results(predictor: Predictor, vertebrae: list[list[Shot]], samples: int, workers: int) -> Iterator:
    """What `measured` returns, for every shot. The network runs here, and measuring, which takes longer, in workers;
    one vertebra at a time, so that few surfaces wait."""
    with _mapper(workers) as mapped:
        for shots in vertebrae:
            control = control_row(shots[0])
            yield from mapped(measured, (_job(predictor, shot, control, samples) for shot in shots))


@contextmanager
def _mapper(workers: int) -> Iterator[Callable]:
    """`map` over processes."""
    if workers == 1:
        yield map
        return
    with process_pool(workers) as pool:
        yield pool.map  # an interrupt is for this process; it cancels what the others have not begun


def _job(predictor: Predictor, shot: Shot, control: Row, samples: int) -> Job:
    """The network's answers to a shot, and to darkness."""
    pixels = read_radiograph(shot.image).pixels
    geometry = boxed(pixels, shot.geometry)
    answers, failures = {}, []
    for answer, seen in (("network", pixels), ("blank", np.zeros_like(pixels))):
        try:
            said = predictor.reconstruct(seen, geometry)
            check_closed(said.mesh, "reconstruction")
            answers[answer] = said
        except InputError as error:
            failures.append(f"{shot.vertebra}, {shot.view}, {answer}: {error}")
    return Job(shot, answers, control, tuple(failures), samples)


def _with_progress(results: Iterable, count: int, say: Say) -> Iterator:
    """The results as they come; a line with the time left every thirty seconds."""
    started = said = time.monotonic()
    for done, result in enumerate(results, 1):
        yield result
        now = time.monotonic()
        if now - said > 30:
            said = now
            say(f"{done} of {count} images, {(now - started) / done * (count - done) / 60:.1f} min left")


def scene_of(predictor: Predictor, shot: Shot) -> Scene:
    """What `pictures.demo_picture` draws of a shot, aligned rigidly."""
    pixels, truth = read_radiograph(shot.image).pixels, shot.truth
    result = predictor.reconstruct(pixels, shot.geometry)
    comparison = compare(result.mesh, truth, "rigid", shot.level, control_mesh(shot.level))
    return Scene(pixels, result.geometry, result.mesh, truth, comparison, shot.camera_from_lps)
