"""Whole films of synthetic patients, wide enough to cut smaller ones from them, and where each vertebra lies on them.

Line integrals add up, so the spine and what lies around it are layers of their own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ReVertLib.anatomy.landmarks import endplate_ends, endplate_vertices
from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.geometry.views import camera_from_lps, view_rotation

from .patient import Patient, PatientSampler, sample_patient
from .torso import ABOVE_MM, BELOW_MM
from .vertebra import S1, T12, Bone

FILM_SIZE_PX = (224, 288)
"""(columns, rows)."""
FILM_PIXEL_MM = 1.5
"""The size of a pixel at the depth of the spine."""
SOD_MM = (550.0, 1100.0)
S1_CENTRE_MM, S1_BOX_MM = 15.0, 30.0
"""How far below its endplate the centre of S1 is taken to lie, and how far its box reaches."""
S1_HALF_WIDTH_MM, S1_HALF_DEPTH_MM = 24.0, 16.0
THORACIC, CHEST_SHARE = 5, 0.6
"""How many vertebrae above T11 the share of patients has whose films show the chest."""


@dataclass(frozen=True)
class FilmMarks:
    """Where the vertebrae of a film lie, cranial first. labels: (k,) VerSe's. centres: (k, 2), corners: (k, 4, 2) and
    boxes: (k, 4) in pixels, as `finding.found.FoundVertebra` has them."""

    labels: np.ndarray
    centres: np.ndarray
    corners: np.ndarray
    boxes: np.ndarray


@dataclass(frozen=True)
class Film:
    """spine: (rows, columns) float32, line integrals through the bones of the spine and metal; body: through all else.
    marks: of its vertebrae, also those beyond its edges. yaw_deg: the view. rows: (2,) from which row to which one the
    patient was made."""

    spine: np.ndarray
    body: np.ndarray
    marks: FilmMarks
    yaw_deg: float
    rows: tuple[float, float]


def sample_film_patient(patients: PatientSampler, rng: np.random.Generator) -> Patient:
    """A patient, most with a chest."""
    return sample_patient(patients, rng, THORACIC if rng.random() < CHEST_SHARE else 0)


def film_angles(rng: np.random.Generator) -> tuple[float, float, float]:
    """(yaw, pitch, roll) in degrees: near AP, PA, either lateral or oblique, at times from anywhere around."""
    yaw = rng.uniform(-180, 180)
    if rng.random() < 0.75:
        yaw = rng.choice([0, 0, 0, 180, 180, 90, 90, -90, -90, 45, -45, 135, -135]) + rng.normal(0, 8)
    return float(yaw), float(np.clip(rng.normal(0, 7), -20, 20)), float(np.clip(rng.normal(0, 5), -15, 15))


def film_of(patient: Patient, angles: tuple[float, float, float], rng: np.random.Generator) -> Film:
    """The film of a patient from a view of (yaw, pitch, roll) in degrees, its middle near the lumbar spine, or above it
    where there is a chest."""
    sod_mm = float(rng.uniform(*SOD_MM))
    columns, rows = FILM_SIZE_PX
    spacing_mm = FILM_PIXEL_MM * (sod_mm + 300.0) / sod_mm
    place = rng.normal([(columns - 1) / 2, (rows - 1) / 2], [14.0, 18.0])
    camera = Geometry(sod_mm + 300.0, sod_mm, (spacing_mm,) * 2, tuple(place))
    centre = np.array([0.0, 0.0, rng.uniform(-10, 70) if _has_chest(patient) else rng.uniform(-45, 5)])
    motion = camera_from_lps(view_rotation(*angles), centre, sod_mm)
    spine, body = patient.spine_and_body(motion, camera, FILM_SIZE_PX)
    return Film(spine, body, film_marks(patient, motion, camera), float(angles[0]), _made_rows(patient, motion, camera))


def film_marks(patient: Patient, motion: RigidTransform, camera: Geometry) -> FilmMarks:
    """Where a camera sees the vertebrae. motion: camera from LPS. A patient without ribs at T12 has six lumbar
    vertebrae, counted from the last ribs."""
    labels, centres, corners, boxes = [], [], [], []
    no_last_ribs = patient.metadata.get("last_ribs") == "none"
    for bone in patient.bones:
        labels.append(bone.label + 1 if no_last_ribs and bone.label != S1 else bone.label)
        ends = _ends(bone)
        upper, lower = (camera.project(motion.apply(points)) for points in ends)
        middles = _middles(bone)
        seen = camera.project(motion.apply(middles))
        centres.append(camera.project(motion.apply(middles.mean(0, keepdims=True)))[0])
        down = seen[1] - seen[0]
        corners.append(np.vstack([endplate_ends(upper, down), endplate_ends(lower, down)[::-1]]))
        around = camera.project(motion.apply(_boxed_points(bone, patient)))
        boxes.append([*(around.min(0) - 0.5), *(around.max(0) + 1.5)])
        if bone.label == S1:
            corners[-1][2:] = np.nan
    arrays = (np.array(values, np.float32) for values in (centres, corners, boxes))
    return FilmMarks(np.array(labels), *arrays)


def _has_chest(patient: Patient) -> bool:
    return patient.bones[0].label < T12 - 1


def _middles(bone: Bone) -> np.ndarray:
    """(2, 3) LPS: the middles of the endplates; of S1 that and the point as far below its centre."""
    upper = bone.lps_from_upper.translation_mm
    if bone.label == S1:
        return np.stack([upper, upper - 2 * S1_CENTRE_MM * bone.lps_from_upper.rotation[:, 2]])
    return np.stack([upper, bone.lps_from_lower.translation_mm])


def _ends(bone: Bone) -> tuple[np.ndarray, np.ndarray]:
    """(n, 3) points of the upper endplate and of the lower one, LPS; S1's are those of an ellipse."""
    if bone.label != S1:
        return tuple(bone.mesh_lps.vertices[at] for at in endplate_vertices())
    angle = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    rim = np.stack([S1_HALF_WIDTH_MM * np.cos(angle), S1_HALF_DEPTH_MM * np.sin(angle), 0 * angle], 1)
    return bone.lps_from_upper.apply(rim), bone.lps_from_upper.apply(rim - [0, 0, 2 * S1_CENTRE_MM])


def _boxed_points(bone: Bone, patient: Patient) -> np.ndarray:
    """(n, 3) LPS: what the box goes around."""
    vertices = patient.surface_of(bone).vertices
    if bone.label != S1:
        return vertices
    return vertices[bone.lps_from_upper.inverse.apply(vertices)[:, 2] > -S1_BOX_MM]


def _made_rows(patient: Patient, motion: RigidTransform, camera: Geometry) -> tuple[float, float]:
    """Between which rows the spine's surroundings are whole: from where they begin above the uppermost vertebra to
    where they end below S1."""
    top, bottom = (patient.bones[i].lps_from_upper.translation_mm for i in (0, -1))
    ends = np.stack([top + np.array([0, 0, ABOVE_MM - 5.0]), bottom - np.array([0, 0, BELOW_MM - 5.0])])
    depth = np.array([[0.0, -70.0, 0.0], [0.0, 40.0, 0.0]])
    first, last = (camera.project(motion.apply(end + depth))[:, 1] for end in ends)
    return float(first.max()), float(last.min())
