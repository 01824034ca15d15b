"""One image's answers against its truth: what the workers of an evaluation do, without a network."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from .align import align
from .compare import control_metrics
from .dataset import DatasetItem
from .domain import Verdict, verdict
from .geometry import Geometry
from .mesh import Mesh, mesh_quality, read_mesh, volume_centroid
from .metrics import SurfaceMetrics, distances_mm, surface_metrics
from .reconstruction import Reconstruction
from .template import control_mesh

ALIGNMENTS = ("none", "translation", "rigid")
ANSWERS = ("network", "blank", "control")


@dataclass(frozen=True)
class Shot:
    """One image of a vertebra with its truth. mesh: path, patient LPS mm. camera_from_lps: (4, 4), mm."""

    vertebra: str
    case: str
    level: str
    view: str
    image: Path
    mesh: Path
    geometry: Geometry
    camera_from_lps: np.ndarray

    @property
    def truth(self) -> Mesh:
        """The true surface where it was when the image was taken: camera frame, mm."""
        return read_mesh(self.mesh).moved(self.camera_from_lps[:3, :3], self.camera_from_lps[:3, 3])


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
    """One answer to one image in one alignment. pose: before any alignment; None for the control, which has none."""

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


@dataclass(frozen=True)
class Job:
    """What there is to measure. answers: by name, those that are surfaces. control: the row of this vertebra. failures:
    one line for each answer that is no surface. samples: points on each surface."""

    shot: Shot
    answers: dict[str, Reconstruction]
    control: Row
    failures: tuple[str, ...]
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
    """All there is of one shot. judgement: None from a network that does not judge itself."""

    rows: tuple[Row, ...]
    failures: tuple[str, ...]
    judgement: Judgement | None


@dataclass(frozen=True)
class Evaluation:
    """rows: in the order of the data set. failures: one line for each answer that was no surface; it has no rows.
    judgements: of the images whose answer was a surface, from a network that judges itself."""

    dataset: str
    architecture: str
    weights_sha256: str
    shots: tuple[Shot, ...]
    rows: tuple[Row, ...]
    failures: tuple[str, ...]
    judgements: tuple[Judgement, ...] = ()


def measured(job: Job) -> Measured:
    """All rows of one shot, its failures, and what the network said of its answer."""
    rows, truth = [], job.shot.truth
    for answer, mesh in ((name, said.mesh) for name, said in job.answers.items()):
        motions = {alignment: align(mesh, truth, alignment) for alignment in ALIGNMENTS}
        pose = pose_error(mesh, truth, motions["rigid"].rotation)
        for alignment, motion in motions.items():
            metrics = surface_metrics(motion.apply(mesh), truth, job.samples)
            rows.append(_row(job.shot, answer, alignment, mesh, metrics, pose))
    rows.append(replace(job.control, view=job.shot.view))
    said = job.answers.get("network")
    return Measured(tuple(rows), job.failures, said and judgement(said, truth))


def judgement(said: Reconstruction, truth: Mesh) -> Judgement | None:
    """What a reconstruction says of itself beside its true surface, in one frame."""
    if said.expected_error_mm is None:
        return None
    return Judgement(verdict(said), said.expected_error_mm, np.abs(distances_mm(said.mesh.vertices, truth)))


def control_row(shot: Shot) -> Row:
    """The constant answer to a vertebra: it sees no image, so one shot stands for all."""
    mesh = control_mesh(shot.level)
    return _row(shot, "control", "rigid", mesh, control_metrics(mesh, shot.truth, "rigid"), None)


def _row(shot: Shot, answer: str, alignment: str, mesh: Mesh, metrics: SurfaceMetrics, pose: PoseError | None) -> Row:
    quality = mesh_quality(mesh)
    where = (shot.vertebra, shot.case, shot.level, shot.view)
    return Row(*where, answer, alignment, metrics, pose, quality.closed, quality.euler_number)


def pose_error(mesh: Mesh, truth: Mesh, rotation: np.ndarray) -> PoseError:
    """The error of place of a mesh in the camera frame; rotation (3, 3) is the one that lays it onto the truth."""
    centre = volume_centroid(truth)
    off = volume_centroid(mesh) - centre
    along = off @ centre / np.linalg.norm(centre)
    across = np.sqrt(max(off @ off - along**2, 0.0))
    angle = np.arccos(np.clip((np.trace(rotation) - 1) / 2, -1.0, 1.0))
    return PoseError(float(across), float(abs(along)), float(np.degrees(angle)))
