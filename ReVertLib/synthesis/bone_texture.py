"""Bone drawn from nothing but its shape, in Hounsfield units as a CT would show them.

The cortex is thinner than a voxel: it is a sheet whose mass, thickness times density, is spread over the voxels it
passes through, which is exact at any resolution. The figures are those of profiles along the normals of the training
people's CTs: peaks of 100 to 530 HU at 1 to 2 mm depth, marrow of 50 to 250 HU, sheets of 300 to 1000 HU mm.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage

from ReVertLib.imaging.volume import Volume
from ReVertLib.imaging.voxelize import coverage
from ReVertLib.mesh.mesh import Mesh, face_normals, vertex_normals
from ReVertLib.shape.random_field import random_fields, random_grid

from .ct_scanner import THICK_MM, own_generator, white_noise

POSTERIOR_MM = 8.0
"""Where the body ends and the pedicles begin, y in the canonical frame."""


def drawn_hu(shape: Mesh, grid: Volume, rng: np.random.Generator) -> Volume:
    """Hounsfield units on a grid: soft tissue, marrow with trabeculae, cortex with what is dense below it."""
    normals = vertex_normals(shape)
    # The mask, whose surface the shape is, is not the bone: it keeps a rim of soft tissue here, cuts the cortex there.
    rim_mm = np.clip(rng.normal(0.25, 0.2) + 0.25 * random_fields(shape.vertices, 8.0, 1, rng)[:, 0], -0.4, 0.9)
    bone = Mesh(shape.vertices - rim_mm[:, None] * normals, shape.faces)
    density = math.exp(rng.normal(0, 0.3))
    share = coverage(bone, grid)
    hu = share * (_marrow(grid, density, rng) - (soft := rng.uniform(-60, 100))) + soft
    mass = density**0.5 * _sheet_mass(shape.vertices, normals, rng)
    deep = rng.uniform(0.15, 0.4)
    for depth_mm, part in ((rng.uniform(0.4, 0.8), 1 - deep), (rng.uniform(2.0, 3.5), deep)):
        hu += _sheet(Mesh(bone.vertices - depth_mm * normals, bone.faces), part * mass, grid)
    sigma = np.where(grid.spacing_mm > THICK_MM, 0.0, rng.uniform(0.4, 0.8) / grid.spacing_mm)
    return Volume(ndimage.gaussian_filter(hu, sigma[::-1], truncate=3.0), grid.ijk_to_lps)


def _sheet_mass(vertices: np.ndarray, normals: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(n,) HU mm that the cortex has above marrow: endplates, walls, posterior elements, transverse processes, each
    with a mean of its own, and patches within them; at times sclerosis of one endplate."""
    x, y, _ = vertices.T
    posterior = _step((y - POSTERIOR_MM) / 3)
    endplate = _step((np.abs(normals[:, 2]) - 0.7) / 0.08)
    side = _step((np.abs(x) - 26) / 3)
    plates, wall, arch, process = np.array([800, 350, 900, 400]) * np.exp(rng.normal(0, 0.3, 4))
    if rng.random() < 0.25:
        plates = plates * np.where(normals[:, 2] * rng.choice([-1, 1]) > 0, rng.uniform(1.2, 2.0), 1.0)
    mass = (1 - posterior) * (endplate * plates + (1 - endplate) * wall) + posterior * (arch + side * (process - arch))
    return mass * np.exp(0.5 * random_fields(vertices, 4.0, 1, rng)[:, 0] - 0.12)


def _step(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def _sheet(surface: Mesh, mass: np.ndarray, grid: Volume) -> np.ndarray:
    """(k, j, i) HU of a sheet with mass (n,) HU mm at its vertices: the four quarters of every triangle, each shared by
    the eight voxels around its middle."""
    corners = surface.vertices[surface.faces]
    area = np.linalg.norm(face_normals(surface), axis=1) / 2
    weights = np.array([[4, 1, 1], [1, 4, 1], [1, 1, 4], [2, 2, 2]]) / 6
    points = grid.ijk_from_lps(np.einsum("qc,fcd->qfd", weights, corners).reshape(-1, 3))
    amount = (weights @ mass[surface.faces].T * area / 4).ravel() / grid.spacing_mm.prod()
    size = grid.size_ijk
    lower = np.floor(points).astype(int)
    part = (points - lower).T
    ends = np.stack([1 - part, part])
    strides = np.array([1, size[0], size[0] * size[1]])
    first, places, shares = lower @ strides, [], []
    for i, j, k in np.ndindex(2, 2, 2):
        places.append(first + strides @ [i, j, k])
        shares.append(ends[i, 0] * ends[j, 1] * ends[k, 2] * amount)
    total = np.bincount(np.concatenate(places), np.concatenate(shares), size.prod())
    return total.reshape(grid.array.shape).astype(np.float32)


def _marrow(grid: Volume, density: float, rng: np.random.Generator) -> np.ndarray:
    """(k, j, i) HU: denser behind the body and here and there, of upright trabeculae, at times with a cleft where the
    basivertebral vein leaves the body."""
    base = density * rng.uniform(60, 200)
    x, y, z = grid.coordinates_lps(np.float32)
    hu = base + density * rng.uniform(0, 150) * np.clip((y - POSTERIOR_MM) / 12 + 0.5, 0, 1)
    patches = random_grid(grid.array.shape, grid.spacing_mm[::-1], 9.0, own_generator(rng))
    hu = hu + density * rng.uniform(20, 60) * patches
    length = float(rng.uniform(0.8, 2.0) / grid.spacing_mm[2])
    trabeculae = ndimage.gaussian_filter1d(white_noise(grid.array.shape, rng), length, axis=0)
    hu += density * rng.uniform(30, 150) * math.sqrt(1 + 3.5 * length) * trabeculae  # the root undoes the averaging
    if rng.random() < 0.4:
        wide, deep, high = rng.uniform([4, 8, 1.5], [8, 14, 3]).tolist()
        cleft = np.exp(-((x / wide) ** 2) - ((y - 2) / deep) ** 2 - (z / high) ** 2)
        hu *= 1 - rng.uniform(0.5, 1.0) * cleft
    return hu
