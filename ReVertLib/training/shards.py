"""Training samples on disk: shards of crops with the pose and the shape of what they show.

A shard shows vertebrae alone, half of them filled with a real CT warped into the sampled shape, half with drawn bone;
or it shows people, each lumbar vertebra with all that is around it. It depends on its own number and the seed alone.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ReVertLib.dataset.cases import HELD_OUT
from ReVertLib.files import made_folder, whole_file
from ReVertLib.geometry.crop_camera import CROP_SIZE_PX, crop_camera
from ReVertLib.geometry.levels import LEVELS
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.imaging.grey_values import quantised
from ReVertLib.imaging.volume import Volume
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.progress import log, progress
from ReVertLib.projection.projector import Projector
from ReVertLib.synthesis.bone import drawn_bone, warped_ct
from ReVertLib.synthesis.ct_scanner import patient_axes
from ReVertLib.synthesis.patient import PatientSampler, load_patient_sampler
from ReVertLib.synthesis.samplers import context_samples
from ReVertLib.synthesis.shapes import VertebraSampler, load_vertebra_sampler, sample_shape
from ReVertLib.synthesis.views import aligned_view, sample_position, sample_sod_mm, sample_view

VOLUMES_PER_SHARD = 32
VIEWS_PER_VOLUME = 8
PATIENTS_PER_SHARD = 8
ALIGNED = 0.4
"""The share of views along the axes of the CT, as the DRRs that a network is tested on are taken."""


def make_shard(sampler: VertebraSampler, seed: int, number: int, size_px: int = CROP_SIZE_PX) -> dict[str, np.ndarray]:
    """One shard's arrays, images of S = size_px: images (N, S, S) uint8, level (N,), shape_index (N,), rotation
    (N, 3, 3) crop camera from canonical, position_mm (N, 3), shapes (K, n, 3) float16 canonical mm."""
    rng = np.random.default_rng([seed, number])
    shapes, rows = [], []
    for index in range(VOLUMES_PER_SHARD):
        level, shape, mu = sample_bone(sampler, rng)
        shapes.append(shape.vertices.astype(np.float16))
        projector, axes = Projector(mu), patient_axes(mu)
        for _ in range(VIEWS_PER_VOLUME):
            rotation, position = sample_pose(shape.vertices, axes, rng)
            camera_from_lps, camera = RigidTransform(rotation, position), crop_camera(position[2], size_px=size_px)
            image = projector.line_integrals(camera_from_lps, camera, (size_px, size_px))
            image = quantised(image, np.uint8)
            rows.append((image, level, index, rotation.astype(np.float32), position.astype(np.float32)))
    names = ("images", "level", "shape_index", "rotation", "position_mm")
    return {name: np.stack(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)} | {
        "shapes": np.stack(shapes)
    }


def sample_bone(sampler: VertebraSampler, rng: np.random.Generator) -> tuple[int, Mesh, Volume]:
    """A level, 0..4, a shape of it, and its attenuation, canonical frame: a warped CT or drawn bone."""
    level = int(rng.integers(len(LEVELS)))
    shape = sample_shape(sampler, level, rng)
    if rng.random() < 0.5:
        return level, shape, warped_ct(sampler.sources[rng.integers(len(sampler.sources))], shape, rng)
    return level, shape, drawn_bone(shape, rng)


def sample_pose(vertices: np.ndarray, axes: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Rotation (3, 3) and position (3,) mm, crop camera from canonical, that vertices (n, 3) are seen in; axes: of the
    CT, `scan.patient_axes`."""
    rotation = aligned_view(axes, rng) if rng.random() < ALIGNED else sample_view(rng)
    sod_mm = sample_sod_mm(rng)
    return rotation, sample_position(vertices @ rotation.T, sod_mm, crop_camera(sod_mm), rng)


def make_context_shard(patients: PatientSampler, seed: int, number: int) -> dict[str, np.ndarray]:
    """`make_shard` of whole people instead of vertebrae alone."""
    rng = np.random.default_rng([seed, number])
    parts = [context_samples(patients, VIEWS_PER_VOLUME, rng) for _ in range(PATIENTS_PER_SHARD)]
    for i, part in enumerate(parts):
        part["shape_index"] = part["shape_index"] + i * len(LEVELS)
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def build_shards(
    data: Path,
    shapes: Path,
    out: Path,
    numbers: Iterable[int],
    seed: int,
    model: Path | None = None,
    context: bool = False,
    held_out: Iterable[str] = HELD_OUT,
) -> None:
    """Writes OUT/shard_<number>.npz for each number; one that is already there is whole and is skipped, so a stopped
    run goes on where it was, and several runs can share the numbers. context: of whole patients."""
    made_folder(out)
    load = load_patient_sampler if context else load_vertebra_sampler
    sampler = load(data, shapes, model, held_out)
    make = make_context_shard if context else make_shard
    for number in progress(numbers, "shards"):
        path = out / f"shard_{number:05d}.npz"
        if not path.exists():
            started = time.monotonic()
            with whole_file(path) as temporary:
                arrays = make(sampler, seed, number)
                np.savez(temporary, **arrays)
            log.info(f"{path.name}: {len(arrays['images']) / (time.monotonic() - started):.0f} samples/s")
