"""How a CT sees a bone and what a segmentation cuts out of it: slices, their place, the mask's edge."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from .coverage import coverage
from .mesh import Mesh
from .projector import attenuation
from .volume import Volume

MARGIN_MM = 4.0
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


def isolated(hu: Volume, shape: Mesh, rng: np.random.Generator) -> Volume:
    """Attenuation per mm of what lies inside the shape, cut at voxels or shared by those that the surface divides."""
    mask = coverage(shape, hu)
    if rng.random() < CUT_AT_VOXELS:
        mask = mask > 0.5
    return attenuation(hu, mask)
