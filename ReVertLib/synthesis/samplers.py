"""Training samples: crops of synthetic vertebrae with the pose and the shape that each shows.

A vertebra is alone, filled half of the time with a real CT warped into the sampled shape and else with drawn bone; or
it is one of a patient, and what lies around it comes in layers of its own, since line integrals add up: so training can
show it alone, or amid more or less of the rest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ReVertLib.geometry.crop_camera import CROP_SIZE_PX, crop_camera
from ReVertLib.geometry.levels import LEVELS
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.imaging.grey_values import quantised
from ReVertLib.imaging.volume import Volume
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.projection.projector import Projector

from .bone import drawn_bone, warped_ct
from .ct_scanner import patient_axes
from .patient import Layers, Patient, PatientSampler, sample_patient
from .shapes import VertebraSampler, sample_shape
from .vertebra import Bone
from .views import (
    BOX_PX,
    LOOSE_BOX_PX,
    LOOSE_SHARE,
    aligned_view,
    film_sod_mm,
    film_view,
    sample_position,
    sample_sod_mm,
    sample_view,
)

ALIGNED_SHARE = 0.4
"""Of the views of a vertebra alone, those along the axes of its CT, as the DRRs that a network is tested on are."""


ALIGNED_FILM_SHARE = 0.2
"""Of the views of a patient's vertebra, those along the axes of its own CT."""


@dataclass(frozen=True)
class SampleView:
    """One crop of a vertebra. image: (S, S), what is seen as uint8; or, where there are layers around, the vertebra
    alone as float32 line integrals. camera_from_canonical: its pose in the crop's camera. camera_from_lps: (3, 3) the
    view, None where it is not known."""

    image: np.ndarray
    camera_from_canonical: RigidTransform
    camera_from_lps: np.ndarray | None = None
    around: Layers | None = None


@dataclass(frozen=True)
class SampleVertebra:
    """A vertebra and its crops. level: 0..4. vertices: (n, 3) mm, canonical frame, in correspondence."""

    level: int
    vertices: np.ndarray
    views: tuple[SampleView, ...]


def sample_vertebra(
    sampler: VertebraSampler, view_count: int, rng: np.random.Generator, size_px: int = CROP_SIZE_PX
) -> SampleVertebra:
    """A vertebra alone, in view_count crops of size_px x size_px."""
    level, shape, mu = sample_bone(sampler, rng)
    projector, axes, views = Projector(mu), patient_axes(mu), []
    for _ in range(view_count):
        pose = sample_pose(shape.vertices, axes, rng)
        camera = crop_camera(pose.translation_mm[2], size_px=size_px)
        image = projector.line_integrals(pose, camera, (size_px, size_px))
        views.append(SampleView(quantised(image, np.uint8), pose))
    return SampleVertebra(level, shape.vertices, tuple(views))


def sample_bone(sampler: VertebraSampler, rng: np.random.Generator) -> tuple[int, Mesh, Volume]:
    """A level, 0..4, a shape of it, and its attenuation, canonical frame: a warped CT or drawn bone."""
    level = int(rng.integers(len(LEVELS)))
    shape = sample_shape(sampler, level, rng)
    if rng.random() < 0.5:
        return level, shape, warped_ct(sampler.sources[rng.integers(len(sampler.sources))], shape, rng)
    return level, shape, drawn_bone(shape, rng)


def sample_pose(vertices: np.ndarray, axes: np.ndarray, rng: np.random.Generator) -> RigidTransform:
    """Crop camera from canonical, that vertices (n, 3) are seen in. axes: of the CT, `ct_scanner.patient_axes`."""
    rotation = aligned_view(axes, rng) if rng.random() < ALIGNED_SHARE else sample_view(rng)
    sod_mm = sample_sod_mm(rng)
    position = sample_position(vertices @ rotation.T, sod_mm, crop_camera(sod_mm), rng)
    return RigidTransform(rotation, position)


def sample_patient_vertebrae(
    patients: PatientSampler, view_count: int, rng: np.random.Generator
) -> list[SampleVertebra]:
    """L1..L5 of one patient, each in view_count crops with all that is around it."""
    patient = sample_patient(patients, rng)
    return [
        SampleVertebra(level, bone.shape.vertices, tuple(_view(patient, bone, rng) for _ in range(view_count)))
        for level, bone in enumerate(patient.vertebrae)
    ]


def _view(patient: Patient, bone: Bone, rng: np.random.Generator) -> SampleView:
    view = _film_view(patient, bone, rng)
    true_mm, stated_mm = film_sod_mm(rng)
    rotation, camera = view @ bone.lps_from_shape.rotation, crop_camera(stated_mm)
    off_px = LOOSE_BOX_PX if rng.random() < LOOSE_SHARE else BOX_PX
    position = sample_position(bone.shape.vertices @ rotation.T, true_mm, camera, rng, off_px)
    camera_from_lps = RigidTransform.about(bone.lps_from_shape.translation_mm, view, position)
    image, around = patient.layers(bone, camera_from_lps, stated_mm)
    # On the same ray, as far away as is stated: what a pose can be told from.
    pose = RigidTransform(rotation, position * (stated_mm / true_mm))
    return SampleView(image, pose, view, around)


def _film_view(patient: Patient, bone: Bone, rng: np.random.Generator) -> np.ndarray:
    """(3, 3) camera from LPS."""
    if rng.random() >= ALIGNED_FILM_SHARE:
        return film_view(rng)
    return aligned_view(patient_axes(patient.volume_of(bone)), rng)
