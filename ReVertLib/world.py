"""A training world from few vertebrae: sampled shapes, filled with bone, seen from sampled views.

Shapes are the per-level means of 87 plus mixed differences of the registered people, smooth random fields and
anisotropic scale. Half of the volumes are a real CT warped into the sampled shape by a thin-plate spline, half are bone
drawn by distance to the surface. Each shard depends on its own number and the seed alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .bone import Source, drawn_bone, load_source, warped_ct
from .cases import find_cases
from .crop import CROP_FIELD_MM, CROP_SIZE_PX
from .errors import InputError
from .files import made_folder, whole_file
from .geometry import LEVEL_OF_LABEL, LEVELS, Geometry, camera_from_lps
from .mesh import Mesh
from .projector import Pose, Projector
from .shape_model import ShapeModel, load_model
from .shapes import centred, onto_mean
from .template import Template, load_template

VOLUMES_PER_SHARD = 32
VIEWS_PER_VOLUME = 8


@dataclass(frozen=True)
class World:
    """What samples are drawn from. differences: (r, n, 3) mm, registered people minus the mean of their level. model:
    what shapes are drawn from instead of mixed differences."""

    template: Template
    differences: np.ndarray
    sources: tuple[Source, ...]
    model: ShapeModel | None = None


def load_world(data: Path, shapes: Path, model: Path | None = None) -> World:
    """The world of a folder of cases and the shape library built from it, and a shape model's file if shapes are to be
    drawn from that. Raises InputError when there is no library or none of its people has a CT."""
    if not shapes.is_file():
        raise InputError(f"shapes {shapes.name}: expected an existing file, got none")
    template = load_template()
    with np.load(shapes, allow_pickle=False) as file:
        lumbar = np.isin(file["label"], list(LEVEL_OF_LABEL))
        library = {name: file[name][lumbar] for name in file.files}
    means = {label: template.mean(level).vertices for label, level in LEVEL_OF_LABEL.items()}
    differences = [
        onto_mean(v, means[label]) - means[label]
        for v, label in zip(library["vertices"].astype(float), library["label"], strict=True)
    ]
    cases = {case.name: case for case in find_cases(data) if case.ct is not None}
    found = []
    for name, label, mirrored, vertices in zip(
        *(library[k] for k in ("case", "label", "mirrored", "vertices")), strict=True
    ):
        if str(name) in cases:
            found.append(load_source(cases[str(name)], int(label), bool(mirrored), vertices.astype(float)))
    if not found:
        raise InputError(f"world: expected a CT of someone in {shapes.name}, got none in {data.name!r}")
    return World(template, np.stack(differences), tuple(found), None if model is None else load_model(model))


def sample_shape(world: World, level: int, rng: np.random.Generator) -> Mesh:
    """A vertebra nobody has: the level's mean moved by people's differences, a smooth random field and scale;
    or drawn from the shape model, if the world has one."""
    if world.model is not None:
        return world.model.sample(level, rng)
    mean = world.template.means[level].astype(float)
    first, second = rng.integers(len(world.differences), size=2)
    moved = mean + rng.uniform(0.3, 1.2) * world.differences[first]
    moved += rng.normal(0, 0.4) * world.differences[second]
    for length_mm, size_mm in ((30.0, 1.0), (14.0, 0.6)):
        moved += _smooth_field(mean, length_mm, size_mm, rng)
    moved *= np.exp(rng.normal(0, 0.05)) * np.exp(rng.normal(0, 0.03, 3))
    return centred(Mesh(onto_mean(moved, mean), world.template.faces))


def _smooth_field(points: np.ndarray, length_mm: float, size_mm: float, rng: np.random.Generator) -> np.ndarray:
    """(n, 3) a Gaussian random field of standard deviation size_mm by random Fourier features (Rahimi, Recht 2007)."""
    waves = rng.normal(0, 1 / length_mm, (3, 64))
    phases = rng.uniform(0, 2 * np.pi, 64)
    return np.cos(points @ waves + phases) @ rng.normal(0, size_mm * np.sqrt(2 / 64), (64, 3))


def sample_view(rng: np.random.Generator) -> np.ndarray:
    """(3, 3) camera from LPS: mostly near AP, lateral or oblique, at times from anywhere on the published circles."""
    roll = rng.normal(0, 6)
    kind = rng.random()
    if kind < 0.8:
        yaw = rng.choice([0, 0, 0, 90, -90, 90, -90, 25, -25, 25, -25]) + rng.normal(0, 7)
        return camera_from_lps(yaw, rng.normal(0, 10), roll)
    if kind < 0.9:
        return camera_from_lps(rng.uniform(-180, 180), rng.normal(0, 8), roll)
    return camera_from_lps(rng.normal(0, 6), rng.uniform(-180, 180), roll)


def crop_camera(sod_mm: float) -> Geometry:
    """The camera of every crop: the field of view at the vertebra's depth fills the crop, whatever the detector was."""
    centre = (CROP_SIZE_PX - 1) / 2
    spacing = CROP_FIELD_MM / CROP_SIZE_PX
    return Geometry(sod_mm * 1.5, sod_mm, (1.5 * spacing, 1.5 * spacing), (centre, centre))


def sample_position(vertices: np.ndarray, sod_mm: float, camera: Geometry, rng: np.random.Generator) -> np.ndarray:
    """(3,) where the origin of rotated vertices (n, 3) goes so that their image is centred in the crop to within the
    error of a hand-drawn box."""
    centre = np.array(camera.principal_point_px) + rng.normal(0, 2.5, 2)
    position = np.array([0.0, 0.0, sod_mm])
    for _ in range(3):
        image = camera.project(vertices + position)
        off = centre - (image.min(0) + image.max(0)) / 2
        position[:2] += off / camera.focal_px * sod_mm
    return position


def make_shard(world: World, seed: int, number: int) -> dict[str, np.ndarray]:
    """One shard's arrays: images (N, S, S) uint8, level (N,), shape_index (N,), rotation (N, 3, 3) crop camera from
    canonical, position_mm (N, 3), shapes (K, n, 3) float16 canonical mm."""
    rng = np.random.default_rng([seed, number])
    shapes, rows = [], []
    for index in range(VOLUMES_PER_SHARD):
        level = int(rng.integers(len(LEVELS)))
        shape = sample_shape(world, level, rng)
        if rng.random() < 0.5:
            mu = warped_ct(world.sources[rng.integers(len(world.sources))], shape, rng)
        else:
            mu = drawn_bone(shape, rng)
        shapes.append(shape.vertices.astype(np.float16))
        projector = Projector(mu)
        for _ in range(VIEWS_PER_VOLUME):
            rotation, sod_mm = sample_view(rng), rng.uniform(450, 850)
            camera = crop_camera(sod_mm)
            position = sample_position(shape.vertices @ rotation.T, sod_mm, camera, rng)
            pose = Pose(rotation, np.zeros(3), position)
            image = projector.line_integrals(pose, camera, (CROP_SIZE_PX, CROP_SIZE_PX))
            image = np.rint(image * (255 / max(image.max(), 1e-6))).astype(np.uint8)
            rows.append((image, level, index, rotation.astype(np.float32), position.astype(np.float32)))
    names = ("images", "level", "shape_index", "rotation", "position_mm")
    return {name: np.stack(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)} | {
        "shapes": np.stack(shapes)
    }


def build_world(
    data: Path,
    shapes: Path,
    out: Path,
    numbers: Iterable[int],
    seed: int,
    say: Callable[[str], None],
    model: Path | None = None,
) -> None:
    """Writes OUT/shard_<number>.npz for each number; one that is already there is whole and is skipped, so a stopped
    run goes on where it was, and several runs can share the numbers."""
    made_folder(out)
    world = load_world(data, shapes, model)
    for number in numbers:
        path = out / f"shard_{number:05d}.npz"
        if not path.exists():
            started = time.monotonic()
            with whole_file(path) as temporary:
                np.savez(temporary, **make_shard(world, seed, number))
            say(f"{path.name}: {VOLUMES_PER_SHARD * VIEWS_PER_VOLUME / (time.monotonic() - started):.0f} samples/s")
