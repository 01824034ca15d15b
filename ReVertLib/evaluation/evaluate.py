"""Weights against a data set with known truth: every image, in place and aligned, with baselines and a ceiling.

All answers are measured alike. "network" is the reconstruction. "blank" is what the same network answers to a black
image of the same geometry: what it knows without looking. "baseline" is the mean vertebra of 87 people, laid on
rigidly. A figure of the network means something only as far as it is better than both. "best fit" is the shape model
fitted to the truth: the ceiling of an answer made of this model. Other weights may be measured beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from ReVertLib.anatomy.template import baseline_mesh
from ReVertLib.errors import InputError
from ReVertLib.failures import Failures, attempted, raise_failed
from ReVertLib.imaging.crop import boxed
from ReVertLib.imaging.radiograph import read_radiograph
from ReVertLib.inference.predictor import Predictor
from ReVertLib.mesh.distance import check_closed
from ReVertLib.mesh.io import read_mesh
from ReVertLib.metrics.compare import compare
from ReVertLib.processes import process_pool
from ReVertLib.progress import log, progress
from ReVertLib.shape.best_fit import BestFit
from ReVertLib.startup import core_count

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
from .report import check_report_folder, write_report
from .tables import left_out_lines, overall_table

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
    tell_view: bool = True,
) -> Evaluation:
    """Measures weights (default: the shipped ones) on every image of a data set and logs the table, as Markdown.

    report: a new or empty folder for tables and pictures. against: other weights to be measured beside them. samples:
    points on each surface of a network. workers: processes (default: one for each core, at most 8). tell_view: whether
    networks that ask for the view are told it. A vertebra or image that cannot be used is left out and named under
    `failed`. Raises InputError for weights, a device, a report folder or a whole data set that cannot be used, before
    any work.
    """
    if report:
        check_report_folder(report)
    predictors, failures = _predictors(weights, against, device), Failures()
    vertebrae = _checked_images(dataset, failures)
    if not tell_view:
        vertebrae = [[_without_view(image) for image in images] for images in vertebrae]
    count = sum(map(len, vertebrae))
    networks = {model.name: predictor for model, predictor in predictors}
    results = _results(networks, vertebrae, samples, workers or min(8, core_count()), failures)
    measured_images = list(progress(results, "images", count))
    if not measured_images:
        raise_failed(failures.reasons, f"data set: expected {count} images to be measured", "none")
    images, found = zip(*measured_images, strict=True)
    evaluation = Evaluation(
        dataset=Path(dataset).resolve().name,
        networks=tuple(model for model, _ in predictors),
        images=images,
        rows=tuple(row for of_one in found for row in of_one.rows),
        failures=tuple(failure for of_one in found for failure in of_one.failures),
        predicted_errors=tuple(of_one.predicted_error for of_one in found if of_one.predicted_error),
        vertex_errors_mm=_mean_errors_mm(found),
        region_errors=tuple(error for of_one in found for error in of_one.region_errors),
        failed=failures.reasons,
    )
    log.info("\n\n".join([overall_table(evaluation), *left_out_lines(evaluation, lambda image: image.vertebra)]))
    if report:
        write_report(evaluation, report, lambda image: scene_of(networks[NETWORK], image))
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


def _mean_errors_mm(found: Sequence[Measured]) -> dict[str, np.ndarray]:
    """By answer, the mean over the images of what each vertex is off."""
    names = dict.fromkeys(name for of_one in found for name in of_one.vertex_errors_mm)
    return {n: np.mean([m.vertex_errors_mm[n] for m in found if n in m.vertex_errors_mm], axis=0) for n in names}


def _checked_images(dataset: Path, failures: Failures) -> list[list[EvaluatedImage]]:
    """The images of every vertebra that can be used; each image and surface is read once, to know which can be. Raises
    InputError when there is none."""
    from ReVertLib.dataset.layout import read_dataset

    items, vertebrae = read_dataset(dataset, failures), []
    for item in items:
        with failures.noted(item.vertebra):
            check_closed(read_mesh(item.mesh), f"mesh {item.mesh.name}")
            vertebrae.append([image for image in images_of(item) if _can_be_used(image, failures)])
    if not any(vertebrae):
        failures.raise_if_single(sum(len(item.images) for item in items))
        raise_failed(failures.reasons, f"data set: expected {len(items)} vertebrae with images", "none")
    return [images for images in vertebrae if images]


def _without_view(image: EvaluatedImage) -> EvaluatedImage:
    return replace(image, geometry=replace(image.geometry, view_deg=None))


def _can_be_used(image: EvaluatedImage, failures: Failures) -> bool:
    with failures.noted(image.name):
        boxed(read_radiograph(image.file).pixels, image.geometry)
        return True
    return False


def _results(
    networks: dict[str, Predictor],
    vertebrae: list[list[EvaluatedImage]],
    samples: int,
    workers: int,
    failures: Failures,
) -> Iterator[tuple[EvaluatedImage, Measured]]:
    """Every image with what is measured of it. The networks run here, and measuring, which takes longer, in workers;
    one vertebra at a time, so that few surfaces wait."""
    model, job = BestFit.of(), partial(_job, networks, samples)
    with _mapper(workers) as mapped:
        for images in vertebrae:
            constants = mapped(partial(attempted, measured_constants), [(images[0], model, CONSTANT_SAMPLES)])
            found = mapped(partial(attempted, measured), (attempted(job, image) for image in images))
            constant = next(iter(constants))
            for one, image in zip(found, images, strict=True):
                errors = [outcome for outcome in (constant, one) if isinstance(outcome, InputError)]
                if errors:
                    failures.note(image.name, errors[0])
                else:
                    yield image, one.beside(constant, image.view)


@contextmanager
def _mapper(workers: int) -> Iterator[Callable]:
    """`map` over processes."""
    if workers == 1:
        yield map
        return
    with process_pool(workers) as pool:
        yield pool.map  # an interrupt is for this process; it cancels what the others have not begun


def _job(networks: dict[str, Predictor], samples: int, image: EvaluatedImage) -> Job:
    """The networks' answers to an image, and the first one's to a black image."""
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
