"""One image's answers against its truth: what the workers of an evaluation do, without a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ReVertLib.anatomy.template import baseline_mesh, load_template
from ReVertLib.dataset.layout import DatasetItem
from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.inference.results import Reconstruction
from ReVertLib.mesh.mesh import Mesh, mesh_quality
from ReVertLib.mesh.self_intersection import self_intersections
from ReVertLib.metrics.records import SurfaceMetrics
from ReVertLib.metrics.surface import Surface, closed_surface_metrics
from ReVertLib.metrics.unit_ball import onto_ball
from ReVertLib.registration.icp import RIGID_ALIGNMENTS, align, alignments
from ReVertLib.shape.best_fit import BestFit

from .pose_error import PoseError, pose_error
from .predicted import PredictedError, PredictedErrors, predicted_error
from .regions import RegionError, region_errors, regions_at, true_points
from .truth import measured_truth, true_surface

NETWORK, BLANK, BASELINE, BEST_FIT = "network", "blank", "baseline", "best fit"
UNIT_BALL = "unit ball"
"""The original's protocol (`unit_ball.py`), in rows beside the alignments."""


@dataclass(frozen=True)
class EvaluatedImage:
    """One image of a vertebra with its truth. mesh: path, patient LPS mm. camera_from_lps: its view."""

    vertebra: str
    case: str
    level: str
    view: str
    file: Path
    mesh: Path
    geometry: Geometry
    camera_from_lps: RigidTransform

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"{self.vertebra} {self.file.name}"

    @property
    def truth(self) -> Mesh:
        """The true surface where it was when the image was taken: camera frame, mm. Raises InputError for one that is
        not closed."""
        return true_surface(self.mesh).moved(self.camera_from_lps)


def images_of(item: DatasetItem) -> list[EvaluatedImage]:
    """The images of one vertebra of a data set."""
    columns = (item.views, item.images, item.geometries, item.camera_from_lps)
    return [
        EvaluatedImage(item.vertebra, item.case, item.level, view, file, item.mesh, geometry, matrix)
        for view, file, geometry, matrix in zip(*columns, strict=True)
    ]


@dataclass(frozen=True)
class Row:
    """One answer to one image in one alignment. pose: before any alignment; baseline and best fit have none.
    crossing_share: of its triangles, those that run through others."""

    vertebra: str
    case: str
    level: str
    view: str
    answer: str
    alignment: str
    metrics: SurfaceMetrics
    pose: PoseError | None
    closed: bool
    euler_number: int
    crossing_share: float


@dataclass(frozen=True)
class Failure:
    """An answer that was no surface, and why, in one line."""

    image: EvaluatedImage
    answer: str
    reason: str


@dataclass(frozen=True)
class Job:
    """What there is to measure. answers: by name, those that are surfaces. failures: of those that are none. samples:
    points on each surface."""

    image: EvaluatedImage
    answers: dict[str, Reconstruction]
    failures: tuple[Failure, ...]
    samples: int


@dataclass(frozen=True)
class Measured:
    """What is measured of one image. predicted_error: None from a network that predicts none. vertex_errors_mm: by
    answer, (n,) distance of each vertex of the template to the true surface after rigid alignment. from_truth_mm: by
    answer, as `regions.from_truth_mm`. regions: (p,) of the same points, once they are known."""

    rows: tuple[Row, ...]
    failures: tuple[Failure, ...]
    predicted_error: PredictedError | None
    vertex_errors_mm: dict[str, np.ndarray]
    from_truth_mm: dict[str, np.ndarray]
    regions: np.ndarray | None = None

    def beside(self, constant: Measured, view: str) -> Measured:
        """This and the answers that are the same for every view of the vertebra."""
        rows = (*self.rows, *(replace(row, view=view) for row in constant.rows))
        vertices, points = (getattr(self, n) | getattr(constant, n) for n in ("vertex_errors_mm", "from_truth_mm"))
        return Measured(rows, self.failures, self.predicted_error, vertices, points, constant.regions)

    @property
    def region_errors(self) -> list[RegionError]:
        """Of each answer, once the regions are known."""
        return region_errors(self.from_truth_mm, self.regions)


@dataclass(frozen=True)
class EvaluatedModel:
    """A network with its weights. name: of its answers. file: name of its weights' file, None for the shipped one.
    training: how much it had, in words."""

    name: str
    architecture: str
    weights_sha256: str
    file: str | None
    training: str = ""


@dataclass(frozen=True)
class Evaluation:
    """networks: the evaluated one first. rows: in the order of the data set; an answer that was no surface has none.
    predicted: of the images whose answer was a surface, from a network that predicts its error. vertex_errors_mm:
    by answer, (n,) the mean over the images, of answers that have the template's vertices. region_errors: of each image
    and answer. failed: by name, why a vertebra or image of the data set could not be measured."""

    dataset: str
    networks: tuple[EvaluatedModel, ...]
    images: tuple[EvaluatedImage, ...]
    rows: tuple[Row, ...]
    failures: tuple[Failure, ...]
    predicted: PredictedErrors | None
    vertex_errors_mm: dict[str, np.ndarray]
    region_errors: tuple[RegionError, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)

    @property
    def answers(self) -> tuple[str, ...]:
        """The names of all answers in the order of tables."""
        return (NETWORK, *(model.name for model in self.networks[1:]), BLANK, BASELINE, BEST_FIT)

    def chosen(self, answer: str, alignment: str) -> list[Row]:
        """The rows of one answer in one alignment."""
        return [row for row in self.rows if (row.answer, row.alignment) == (answer, alignment)]


def measured(job: Job) -> Measured:
    """All rows of one image but those of the constant answers, its failures, and the network's error as predicted."""
    image, rows, errors_mm, points_mm = job.image, [], {}, {}
    truth, target = image.truth, measured_truth(image.mesh, job.samples)
    points = true_points(truth)
    for answer, mesh in ((name, found.mesh) for name, found in job.answers.items()):
        motions, surface = alignments(mesh, truth, RIGID_ALIGNMENTS), Surface(mesh, job.samples, 0)
        rigid, pose = motions["rigid"], pose_error(mesh, truth, motions["rigid"])
        if answer != BLANK:
            motions[UNIT_BALL] = onto_ball(mesh, truth)
        rows += _rows(image, answer, surface, target, _into_lps(image, motions), pose)
        points_mm[answer] = surface.nearest.distances_mm(rigid.inverse.apply(points))
        if answer == NETWORK and np.array_equal(mesh.faces, load_template().faces):
            errors_mm[answer] = _vertex_errors_mm(image, mesh, rigid, target)
    found = job.answers.get(NETWORK)
    return Measured(tuple(rows), job.failures, found and predicted_error(found, truth), errors_mm, points_mm)


def measured_constants(job: tuple[EvaluatedImage, BestFit, int]) -> Measured:
    """The answers to a vertebra that need no image, so that one image stands for all: baseline and best fit. The last
    of job: points on each surface."""
    image, model, samples = job
    truth, in_lps, baseline = image.truth, true_surface(image.mesh), baseline_mesh(image.level)
    laid, fitted = align(baseline, truth, "rigid"), model.fit(image.level, truth)
    target, surfaces = measured_truth(image.mesh, samples), [Surface(mesh, samples, 0) for mesh in (baseline, fitted)]
    # The baseline has no view: in its ball it stands in the patient's axes.
    baseline_motions = _into_lps(image, {"rigid": laid}) | {UNIT_BALL: onto_ball(baseline, in_lps)}
    fitted_motions = _into_lps(image, {"rigid": RigidTransform.identity()})
    rows = [
        *_rows(image, BASELINE, surfaces[0], target, baseline_motions),
        *_rows(image, BEST_FIT, surfaces[1], target, fitted_motions),
    ]
    points = true_points(truth)
    points_mm = {
        BASELINE: surfaces[0].nearest.distances_mm(laid.inverse.apply(points)),
        BEST_FIT: surfaces[1].nearest.distances_mm(points),
    }
    errors_mm = {BASELINE: _vertex_errors_mm(image, baseline, laid, target)}
    return Measured(tuple(rows), (), None, errors_mm, points_mm, regions_at(points, fitted))


def _into_lps(image: EvaluatedImage, motions: dict[str, RigidTransform]) -> dict[str, RigidTransform]:
    """Motions that end in the camera frame, ended where the truth is, which is moved for no image."""
    return {name: image.camera_from_lps.inverse @ motion for name, motion in motions.items()}


def _rows(
    image: EvaluatedImage,
    answer: str,
    surface: Surface,
    target: Surface,
    motions: dict[str, RigidTransform],
    pose: PoseError | None = None,
) -> list[Row]:
    """A row for each motion of one answer, onto the truth in LPS."""
    mesh = surface.mesh
    quality = mesh_quality(mesh)
    share = len(np.unique(self_intersections(mesh))) / len(mesh.faces)
    about = (quality.closed, quality.euler_number, share)
    where = (image.vertebra, image.case, image.level, image.view, answer)
    return [
        Row(*where, alignment, closed_surface_metrics(surface, target, motion), pose, *about)
        for alignment, motion in motions.items()
    ]


def _vertex_errors_mm(image: EvaluatedImage, mesh: Mesh, motion: RigidTransform, target: Surface) -> np.ndarray:
    """(n,) distance of each vertex, moved in the camera frame, to the true surface, mm."""
    return target.nearest.distances_mm((image.camera_from_lps.inverse @ motion).apply(mesh.vertices))
