"""Training samples in context: crops of whole synthetic patients, in the arrays of `shards.make_shard`."""

from __future__ import annotations

import numpy as np

from ReVertLib.geometry.crop_camera import CROP_SIZE_PX, crop_camera
from ReVertLib.geometry.levels import LEVELS
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.imaging.grey_values import normalised, quantised

from .patient import Patient, PatientSampler, sample_patient
from .views import sample_position, sample_sod_mm, sample_view


def context_samples(patients: PatientSampler, views_per_level: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """The arrays of `shards.make_shard` for one patient: each of L1..L5 in views_per_level views with everything around
    it; shape_index counts L1..L5 from 0."""
    patient = sample_patient(patients, rng)
    rows = [_sample(patient, level, rng) for level in range(len(LEVELS)) for _ in range(views_per_level)]
    names = ("images", "level", "shape_index", "rotation", "position_mm")
    shapes = np.stack([bone.shape.vertices.astype(np.float16) for bone in patient.vertebrae])
    return {name: np.stack(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)} | {
        "shapes": shapes
    }


def _sample(
    patient: Patient, level: int, rng: np.random.Generator
) -> tuple[np.ndarray, int, int, np.ndarray, np.ndarray]:
    """(image, level, shape_index, rotation, position_mm) of one view."""
    bone, view, sod_mm = patient.vertebrae[level], sample_view(rng), sample_sod_mm(rng)
    rotation, camera = view @ bone.matrix[:3, :3], crop_camera(sod_mm)
    position = sample_position(bone.shape.vertices @ rotation.T, sod_mm, camera, rng)
    camera_from_lps = RigidTransform.about(bone.matrix[:3, 3], view, position)
    image = normalised(patient.image(camera_from_lps, camera, (CROP_SIZE_PX, CROP_SIZE_PX)))
    return quantised(image, np.uint8, 1.0), level, level, rotation.astype(np.float32), position.astype(np.float32)
