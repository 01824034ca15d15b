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
import torch
import vtk
from scipy import ndimage
from scipy.interpolate import RBFInterpolator
from vtk.util.numpy_support import vtk_to_numpy

from .cases import find_cases
from .crop import CROP_FIELD_MM, CROP_SIZE_PX
from .errors import InputError
from .files import made_folder, whole_file
from .geometry import LEVEL_OF_LABEL, LEVELS, Geometry, camera_from_lps
from .mesh import Mesh, to_polydata
from .projector import Pose, attenuation, line_integrals
from .shapes import centred, onto_mean
from .template import Template, load_template
from .volume import Volume, label_region, read_label_map, read_volume

VOLUMES_PER_SHARD = 32
VIEWS_PER_VOLUME = 8
WARP_POINTS = 200
"""The first so many of the template's controls, which lie farthest apart, carry the warp of a CT."""


@dataclass(frozen=True)
class Source:
    """A real vertebra with HU: its CT and mask around it, LPS, and its registered vertices in the same frame, of which
    x is negated when mirrored."""

    ct: Volume
    inside: np.ndarray
    vertices: np.ndarray
    mirrored: bool


@dataclass(frozen=True)
class World:
    """What samples are drawn from. differences: (r, n, 3) mm, registered people minus the mean of their level."""

    template: Template
    differences: np.ndarray
    sources: tuple[Source, ...]


def load_world(data: Path, shapes: Path) -> World:
    """The world of a folder of cases and the shape library built from it. Raises InputError when there is no library
    or none of its people has a CT."""
    if not shapes.is_file():
        raise InputError(f"shapes {shapes.name}: expected an existing file, got none")
    template = load_template()
    with np.load(shapes, allow_pickle=False) as file:
        library = {name: file[name] for name in file.files}
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
            found.append(_source(cases[str(name)], int(label), bool(mirrored), vertices.astype(float)))
    if not found:
        raise InputError(f"world: expected a CT of someone in {shapes.name}, got none in {data.name!r}")
    return World(template, np.stack(differences), tuple(found))


def _source(case, label: int, mirrored: bool, vertices: np.ndarray) -> Source:
    labels = read_label_map(case.labels)
    region = labels.cropped(*label_region(labels, label, 3.0))
    ct = _on_grid(read_volume(case.ct), region)
    inside = region.array == label
    # A bone-only volume holds 0 where marrow was cut away; marrow is near 120 HU.
    hu = np.where(inside & (ct == 0), 120.0, ct) if "bone" in case.ct.name else ct
    return Source(Volume(hu.astype(np.float32), region.ijk_to_lps), inside, vertices, mirrored)


def _on_grid(volume: Volume, grid: Volume) -> np.ndarray:
    """(k, j, i) values of a volume at the voxel centres of another grid, trilinear."""
    index = np.linalg.inv(volume.ijk_to_lps) @ grid.ijk_to_lps
    return ndimage.affine_transform(
        volume.array.astype(np.float32),
        index[:3, :3][::-1, ::-1],
        index[:3, 3][::-1],
        grid.array.shape,
        order=1,
        mode="nearest",
    )


def sample_shape(world: World, level: int, rng: np.random.Generator) -> Mesh:
    """A vertebra nobody has: the level's mean moved by people's differences, a smooth random field and scale."""
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


def _grid_around(vertices: np.ndarray, spacing_mm: np.ndarray) -> Volume:
    lower, upper = vertices.min(0) - 3.0, vertices.max(0) + 3.0
    size = np.ceil((upper - lower) / spacing_mm).astype(int) + 1
    matrix = np.diag([*spacing_mm, 1.0])
    matrix[:3, 3] = lower
    return Volume(np.zeros(size[::-1], np.float32), matrix)


def warped_ct(world: World, shape: Mesh, rng: np.random.Generator) -> Volume:
    """Attenuation of a real vertebra warped into the sampled shape, canonical frame, isolated."""
    source = world.sources[rng.integers(len(world.sources))]
    grid = _grid_around(shape.vertices, np.ones(3))
    points = world.template.controls[:WARP_POINTS]
    warp = RBFInterpolator(shape.vertices[points], source.vertices[points], kernel="thin_plate_spline", smoothing=0.5)
    coarse = [np.linspace(0, n - 1, max(2, n // 5)) for n in grid.array.shape[::-1]]
    nodes = np.stack(np.meshgrid(*coarse, indexing="ij"), -1)
    at = warp(nodes.reshape(-1, 3) + grid.ijk_to_lps[:3, 3]) * ([-1, 1, 1] if source.mirrored else [1, 1, 1])
    index = (np.linalg.inv(source.ct.ijk_to_lps) @ np.hstack([at, np.ones((len(at), 1))]).T)[:3].T
    size = np.array(source.ct.array.shape[::-1])
    normalised = (2 * index + 1) / size - 1
    field = torch.as_tensor(normalised.reshape(*nodes.shape).T[None], dtype=torch.float32)
    field = torch.nn.functional.interpolate(field, grid.array.shape, mode="trilinear", align_corners=True)
    density = rng.uniform(0.7, 1.4)
    mu = attenuation(Volume(source.ct.array * density, source.ct.ijk_to_lps), source.inside).array
    values = torch.nn.functional.grid_sample(
        torch.as_tensor(mu, dtype=torch.float32)[None, None], field.permute(0, 2, 3, 4, 1), align_corners=False
    )
    return Volume(values[0, 0].numpy(), grid.ijk_to_lps)


def drawn_bone(shape: Mesh, rng: np.random.Generator) -> Volume:
    """Attenuation of a sampled shape filled with marrow, texture, cortex and denser posterior elements, canonical
    frame; blurred and at times in thick sagittal slices, as a CT would be."""
    grid = _grid_around(shape.vertices, np.array([rng.choice([1.0, 1.0, 2.0, 3.0]), 1.0, 1.0]))
    inside = voxelised(shape, grid)
    depth = ndimage.distance_transform_edt(inside, grid.spacing_mm[::-1]).astype(np.float32)
    texture = ndimage.gaussian_filter(rng.standard_normal(inside.shape).astype(np.float32), 1.0)
    y = grid.ijk_to_lps[1, 3] + np.arange(inside.shape[1]) * grid.spacing_mm[1]
    posterior = 1 / (1 + np.exp(-(y - rng.uniform(8, 16)) / 3))[None, :, None]
    marrow = rng.uniform(60, 260) + rng.uniform(0, 300) * posterior + rng.uniform(50, 300) * texture
    cortex = rng.uniform(400, 1100) + rng.uniform(-100, 300) * posterior
    shell = np.exp(-(((depth - 0.5) / rng.uniform(0.8, 2.2)) ** 2))
    hu = marrow + (cortex - marrow) * shell
    mu = attenuation(Volume(hu, grid.ijk_to_lps), inside).array
    return Volume(ndimage.gaussian_filter(mu, rng.uniform(0.0, 0.8) / grid.spacing_mm[::-1]), grid.ijk_to_lps)


def voxelised(mesh: Mesh, grid: Volume) -> np.ndarray:
    """(k, j, i) bool: which voxel centres of an axis-aligned grid lie inside a closed mesh."""
    stencil = vtk.vtkPolyDataToImageStencil()
    stencil.SetInputData(to_polydata(mesh))
    stencil.SetOutputOrigin(*grid.ijk_to_lps[:3, 3])
    stencil.SetOutputSpacing(*grid.spacing_mm)
    stencil.SetOutputWholeExtent(*(x for n in grid.array.shape[::-1] for x in (0, n - 1)))
    image = vtk.vtkImageStencilToImage()
    image.SetInputConnection(stencil.GetOutputPort())
    image.SetOutsideValue(0)
    image.SetInsideValue(1)
    image.SetOutputScalarTypeToUnsignedChar()
    image.Update()
    return vtk_to_numpy(image.GetOutput().GetPointData().GetScalars()).reshape(grid.array.shape).astype(bool)


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
        mu = warped_ct(world, shape, rng) if rng.random() < 0.5 else drawn_bone(shape, rng)
        shapes.append(shape.vertices.astype(np.float16))
        for _ in range(VIEWS_PER_VOLUME):
            rotation, sod_mm = sample_view(rng), rng.uniform(450, 850)
            camera = crop_camera(sod_mm)
            position = sample_position(shape.vertices @ rotation.T, sod_mm, camera, rng)
            pose = Pose(rotation, np.zeros(3), position)
            image = line_integrals(mu, pose, camera, (CROP_SIZE_PX, CROP_SIZE_PX), step_mm=1.5)
            image = np.rint(image * (255 / max(image.max(), 1e-6))).astype(np.uint8)
            rows.append((image, level, index, rotation.astype(np.float32), position.astype(np.float32)))
    names = ("images", "level", "shape_index", "rotation", "position_mm")
    return {name: np.stack(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)} | {
        "shapes": np.stack(shapes)
    }


def build_world(
    data: Path, shapes: Path, out: Path, numbers: Iterable[int], seed: int, say: Callable[[str], None]
) -> None:
    """Writes OUT/shard_<number>.npz for each number; one that is already there is whole and is skipped, so a stopped
    run goes on where it was, and several runs can share the numbers."""
    made_folder(out)
    world = load_world(data, shapes)
    for number in numbers:
        path = out / f"shard_{number:05d}.npz"
        if not path.exists():
            started = time.monotonic()
            with whole_file(path) as temporary:
                np.savez(temporary, **make_shard(world, seed, number))
            say(f"{path.name}: {VOLUMES_PER_SHARD * VIEWS_PER_VOLUME / (time.monotonic() - started):.0f} samples/s")
