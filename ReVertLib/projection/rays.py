"""The rays to the pixels of an image, in the grid of a volume, and where they cross its planes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ReVertLib.geometry.camera import Geometry


@dataclass(frozen=True)
class Lines:
    """Where rays meet the planes across an axis: plane n at start + n * slope (rows, columns, 2), -1 and 1 being the
    plane's borders, its last axis first, as `grid_sample` has it. step_mm: (rows, columns) from plane to plane, 0 for
    the rays of other axes. source, detector (rows, columns): at which n, in fractions, they begin and end."""

    axis: int
    start: torch.Tensor
    slope: torch.Tensor
    step_mm: torch.Tensor
    source: float
    detector: torch.Tensor


@dataclass(frozen=True)
class Rays:
    """All rays of an image in voxels (i, j, k). direction: (rows, columns, 3) per mm of depth. middle: (rows, columns,
    3) where they are near the volume. length_mm: (rows, columns) per mm of depth. fastest: (rows, columns), or one for
    all, the axis along which a ray passes most voxels. axes: all of those. source: (3,) where rays begin. sdd_mm: the
    depth where they end."""

    direction: torch.Tensor
    middle: torch.Tensor
    length_mm: torch.Tensor
    fastest: torch.Tensor
    axes: tuple[int, ...]
    source: np.ndarray
    sdd_mm: float

    def across(self, axis: int, size: tuple[int, int, int]) -> Lines:
        """These rays and the planes across an axis of a grid of size (i, j, k) voxels."""
        others = [a for a in (2, 1, 0) if a != axis]
        mine = self.fastest == axis
        speed = torch.where(mine, self.direction[..., axis], 1.0)
        slope = self.direction[..., others] / speed[..., None]
        start = self.middle[..., others] - self.middle[..., axis, None] * slope
        voxels = torch.tensor([size[a] for a in others], dtype=torch.float32)
        source = float(self.source[axis])
        detector = source + self.sdd_mm * self.direction[..., axis]
        step_mm = torch.where(mine, self.length_mm / speed.abs(), 0.0)
        return Lines(axis, (2 * start + 1) / voxels - 1, 2 * slope / voxels, step_mm, source, detector)


def rays_in_grid(ijk_from_camera: np.ndarray, depth_mm: float, geometry: Geometry, image: torch.Tensor) -> Rays:
    """The rays to the pixels of an image (rows, columns). depth_mm: where the volume is; single precision is best
    there."""
    rows, columns = image.shape
    v, u = (torch.arange(n, dtype=torch.float32) for n in (rows, columns))
    unproject = np.linalg.inv(geometry.matrix)
    of_pixel, source = ijk_from_camera[:3, :3] @ unproject, ijk_from_camera[:3, 3]
    at_volume = depth_mm * of_pixel + np.outer(source, [0, 0, 1])

    def over_image(matrix: np.ndarray) -> torch.Tensor:
        along_u, along_v, constant = torch.tensor(matrix.T, dtype=torch.float32)
        return u[None, :, None] * along_u + (v[:, None, None] * along_v + constant)

    direction = over_image(of_pixel)
    ends = of_pixel @ [[0, 0, columns - 1, columns - 1], [0, rows - 1, 0, rows - 1], [1, 1, 1, 1]]
    axes = np.abs(ends).argmax(0)
    # Directions of one fastest axis and sense make a convex cone: what holds of the corners holds of all between them.
    alike = len(set(axes)) == 1 and len(set(np.sign(ends[axes[0]]))) == 1
    fastest = torch.tensor(axes[0]) if alike else direction.abs().argmax(-1)
    length_mm = torch.linalg.norm(over_image(unproject), dim=-1)
    each = (int(axes[0]),) if alike else (0, 1, 2)
    return Rays(direction, over_image(at_volume), length_mm, fastest, each, source, geometry.sdd_mm)


def share_before(x: torch.Tensor | float) -> torch.Tensor:
    """The integral up to x of the hat of height 1 over -1 to 1: the share that a plane has of a ray that ends there."""
    x = x.clamp(-1, 1)
    return 0.5 + x - 0.5 * x * x.abs()
