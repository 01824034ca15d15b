"""Synthetic patients as cases on disk, in VerSe's layout: OUT/spine_<number>/{ct.nii.gz, seg.nii.gz, about.json}."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch

from ReVertLib.dataset.cases import HELD_OUT
from ReVertLib.errors import InputError, one_line
from ReVertLib.files import made_folder, write_json
from ReVertLib.imaging.image_file import write_image
from ReVertLib.imaging.volume import Volume
from ReVertLib.progress import log
from ReVertLib.projection.attenuation import hounsfield
from ReVertLib.workers import PerProcess, work_off

from .bone import voxelised
from .patient import Patient, sample_patient
from .real_bones import load_patient_sources, sample_patient_around

ABOVE_MM, BELOW_MM = 15.0, 110.0
"""What a scan takes in above the upper endplate of T11 and below that of S1."""


def build_patients(
    data: Path,
    shapes: Path,
    out: Path,
    numbers: Sequence[int],
    seed: int,
    model: Path | None = None,
    held_out: Iterable[str] = HELD_OUT,
    scheme: str | None = None,
    bones: str | None = None,
    workers: int | None = 1,
    scheduler: str | None = None,
) -> None:
    """Writes a case for each number; one that is already there is whole and is skipped. A patient depends on seed and
    number alone. scheme: whose numbers the label maps have. bones: the case in data whose L1 to L5 all patients have,
    None for sampled ones. workers, scheduler: see `workers.workers_of`. Raises InputError when that case is not there
    or lacks a level or a CT."""
    paths, rest = (data, shapes, model), (tuple(held_out), scheme, bones)
    work = partial(_make_case, seed)
    work_off(numbers, work, "patients", load_patient_sources, paths, rest, out, workers, scheduler)


def _make_case(seed: int, sources: PerProcess, out: Path, number: int) -> None:
    folder = out / f"spine_{number:05d}"
    if folder.exists():
        return
    real, patients = sources()
    made_folder(out)
    started, rng = time.monotonic(), np.random.default_rng([seed, number])
    patient = sample_patient_around(real, patients, rng) if real else sample_patient(patients, rng)
    _write_case(patient, folder, {"seed": seed, "number": number} | patient.metadata)
    log.info(f"{folder.name}: {time.monotonic() - started:.0f} s, {_summary(patient.metadata)}")


def _summary(about: dict) -> str:
    found = [f"lordosis {about['lordosis_deg']:.0f}", f"Cobb {about['cobb_deg']:.0f} degrees"]
    return ", ".join(
        found + [name for name in ("fractures", "osteophytes", "transitional", "screws") if about.get(name)]
    )


def _write_case(patient: Patient, folder: Path, about: dict) -> None:
    """All files of a case in a folder that takes its name when they are whole."""
    try:
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as temporary:
            part = Path(temporary) / folder.name
            part.mkdir()
            ct, labels = scanned(patient)
            for name, volume in (("ct", ct), ("seg", labels)):
                write_image(_image(volume), part / f"{name}.nii.gz")
            write_json(part / "about.json", about)
            os.replace(part, folder)
    except OSError as error:
        raise InputError(f"output {folder.name}: expected to be written, got {one_line(error)}") from error


def _image(volume: Volume) -> sitk.Image:
    """A volume whose axes are LPS's."""
    image = sitk.GetImageFromArray(volume.array)
    image.SetSpacing(volume.spacing_mm.tolist())
    image.SetOrigin(volume.ijk_to_lps[:3, 3].tolist())
    return image


def scanned(patient: Patient, spacing_mm: float = 1.0) -> tuple[Volume, Volume]:
    """(CT int16 HU, label map uint8 of VerSe's labels) of a patient, on cubes in LPS axes."""
    mu = _resampled(patient, spacing_mm)
    labels = Volume(np.zeros(mu.array.shape, np.uint8), mu.ijk_to_lps)
    for bone, volume in zip(patient.bones, patient.volumes, strict=True):
        surface = patient.surface_of(bone)
        box = mu.box_around(surface.vertices, margin=2)
        part, part_labels = mu.cropped(*box), labels.cropped(*box)
        part.array[:] += volume.resampled_to(part, outside=0.0)
        part_labels.array[voxelised(surface, part)] = bone.label
    for metal in patient.metal:
        metal.drawn_on(mu)
    return Volume(hounsfield(mu.array), mu.ijk_to_lps), labels


def _resampled(patient: Patient, spacing_mm: float) -> Volume:
    """The body on a finer grid, from a little above T11 to below the sacroiliac joints."""
    body = patient.body
    top, bottom = (patient.bones[i].lps_from_upper.translation_mm[2] for i in (0, -1))
    z = (np.array([bottom - BELOW_MM, top + ABOVE_MM]) - body.ijk_to_lps[2, 3]) / body.spacing_mm[2]
    first, last = np.clip(np.rint(z).astype(int), 0, len(body.array))
    part = torch.as_tensor(body.array[first:last])[None, None]
    size = [int(n * s / spacing_mm) for n, s in zip(part.shape[2:], body.spacing_mm[::-1], strict=True)]
    array = torch.nn.functional.interpolate(part, size, mode="trilinear")[0, 0].numpy()
    matrix = np.diag([spacing_mm] * 3 + [1.0])
    matrix[:3, 3] = body.ijk_to_lps[:3, 3] + (spacing_mm - body.spacing_mm) / 2  # the first voxels share a corner
    matrix[2, 3] += first * body.spacing_mm[2]
    return Volume(array, matrix)
