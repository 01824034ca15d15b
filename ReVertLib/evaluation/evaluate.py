"""Weights against a data set with known truth: every image, in place and aligned, with baselines and a ceiling.

All answers are measured alike. "network" is the reconstruction. "blank" is what the same network says to a black image
of the same geometry: what it knows without looking. "baseline" is the mean vertebra of 87 people, laid on rigidly. A
figure of the network means something only as far as it is better than both. "oracle" is the shape model fitted to the
truth: what is left to be gained with this model. Other weights may stand beside them, each an answer of its own.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from ReVertLib.anatomy.template import baseline_mesh
from ReVertLib.errors import InputError
from ReVertLib.imaging.crop import boxed
from ReVertLib.imaging.radiograph import read_radiograph
from ReVertLib.inference.predictor import Predictor
from ReVertLib.mesh.distance import check_closed
from ReVertLib.mesh.io import read_mesh
from ReVertLib.metrics.compare import compare
from ReVertLib.processes import process_pool
from ReVertLib.shape.best_fit import Oracle

from .measure import (
    BLANK,
    NETWORK,
    Asked,
    Evaluation,
    Failure,
    Job,
    Measured,
    Shot,
    measured,
    measured_constants,
    shots_of,
)
from .overview_figure import Scene
from .report import check_report_folder, write_report
from .tables import left_out_lines, overall_table

Say = Callable[[str], None]


def evaluate(
    dataset: Path,
    weights: Path | None,
    device: str = "auto",
    report: Path | None = None,
    *,
    against: Sequence[Path] = (),
    samples: int = 20_000,
    workers: int | None = None,
    say: Say = print,
) -> Evaluation:
    """Measures weights (default: the shipped ones) on every image of a data set and says the table, as Markdown.

    report: a new or empty folder for tables and pictures. against: other weights to be measured beside them. samples:
    points on each surface of a network. workers: processes (default: one for each core, at most 8). Raises InputError
    for a data set, weights, device or report folder that cannot be used, before any work.
    """
    if report:
        check_report_folder(report)
    predictors = _predictors(weights, against, device)
    vertebrae = _checked_shots(dataset)
    shots = tuple(shot for of_one in vertebrae for shot in of_one)
    networks = {asked.name: predictor for asked, predictor in predictors}
    results = _results(networks, vertebrae, samples, workers or min(8, os.cpu_count() or 1))
    found: list[Measured] = list(_with_progress(results, len(shots), say))
    evaluation = Evaluation(
        dataset=Path(dataset).resolve().name,
        networks=tuple(asked for asked, _ in predictors),
        shots=shots,
        rows=tuple(row for of_one in found for row in of_one.rows),
        failures=tuple(failure for of_one in found for failure in of_one.failures),
        judgements=tuple(of_one.judgement for of_one in found if of_one.judgement),
        vertex_errors_mm=_mean_errors_mm(found),
    )
    say("\n\n".join([overall_table(evaluation), *left_out_lines(evaluation, lambda shot: shot.vertebra)]))
    if report:
        write_report(evaluation, report, lambda shot: scene_of(networks[NETWORK], shot))
        say(f"report: {report}")
    return evaluation


def _predictors(weights: Path | None, against: Sequence[Path], device: str) -> list[tuple[Asked, Predictor]]:
    """The evaluated network, then the others by architecture and hash. Raises InputError for weights named twice."""
    found: list[tuple[Asked, Predictor]] = []
    for path in (weights, *against):
        predictor = Predictor(path, device)
        digest, architecture = predictor.weights_sha256, predictor.architecture
        if digest in (asked.weights_sha256 for asked, _ in found):
            raise InputError(f"against: expected each weights once, got {path.name} twice, SHA256 {digest[:16]}...")
        name = f"{architecture} {digest[:8]}" if found else NETWORK
        found.append((Asked(name, architecture, digest, path and path.name, predictor.training), predictor))
    return found


def _mean_errors_mm(found: Sequence[Measured]) -> dict[str, np.ndarray]:
    """By answer, the mean over the images of what each vertex is off."""
    names = dict.fromkeys(name for of_one in found for name in of_one.vertex_errors_mm)
    return {n: np.mean([m.vertex_errors_mm[n] for m in found if n in m.vertex_errors_mm], axis=0) for n in names}


def _checked_shots(dataset: Path) -> list[list[Shot]]:
    """The images of every vertebra; each image and surface is read once, to know that all of them can be."""
    from ReVertLib.dataset.layout import read_dataset

    vertebrae = []
    for item in read_dataset(dataset):
        check_closed(read_mesh(item.mesh), f"mesh {item.mesh.name}")
        shots = shots_of(item)
        for shot in shots:
            boxed(read_radiograph(shot.image).pixels, shot.geometry)
        vertebrae.append(shots)
    return vertebrae


def _results(
    networks: dict[str, Predictor], vertebrae: list[list[Shot]], samples: int, workers: int
) -> Iterator[Measured]:
    """All there is of every shot. The networks run here, and measuring, which takes longer, in workers; one vertebra at
    a time, so that few surfaces wait."""
    oracle = Oracle.of()
    with _mapper(workers) as mapped:
        for shots in vertebrae:
            constants = mapped(measured_constants, [(shots[0], oracle)])
            found = mapped(measured, (_job(networks, shot, samples) for shot in shots))
            constant = next(iter(constants))
            yield from (one.beside(constant, shot.view) for one, shot in zip(found, shots, strict=True))


@contextmanager
def _mapper(workers: int) -> Iterator[Callable]:
    """`map` over processes."""
    if workers == 1:
        yield map
        return
    with process_pool(workers) as pool:
        yield pool.map  # an interrupt is for this process; it cancels what the others have not begun


def _job(networks: dict[str, Predictor], shot: Shot, samples: int) -> Job:
    """The networks' answers to a shot, and the first one's to darkness."""
    pixels = read_radiograph(shot.image).pixels
    geometry = boxed(pixels, shot.geometry)
    questions = [(name, predictor, pixels) for name, predictor in networks.items()]
    questions.insert(1, (BLANK, networks[NETWORK], np.zeros_like(pixels)))
    answers, failures = {}, []
    for answer, predictor, seen in questions:
        try:
            said = predictor.reconstruct(seen, geometry)
            check_closed(said.mesh, "reconstruction")
            answers[answer] = said
        except InputError as error:
            failures.append(Failure(shot, answer, str(error)))
    return Job(shot, answers, tuple(failures), samples)


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
    comparison = compare(result.mesh, truth, "rigid", shot.level, baseline_mesh(shot.level))
    return Scene(pixels, result.geometry, result.mesh, truth, comparison, shot.camera_from_lps)
