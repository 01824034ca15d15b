"""How a CT sees a bone and what a segmentation cuts out of it: slices, their place, the mask's edge."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from scipy.spatial.transform import Rotation

from ReVertLib.imaging.volume import Volume
from ReVertLib.imaging.voxelize import coverage
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.projection.attenuation import attenuation

MARGIN_MM = 4.0
THICK_MM = 1.2
"""Slices thicker than this are blurred by their thickness alone."""
CUT_AT_VOXELS = 0.6
"""The share of masks whose edge follows the voxels, as a segmentation's does; the others follow the surface itself."""


def scan_grid(shape: Mesh, rng: np.random.Generator) -> Volume:
    """The empty grid of a CT around a shape, canonical frame: mostly of thick sagittal slices, as VerSe's, at times of
    axial ones or of cubes, turned as a vertebra is turned in a patient."""
    thick_mm = rng.choice([1.0, 1.5, 2.0, 2.0, 3.0, 3.0])
    spacing_mm = np.roll([thick_mm, 1.0, 1.0], rng.choice([0, 0, 0, 0, 2]))
    turn = Rotation.from_euler("xyz", rng.normal(0, [12, 4, 4]), degrees=True).as_matrix()
    matrix = np.eye(4)
    matrix[:3, :3] = turn * spacing_mm
    at = shape.vertices @ np.linalg.inv(matrix[:3, :3]).T
    lower = at.min(0) - MARGIN_MM / spacing_mm - rng.random(3)
    size = np.ceil(at.max(0) + MARGIN_MM / spacing_mm - lower).astype(int) + 1
    matrix[:3, 3] = matrix[:3, :3] @ lower
    return Volume(np.zeros(size[::-1], np.float32), matrix)


def isolated(hu: Volume, shape: Mesh, rng: np.random.Generator, sharpest: float = 1.5) -> Volume:
    """Attenuation per mm of what lies inside the shape, as a scanner shows it, cut at voxels or shared by those that
    the surface divides. sharpest: the most that its kernel adds, as a multiple of what a blur of 1 mm takes away."""
    mask = coverage(shape, hu)
    if rng.random() < CUT_AT_VOXELS:
        mask = mask > 0.5
    return attenuation(Volume(_scanned(hu, rng, sharpest), hu.ijk_to_lps), mask)


def _scanned(hu: Volume, rng: np.random.Generator, sharpest: float) -> np.ndarray:
    """Hounsfield units with what a sharp kernel adds within the slices, and with noise."""
    sigma = np.where(hu.spacing_mm > THICK_MM, 0.0, 1.0 / hu.spacing_mm)
    smooth = ndimage.gaussian_filter(hu.array, sigma[::-1], truncate=3.0)
    noise = 10 ** rng.uniform(0.9, 1.9) * white_noise(hu.array.shape, rng)
    return hu.array + np.float32(rng.uniform(0.0, sharpest)) * (hu.array - smooth) + noise


def white_noise(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Standard normal float32 from `own_generator`."""
    return own_generator(rng).standard_normal(shape, np.float32)


def own_generator(rng: np.random.Generator) -> np.random.Generator:
    """A generator for one grid, for which rng gives a single number: what rng draws next does not depend on the size of
    the grid, so that two bones filled from equal states are equally dense."""
    return np.random.default_rng(rng.integers(2**32))


def patient_axes(mu: Volume) -> np.ndarray:
    """(3, 3) rotation from the volume's frame to that of its axes, each called after the patient axis it is nearest."""
    axes = mu.ijk_to_lps[:3, :3] / mu.spacing_mm
    named = np.zeros((3, 3))
    for axis in axes.T:
        named[np.abs(axis).argmax()] = axis * np.sign(axis[np.abs(axis).argmax()])
    return named
