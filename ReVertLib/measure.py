"""One image's answers against its truth: what the workers of an evaluation do, without a network."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from .align import align
from .compare import control_metrics
from .geometry import Geometry
from .mesh import Mesh, mesh_quality, read_mesh, volume_centroid
from .metrics import SurfaceMetrics, surface_metrics
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
    """What there is to measure. meshes: by answer, camera frame, mm. control: the row of this vertebra. failures: one
    line for each answer that is no surface. samples: points on each surface."""

    shot: Shot
    meshes: dict[str, Mesh]
    control: Row
    failures: tuple[str, ...]
    samples: int


@dataclass(frozen=True)
class Evaluation:
    """rows: in the order of the data set. failures: one line for each answer that was no surface; it has no rows."""

    dataset: str
    architecture: str
    weights_sha256: str
    shots: tuple[Shot, ...]
    rows: tuple[Row, ...]
    failures: tuple[str, ...]


def measured(job: Job) -> tuple[list[Row], tuple[str, ...]]:
    """All rows of one shot, and its failures."""
    rows, truth = [], job.shot.truth
    for answer, mesh in job.meshes.items():
        motions = {alignment: align(mesh, truth, alignment) for alignment in ALIGNMENTS}
        pose = pose_error(mesh, truth, motions["rigid"].rotation)
        for alignment, motion in motions.items():
            metrics = surface_metrics(motion.apply(mesh), truth, job.samples)
            rows.append(_row(job.shot, answer, alignment, mesh, metrics, pose))
    return [*rows, replace(job.control, view=job.shot.view)], job.failures


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
