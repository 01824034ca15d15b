"""What a sampled vertebra is made of: a real CT warped into its shape, or bone drawn by distance to its surface."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage
from scipy.interpolate import RBFInterpolator

from .cases import Case
from .mesh import Mesh, inside_voxels
from .projector import attenuation
from .template import load_template
from .volume import Volume, label_region, read_label_map, read_volume

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


def load_source(case: Case, label: int, mirrored: bool, vertices: np.ndarray) -> Source:
    """The vertebra of a label of a case; vertices (n, 3) as in the shape library."""
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


def _grid_around(vertices: np.ndarray, spacing_mm: np.ndarray) -> Volume:
    lower, upper = vertices.min(0) - 3.0, vertices.max(0) + 3.0
    size = np.ceil((upper - lower) / spacing_mm).astype(int) + 1
    matrix = np.diag([*spacing_mm, 1.0])
    matrix[:3, 3] = lower
    return Volume(np.zeros(size[::-1], np.float32), matrix)


def warped_ct(source: Source, shape: Mesh, rng: np.random.Generator) -> Volume:
    """Attenuation of a real vertebra warped into the sampled shape, canonical frame, isolated."""
    grid = _grid_around(shape.vertices, np.ones(3))
    points = load_template().controls[:WARP_POINTS]
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
    last = np.array(grid.array.shape[::-1]) - 1
    return inside_voxels(mesh, grid.ijk_to_lps[:3, 3], grid.spacing_mm, np.zeros(3, int), last)
