"""Weights against a data set with known truth: every image, in place and aligned, with baselines and a ceiling.

All answers are measured alike. "network" is the reconstruction. "blank" is what the same network answers to a black
image of the same geometry: what it knows without looking. "baseline" is the mean vertebra of 87 people, laid on
rigidly. A figure of the network means something only as far as it is better than both. "best fit" is the shape model
fitted to the truth: the ceiling of an answer made of this model. Other weights may be measured beside them.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from ReVertLib.anatomy.template import baseline_mesh
from ReVertLib.dataset.layout import read_dataset
from ReVertLib.errors import InputError
from ReVertLib.failures import Failures, attempted, raise_failed
from ReVertLib.files import code_hash, made_folder
from ReVertLib.imaging.crop import boxed
from ReVertLib.imaging.radiograph import read_radiograph
from ReVertLib.inference.predictor import Predictor
from ReVertLib.mesh.distance import check_closed
from ReVertLib.metrics.compare import compare
from ReVertLib.progress import log, progress
from ReVertLib.shape.best_fit import BestFit
from ReVertLib.workers import PerProcess, Workers, check_workers, results, workers_of

from .measure import (
    BLANK,
    NETWORK,
    EvaluatedImage,
    EvaluatedModel,
    Evaluation,
    Failure,
    Job,
    Measured,
    images_of,
    measured,
    measured_constants,
)
from .overview_figure import Scene
from .parts import Part, Parts
from .predicted import brought_together
from .report import check_report_folder, write_report
from .tables import left_out_lines, overall_table
from .truth import true_surface

CONSTANT_SAMPLES = 50_000
"""Points on each surface for the answers that are measured once for all images of a vertebra."""


def evaluate(
    dataset: Path,
    weights: Path | None,
    device: str = "auto",
    report: Path | None = None,
    *,
    against: Sequence[Path] = (),
    samples: int = 20_000,
    workers: int | None = None,
    scheduler: str | None = None,
    tell_view: bool = True,
) -> Evaluation:
    """Measures weights (default: the shipped ones) on every image of a data set and logs the table, as Markdown.

    report: a new or empty folder for tables and pictures; a stopped evaluation with the same report goes on where it
    was. against: other weights to be measured beside them. samples: points on each surface of a network. workers:
    processes (default: one for each core). scheduler: of a Dask cluster that works instead, and sees data set and
    weights. tell_view: whether networks that ask for the view are told it. A vertebra or image that cannot be used is
    left out and named under `failed`. Raises InputError for weights, a device, a report folder or a whole data set that
    cannot be used, before any work.
    """
    check_workers(workers, scheduler)
    if report:
        check_report_folder(report)
    dataset, weights, *against = (path and Path(path).absolute() for path in (dataset, weights, *against))
    networks, failures = PerProcess.of(_predictors, weights, tuple(against), device), Failures()
    predictors = networks()
    vertebrae = [images_of(item) for item in read_dataset(dataset, failures)]
    if not tell_view:
        vertebrae = [[_without_view(image) for image in images] for images in vertebrae]
    hashes = [model.weights_sha256 for model, _ in predictors]
    with _folder_of_parts(report) as folder:
        parts = Parts(folder, vertebrae, repr((code_hash(), hashes, samples, CONSTANT_SAMPLES)))
        inputs = filter(None, (dataset, weights, *against))
        with workers_of(workers, scheduler, inputs) as those_who_work:
            _measure(those_who_work, partial(_outcome, networks, samples, CONSTANT_SAMPLES), vertebrae, parts)
        evaluation = _gathered(dataset, [model for model, _ in predictors], parts, failures)
        images = sum(map(len, vertebrae))
        if not evaluation.images:
            failures.raise_if_single(images)
            raise_failed(failures.reasons, f"data set: expected {images} images to be measured", "none")
        log.info("\n\n".join([overall_table(evaluation), *left_out_lines(evaluation, lambda image: image.vertebra)]))
        if report:
            write_report(evaluation, report, lambda image: scene_of(predictors[0][1], image))
            log.info(f"report: {report}")
    return evaluation


def _predictors(weights: Path | None, against: Sequence[Path], device: str) -> list[tuple[EvaluatedModel, Predictor]]:
    """The evaluated network, then the others by architecture and hash. Raises InputError for weights named twice."""
    found: list[tuple[EvaluatedModel, Predictor]] = []
    for path in (weights, *against):
        predictor = Predictor(path, device)
        digest, architecture = predictor.weights_sha256, predictor.architecture
        if digest in (model.weights_sha256 for model, _ in found):
            raise InputError(f"against: expected each weights once, got {path.name} twice, SHA256 {digest[:16]}...")
        name = f"{architecture} {digest[:8]}" if found else NETWORK
        found.append((EvaluatedModel(name, architecture, digest, path and path.name, predictor.training), predictor))
    return found


def _without_view(image: EvaluatedImage) -> EvaluatedImage:
    return replace(image, geometry=replace(image.geometry, view_deg=None))


@contextmanager
def _folder_of_parts(report: Path | None) -> Iterator[Path]:
    """Where parts are kept: beside the report, until it is written; without a report, as long as the evaluation."""
    if report is None:
        with tempfile.TemporaryDirectory(prefix="revert-") as folder:
            yield Path(folder)
        return
    folder = made_folder(Path(report).absolute().parent / f".{Path(report).name}-parts", "report")
    try:
        yield folder
    except BaseException:
        with suppress(OSError):
            folder.rmdir()  # unless there is something to go on from
        raise
    shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True)
class _Piece:
    """An image to be measured. number: of its vertebra. place: among the vertebra's images; None: what is the same for
    all of them, with the shape model to be fitted."""

    number: int
    place: int | None
    image: EvaluatedImage
    model: BestFit | None = None


def _measure(workers: Workers | None, work: Callable, vertebrae: list[list[EvaluatedImage]], parts: Parts) -> None:
    """Measures the vertebrae that have no part yet; few are in memory at once."""
    missing, count = parts.missing(), sum(map(len, vertebrae))
    left = sum(len(vertebrae[number]) for number in missing)
    if not missing:
        return
    if left < count:
        log.info(f"going on: {count - left} of {count} images were measured before")
    model = BestFit.of()
    waiting: dict[int, dict[int | None, Measured | InputError]] = {}
    with closing(results(workers, work, _pieces(vertebrae, missing, model))) as outcomes:
        for piece, outcome in progress(outcomes, "images", left + len(missing)):
            images, found = vertebrae[piece.number], waiting.setdefault(piece.number, {})
            found[piece.place] = outcome
            if len(found) == len(images) + 1:
                parts.save(piece.number, _part(images, waiting.pop(piece.number)))


def _pieces(vertebrae: list[list[EvaluatedImage]], numbers: Iterable[int], model: BestFit) -> Iterator[_Piece]:
    for number in numbers:
        images = vertebrae[number]
        yield _Piece(number, None, images[0], model)
        yield from (_Piece(number, place, image) for place, image in enumerate(images))


def _part(images: list[EvaluatedImage], found: dict[int | None, Measured | InputError]) -> Part:
    """What was found of a vertebra, with what is the same for all images beside each."""
    constant = found.pop(None)
    if isinstance(constant, InputError):
        return Part(tuple(images), {}, {images[0].vertebra: str(constant)})
    failed = {images[i].name: str(one) for i, one in sorted(found.items()) if isinstance(one, InputError)}
    good = {i: one.beside(constant, images[i].view) for i, one in sorted(found.items()) if isinstance(one, Measured)}
    return Part(tuple(images), good, failed)


def _gathered(dataset: Path, models: list[EvaluatedModel], parts: Parts, failures: Failures) -> Evaluation:
    """All parts as one evaluation; what could not be used is noted."""
    images, rows, failed, regions, counts, sums = [], [], [], [], [], {}
    for part in parts:
        images += part.images
        rows += part.rows
        failed += part.failures
        regions += part.region_errors
        counts.append(part.predicted)
        for answer, (total, number) in part.vertex_sums_mm.items():
            before, counted = sums.get(answer, (0.0, 0))
            sums[answer] = before + total, counted + number
        for name, reason in part.failed.items():
            failures.note(name, InputError(reason))
    return Evaluation(
        dataset=dataset.resolve().name,
        networks=tuple(models),
        images=tuple(images),
        rows=tuple(rows),
        failures=tuple(failed),
        predicted=brought_together(parts.predicted_errors(counts)),
        vertex_errors_mm={answer: total / number for answer, (total, number) in sums.items()},
        region_errors=tuple(regions),
        failed=failures.reasons,
    )


def _outcome(networks: PerProcess, samples: int, constant_samples: int, piece: _Piece) -> Measured | InputError:
    """What is measured of a piece, or why it could not be."""
    if piece.model is not None:
        return attempted(measured_constants, (piece.image, piece.model, constant_samples))
    predictors = {model.name: predictor for model, predictor in networks()}
    return attempted(measured, attempted(partial(_job, predictors, samples), piece.image))


def _job(networks: dict[str, Predictor], samples: int, image: EvaluatedImage) -> Job:
    """The networks' answers to an image, and the first one's to a black image."""
    true_surface(image.mesh)
    pixels = read_radiograph(image.file).pixels
    geometry = boxed(pixels, image.geometry)
    questions = [(name, predictor, pixels) for name, predictor in networks.items()]
    questions.insert(1, (BLANK, networks[NETWORK], np.zeros_like(pixels)))
    answers, failures = {}, []
    for answer, predictor, shown in questions:
        try:
            found = predictor.reconstruct(shown, geometry)
            check_closed(found.mesh, "reconstruction")
            answers[answer] = found
        except InputError as error:
            failures.append(Failure(image, answer, str(error)))
    return Job(image, answers, tuple(failures), samples)


def scene_of(predictor: Predictor, image: EvaluatedImage) -> Scene:
    """What `overview_figure` draws of an image, aligned rigidly."""
    pixels, truth = read_radiograph(image.file).pixels, image.truth
    result = predictor.reconstruct(pixels, image.geometry)
    comparison = compare(result.mesh, truth, "rigid", image.level, baseline_mesh(image.level))
    return Scene(pixels, result.geometry, result.mesh, truth, comparison, image.camera_from_lps)
