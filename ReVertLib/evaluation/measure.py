"""One image's answers against its truth: what the workers of an evaluation do, without a network."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ReVertLib.anatomy.template import baseline_mesh, load_template
from ReVertLib.dataset.layout import DatasetItem
from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.inference.results import Reconstruction
from ReVertLib.inference.verdict import Verdict, verdict
from ReVertLib.mesh.distance import signed_distances_mm
from ReVertLib.mesh.io import read_mesh
from ReVertLib.mesh.mesh import Mesh, mesh_quality, volume_centroid
from ReVertLib.mesh.self_intersection import self_intersections
from ReVertLib.metrics.surface import SurfaceMetrics, surface_metrics
from ReVertLib.metrics.unit_ball import onto_ball
from ReVertLib.registration.icp import align
from ReVertLib.shape.best_fit import Oracle

NETWORK, BLANK, BASELINE, ORACLE = "network", "blank", "baseline", "oracle"
ALIGNMENTS = ("none", "translation", "rigid")
UNIT_BALL = "unit ball"
"""The original's protocol (`unit_ball.py`), in rows beside the alignments."""

CONSTANT_SAMPLES = 50_000
"""Points on each surface for the answers that are measured once for all images of a vertebra."""


@dataclass(frozen=True)
class Shot:
    """One image of a vertebra with its truth. mesh: path, patient LPS mm. camera_from_lps: its view."""

    vertebra: str
    case: str
    level: str
    view: str
    image: Path
    mesh: Path
    geometry: Geometry
    camera_from_lps: RigidTransform

    @property
    def truth(self) -> Mesh:
        """The true surface where it was when the image was taken: camera frame, mm."""
        return read_mesh(self.mesh).moved(self.camera_from_lps)


def shots_of(item: DatasetItem) -> list[Shot]:
    """The images of one vertebra of a data set."""
    columns = (item.views, item.images, item.geometries, item.camera_from_lps)
    return [
        Shot(item.vertebra, item.case, item.level, view, image, item.mesh, geometry, matrix)
        for view, image, geometry, matrix in zip(*columns, strict=True)
    ]


@dataclass(frozen=True)
class PoseError:
    """How far the volume's centroid is off, across and along the ray to the true one, and how far it is turned."""

    across_beam_mm: float
    along_beam_mm: float
    rotation_deg: float


@dataclass(frozen=True)
class Row:
    """One answer to one image in one alignment. pose: before any alignment; baseline and oracle have none.
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

    shot: Shot
    answer: str
    reason: str


@dataclass(frozen=True)
class Job:
    """What there is to measure. answers: by name, those that are surfaces. failures: of those that are none. samples:
    points on each surface."""

    shot: Shot
    answers: dict[str, Reconstruction]
    failures: tuple[Failure, ...]
    samples: int


@dataclass(frozen=True)
class Judgement:
    """What the network said of its own answer to an image, and what was so. expected_mm, actual_mm: (n,) distance of
    each vertex to the true surface, unaligned."""

    verdict: Verdict
    expected_mm: np.ndarray
    actual_mm: np.ndarray


@dataclass(frozen=True)
class Measured:
    """All there is of one shot. judgement: None from a network that does not judge itself. vertex_errors_mm: by answer,
    (n,) distance of each vertex of the template to the true surface after rigid alignment."""

    rows: tuple[Row, ...]
    failures: tuple[Failure, ...]
    judgement: Judgement | None
    vertex_errors_mm: dict[str, np.ndarray]

    def beside(self, constant: Measured, view: str) -> Measured:
        """This and the answers that are the same for every view of the vertebra."""
        rows = (*self.rows, *(replace(row, view=view) for row in constant.rows))
        return replace(self, rows=rows, vertex_errors_mm=self.vertex_errors_mm | constant.vertex_errors_mm)


@dataclass(frozen=True)
class Asked:
    """A network that was asked. name: of its answers. file: name of its weights' file, None for the shipped one.
    training: how much it had, in words."""

    name: str
    architecture: str
    weights_sha256: str
    file: str | None
    training: str = ""


@dataclass(frozen=True)
class Evaluation:
    """networks: the evaluated one first. rows: in the order of the data set; an answer that was no surface has none.
    judgements: of the images whose answer was a surface, from a network that judges itself. vertex_errors_mm: by
    answer, (n,) the mean over the images, of answers that have the template's vertices."""

    dataset: str
    networks: tuple[Asked, ...]
    shots: tuple[Shot, ...]
    rows: tuple[Row, ...]
    failures: tuple[Failure, ...]
    judgements: tuple[Judgement, ...]
    vertex_errors_mm: dict[str, np.ndarray]

    @property
    def answers(self) -> tuple[str, ...]:
        """The names of all answers in the order of tables."""
        return (NETWORK, *(asked.name for asked in self.networks[1:]), BLANK, BASELINE, ORACLE)

    def chosen(self, answer: str, alignment: str) -> list[Row]:
        """The rows of one answer in one alignment."""
        return [row for row in self.rows if (row.answer, row.alignment) == (answer, alignment)]


def measured(job: Job) -> Measured:
    """All rows of one shot but those of the constant answers, its failures, and what the network said of its answer."""
    truth, rows, errors_mm = job.shot.truth, [], {}
    for answer, mesh in ((name, said.mesh) for name, said in job.answers.items()):
        motions = {alignment: align(mesh, truth, alignment) for alignment in ALIGNMENTS}
        pose = pose_error(mesh, truth, motions["rigid"])
        if answer != BLANK:
            motions[UNIT_BALL] = onto_ball(mesh, truth)
        rows += _rows(job.shot, answer, mesh, truth, motions, pose, job.samples)
        if answer == NETWORK and np.array_equal(mesh.faces, load_template().faces):
            errors_mm[answer] = _vertex_errors_mm(mesh.moved(motions["rigid"]), truth)
    said = job.answers.get(NETWORK)
    return Measured(tuple(rows), job.failures, said and judgement(said, truth), errors_mm)


def measured_constants(job: tuple[Shot, Oracle]) -> Measured:
    """The answers to a vertebra that need no image, so that one shot stands for all: baseline and oracle."""
    shot, oracle = job
    truth, in_lps, baseline = shot.truth, read_mesh(shot.mesh), baseline_mesh(shot.level)
    laid, fitted = align(baseline, truth, "rigid"), oracle.answer(shot.level, truth)
    rows = [
        *_rows(shot, BASELINE, baseline, truth, {"rigid": laid}),
        *_rows(shot, BASELINE, baseline, in_lps, {UNIT_BALL: onto_ball(baseline, in_lps)}),
        *_rows(shot, ORACLE, fitted, truth, {"rigid": RigidTransform.identity()}),
    ]
    return Measured(tuple(rows), (), None, {BASELINE: _vertex_errors_mm(baseline.moved(laid), truth)})


def _rows(
    shot: Shot,
    answer: str,
    mesh: Mesh,
    truth: Mesh,
    motions: dict[str, RigidTransform],
    pose: PoseError | None = None,
    samples: int = CONSTANT_SAMPLES,
) -> list[Row]:
    """A row for each motion of one answer."""
    quality = mesh_quality(mesh)
    soundness = (quality.closed, quality.euler_number, len(np.unique(self_intersections(mesh))) / len(mesh.faces))
    where = (shot.vertebra, shot.case, shot.level, shot.view, answer)
    return [
        Row(*where, alignment, surface_metrics(mesh.moved(motion), truth, samples), pose, *soundness)
        for alignment, motion in motions.items()
    ]


def _vertex_errors_mm(mesh: Mesh, truth: Mesh) -> np.ndarray:
    """(n,) distance of each vertex to the true surface, mm."""
    return np.abs(signed_distances_mm(mesh.vertices, truth))


def judgement(said: Reconstruction, truth: Mesh) -> Judgement | None:
    """What a reconstruction says of itself beside its true surface, in one frame."""
    if said.expected_error_mm is None:
        return None
    return Judgement(verdict(said), said.expected_error_mm, _vertex_errors_mm(said.mesh, truth))


def pose_error(mesh: Mesh, truth: Mesh, motion: RigidTransform) -> PoseError:
    """The error of place of a mesh in the camera frame, before any alignment.

    motion: the one that lays it onto the truth rigidly, by iterated closest points. Its angle, 0..180
    degrees, is how far the answer is turned. No corresponding points are asked for, so that every network is measured
    alike and a wrong shape turns the answer by what fits the truth best. `align` tries the turns of a cube where the
    first end is far off: an answer from behind is told by its 180 degrees, and not by the nearest bad fit.
    """
    centre = volume_centroid(truth)
    off = volume_centroid(mesh) - centre
    along = off @ centre / np.linalg.norm(centre)
    across = np.sqrt(max(off @ off - along**2, 0.0))
    return PoseError(float(across), float(abs(along)), motion.angle_deg)
