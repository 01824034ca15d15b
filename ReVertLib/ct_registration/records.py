"""What a registration works on and what it finds: plain data."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.mesh.mesh import Mesh

ACCEPTED, CHECK, REFUSED = "accepted", "check", "refused"


@dataclass(frozen=True, eq=False)
class View:
    """One radiograph. pixels: (rows, columns) float32, bone bright. geometry: of all of it. camera_from_first: from the
    first view's camera frame to this one's, mm."""

    pixels: np.ndarray
    geometry: Geometry
    camera_from_first: RigidTransform


@dataclass(frozen=True)
class PoseError:
    """Standard deviations to be expected. across_mm: of the place across the first view's beam; along_mm: along it.
    turned_deg: of the rotation, about the axis that is known least."""

    across_mm: float
    along_mm: float
    turned_deg: float


@dataclass(frozen=True)
class Judgement:
    """What a pose is worth. word: one of ACCEPTED, CHECK, REFUSED. reason: one line. similarity: of the film and the
    CT's bone there, at most 1, as `similarity`; started_at: at the start. restarts: of starts elsewhere, the share that
    ended there, too. rivals: the similarity of others in its place, by what they are: the CT's next levels, the
    mirrored film."""

    word: str
    reason: str
    similarity: float
    started_at: float
    restarts: float
    rivals: dict[str, float]


@dataclass(frozen=True, eq=False)
class RegisteredVertebra:
    """level: "L1".."L5". camera_from_lps: from the CT's LPS frame to the first view's camera frame, mm. start: the one
    it began at. mesh: the CT's surface there, camera frame. projected_error_mm: (n,) of its vertices, how far they are
    to be expected to be off across the first view's beam. capture: by how far off starts are, mm and degrees, the share
    that comes back; empty where it was not asked for."""

    level: str
    camera_from_lps: RigidTransform
    start: RigidTransform
    mesh: Mesh
    projected_error_mm: np.ndarray
    expected: PoseError
    judgement: Judgement
    capture: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class CtRegistration:
    """vertebrae: from head to feet. second_from_first: from the first camera's frame to the second's, given or found;
    None of one film. alone: whether the bones stand before black, not in soft tissue. seconds: of all. warnings: a line
    each."""

    vertebrae: tuple[RegisteredVertebra, ...]
    second_from_first: RigidTransform | None
    alone: bool
    seconds: float
    warnings: tuple[str, ...] = ()
