"""A synthetic patient: the spine, the attenuation of its bones, the body around them, and at times metal implants.

Line integrals add up, so each bone, the body and each piece of metal is a volume or a cylinder of its own, and one view
gives the radiograph together with the mask of each bone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from ReVertLib.dataset.cases import HELD_OUT
from ReVertLib.files import existing_file
from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.crop_camera import CROP_SIZE_PX, crop_camera
from ReVertLib.geometry.levels import LEVEL_OF_LABEL
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.imaging.volume import Volume
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.projection.cylinder import Cylinder
from ReVertLib.projection.projector import Projector

from .bone import drawn_bone, warped_ct
from .contacts import contacts_resolved, overlap_mm3
from .implants import cemented, needle, screws_and_rods
from .pathology import with_pathology
from .real_abdomen import Abdomen, load_abdomen
from .shapes import VertebraSampler, load_vertebra_sampler
from .soft_tissue import sampled_body
from .spine import load_sacra, sample_vertebrae, stacked
from .thorax import thorax_above
from .vertebra import S1, Bone, measured

LEAST_INTEGRAL = 1e-3
"""A ray whose line integral through a bone is less than this misses it."""

MOST_OVERLAP_MM3 = 2.0
SACRUM_DENSITY = 0.8
"""Of a sacrum, as a share of the vertebrae's."""
WHITE = 1.15
"""The line integral at which the detector is saturated, as a share of the largest one without metal."""
METAL_MOST = 2.5
"""Of the line integral through one piece of metal in a layer, where nothing tells when the detector is saturated."""


@dataclass(frozen=True)
class PatientSampler:
    """What patients are sampled from: vertebrae, the sacra of real people, and the CT of an abdomen if there is one."""

    vertebrae: VertebraSampler
    sacra: tuple[Bone, ...]
    abdomen: Abdomen | None = None


def load_patient_sampler(
    data: Path,
    shapes: Path,
    model: Path | None = None,
    held_out: Iterable[str] = HELD_OUT,
    scheme: str | None = None,
) -> PatientSampler:
    """As `shapes.load_vertebra_sampler`; raises InputError, too, when nobody in the data has a sacrum."""
    existing_file(shapes, "shapes")
    sacra = load_sacra(data, held_out, scheme)
    return PatientSampler(load_vertebra_sampler(data, shapes, model, held_out, scheme), sacra, load_abdomen(data))


@dataclass(frozen=True)
class BoneView:
    """One bone in a view. mask: (rows, columns) bool, its pixels. box_px: as `camera.Geometry`'s, None when it is not
    in the image. mesh: camera frame."""

    label: int
    mask: np.ndarray
    box_px: tuple[float, float, float, float] | None
    camera_from_shape: RigidTransform
    mesh: Mesh


@dataclass(frozen=True)
class View:
    """image: (rows, columns), the integral of attenuation along each ray. bones: T11 to the sacrum."""

    image: np.ndarray
    bones: tuple[BoneView, ...]


@dataclass(frozen=True)
class Layers:
    """What lies around a vertebra in its crop, as line integrals, float32. bones: (S, S), the other bones of the spine
    and metal. body: (S / 2, S / 2), everything else."""

    bones: np.ndarray
    body: np.ndarray


@dataclass(frozen=True)
class Patient:
    """bones: T11, T12, L1..L5, sacrum, after those of the thorax if there are any. volumes: the attenuation of each,
    LPS, per mm. body: that of everything else. metal: implants, of few patients. metadata: the sampled parameters and
    findings. surfaces: of real bones among them the true surface, LPS, by label, to which the bone's shape is only
    fitted."""

    bones: tuple[Bone, ...]
    volumes: tuple[Volume, ...]
    body: Volume
    metal: tuple[Cylinder, ...]
    metadata: dict
    surfaces: Mapping[int, Mesh] = field(default_factory=dict)

    @property
    def vertebrae(self) -> tuple[Bone, ...]:
        """L1..L5."""
        return tuple(bone for bone in self.bones if bone.label in LEVEL_OF_LABEL)

    def surface_of(self, bone: Bone) -> Mesh:
        """The true surface of one of the patient's bones, LPS."""
        return self.surfaces.get(bone.label, bone.mesh_lps)

    @cached_property
    def _projectors(self) -> tuple[Projector, ...]:
        return tuple(Projector(volume) for volume in self.volumes)

    @cached_property
    def _body_projector(self) -> Projector:
        return Projector(self.body)

    def image(self, camera_from_lps: RigidTransform, geometry: Geometry, size_px: tuple[int, int]) -> np.ndarray:
        """(rows, columns) the radiograph of everything: the integral of attenuation along each ray. Metal adds to it up
        to where the detector is saturated."""
        alone = (projector.line_integrals(camera_from_lps, geometry, size_px) for projector in self._projectors)
        return self._with_metal(sum(alone, self._around(camera_from_lps, geometry, size_px)), camera_from_lps, geometry)

    def volume_of(self, bone: Bone) -> Volume:
        """The attenuation of one of the patient's bones, LPS."""
        return next(volume for own, volume in zip(self.bones, self.volumes, strict=True) if own is bone)

    def layers(self, bone: Bone, camera_from_lps: RigidTransform, sod_mm: float) -> tuple[np.ndarray, Layers]:
        """(S, S) line integrals through one bone alone in the crop camera of a distance, and what lies around it."""
        camera, size_px = crop_camera(sod_mm), (CROP_SIZE_PX,) * 2
        bones, alone = np.zeros(size_px, np.float32), None
        for other, projector in zip(self.bones, self._projectors, strict=True):
            integrals = projector.line_integrals(camera_from_lps, camera, size_px)
            if other is bone:
                alone = integrals
            else:
                bones += integrals
        for part in self.metal:
            bones += np.minimum(part.line_integrals(camera_from_lps, camera, size_px), METAL_MOST)
        half = CROP_SIZE_PX // 2
        body = self._around(camera_from_lps, crop_camera(sod_mm, size_px=half), (half, half))
        return alone, Layers(bones, body)

    def spine_and_body(
        self, camera_from_lps: RigidTransform, geometry: Geometry, size_px: tuple[int, int]
    ) -> tuple[np.ndarray, np.ndarray]:
        """(rows, columns) twice: line integrals through the bones of the spine and metal, and through all else."""
        spine = sum(projector.line_integrals(camera_from_lps, geometry, size_px) for projector in self._projectors)
        for part in self.metal:
            spine = spine + np.minimum(part.line_integrals(camera_from_lps, geometry, size_px), METAL_MOST)
        return spine, self._around(camera_from_lps, geometry, size_px)

    def view(self, camera_from_lps: RigidTransform, geometry: Geometry, size_px: tuple[int, int]) -> View:
        """The radiograph of everything, and where each bone of the spine is in it."""
        total, seen = self._around(camera_from_lps, geometry, size_px), []
        for bone, projector in zip(self.bones, self._projectors, strict=True):
            alone = projector.line_integrals(camera_from_lps, geometry, size_px)
            total = total + alone
            seen.append(_bone_view(bone, alone > LEAST_INTEGRAL, camera_from_lps))
        return View(self._with_metal(total, camera_from_lps, geometry), tuple(seen))

    def _around(self, camera_from_lps: RigidTransform, geometry: Geometry, size_px: tuple[int, int]) -> np.ndarray:
        return self._body_projector.line_integrals(camera_from_lps, geometry, size_px)

    def _with_metal(self, image: np.ndarray, camera_from_lps: RigidTransform, geometry: Geometry) -> np.ndarray:
        most = WHITE * image.max()
        for part in self.metal:
            image = image + part.line_integrals(camera_from_lps, geometry, image.shape[::-1])
        return np.minimum(image, most)


def _bone_view(bone: Bone, mask: np.ndarray, camera_from_lps: RigidTransform) -> BoneView:
    rows, columns = (np.nonzero(mask.any(axis))[0] for axis in (1, 0))
    box = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1) if len(rows) else None
    camera_from_shape = camera_from_lps @ bone.lps_from_shape
    mesh = bone.shape.moved(camera_from_shape)
    return BoneView(bone.label, mask, box and tuple(map(float, box)), camera_from_shape, mesh)


def sample_patient(patients: PatientSampler, rng: np.random.Generator, thoracic: int = 0) -> Patient:
    """A synthetic patient. A spine whose bones still overlap after the contacts were resolved is sampled anew.
    thoracic: so many vertebrae above T11, and the chest around them."""
    bones, findings = _sampled_bones(patients, rng)
    while overlap_mm3(bones) > MOST_OVERLAP_MM3:
        bones, findings = _sampled_bones(patients, rng)
    volumes = filled(patients.vertebrae, bones, rng)
    thorax = thorax_above(bones[0], volumes[0], rng, thoracic)
    body, size = sampled_body(bones, patients.abdomen, rng, thorax.bones)
    volumes, metal, implants = _with_implants(bones, volumes, rng)
    metadata = measured(bones) | findings | size | implants
    return Patient((*thorax.bones, *bones), (*thorax.volumes, *volumes), body, metal, metadata)


def _sampled_bones(patients: PatientSampler, rng: np.random.Generator) -> tuple[tuple[Bone, ...], dict]:
    shapes, findings = with_pathology(sample_vertebrae(patients.vertebrae, rng), rng)
    sacrum = patients.sacra[rng.integers(len(patients.sacra))]
    return contacts_resolved(stacked(shapes, sacrum, rng)), findings


def filled(sampler: VertebraSampler, bones: tuple[Bone, ...], rng: np.random.Generator) -> tuple[Volume, ...]:
    """The attenuation of the bones, LPS: either all from one real CT or all drawn with the same state of the random
    numbers, so that the bones of a patient are equally dense."""
    real = rng.random() < 0.5
    source, seed = sampler.sources[rng.integers(len(sampler.sources))], int(rng.integers(2**32))
    volumes = []
    for bone in bones:
        own = np.random.default_rng(seed)
        filled = warped_ct(source, bone.shape, own) if real and bone.label != S1 else drawn_bone(bone.shape, own)
        mu = SACRUM_DENSITY * filled.array if bone.label == S1 else filled.array
        volumes.append(Volume(mu, bone.lps_from_shape.matrix @ filled.ijk_to_lps))
    return tuple(volumes)


def _with_implants(
    bones: tuple[Bone, ...], volumes: tuple[Volume, ...], rng: np.random.Generator
) -> tuple[tuple[Volume, ...], tuple[Cylinder, ...], dict]:
    """The volumes with cement in one or two vertebrae of one patient of twenty; the metal, screws and rods in one of
    eight, needles in one of ten; and the record of both."""
    metal, filled = [], list(volumes)
    record: dict = {"screws": [], "needles": 0, "cement": []}
    lumbar = [i for i, bone in enumerate(bones) if bone.label in LEVEL_OF_LABEL]
    if rng.random() < 0.05:
        for i in rng.choice(lumbar, rng.integers(1, 3), replace=False):
            filled[i] = cemented(filled[i], bones[i], rng)
            record["cement"].append(LEVEL_OF_LABEL[bones[i].label])
    if rng.random() < 0.12:
        first, count = int(rng.integers(0, 4)), int(rng.integers(2, 5))
        fixed = tuple(bones[i] for i in lumbar[first : first + count])
        metal += screws_and_rods(fixed, rng)
        record["screws"] = [LEVEL_OF_LABEL[bone.label] for bone in fixed]
    if rng.random() < 0.1:
        record["needles"] = int(rng.integers(1, 3))
        metal += [needle(bones[rng.choice(lumbar)], rng) for _ in range(record["needles"])]
    return tuple(filled), tuple(metal), record
