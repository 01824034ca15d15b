"""The torso around a spine, as voxels that are filled with tissue.

A grid of 2 mm in LPS axes, its outline an oval whose back follows the spinous processes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import ndimage

from ReVertLib.imaging.volume import Volume, slices
from ReVertLib.imaging.voxelize import coverage
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.shape.random_field import random_grid

from .ribs_and_pelvis import Spheres
from .vertebra import Bone

SPACING_MM = 2.0
MARROW, CORTEX = 0.0275, 0.050
ABOVE_MM, BELOW_MM = 45.0, 150.0
"""Of the upper endplates of the uppermost vertebra and of S1."""

SMOOTH_MM = 25.0


@dataclass(frozen=True)
class BodySize:
    """The size of a torso. front_mm: from the vertebral bodies to the skin of the belly. back_mm: from the tips of the
    spinous processes to the skin. fat_mm: under the skin at the sides. belly_fat: share of the space around the
    organs."""

    half_width_mm: float
    front_mm: float
    back_mm: float
    fat_mm: float
    belly_fat: float

    @classmethod
    def sampled(cls, rng: np.random.Generator) -> BodySize:
        """Thin to obese."""
        girth = rng.beta(2, 2.5)
        return cls(
            half_width_mm=135 + 70 * girth + rng.normal(0, 6),
            front_mm=65 + 120 * girth + rng.normal(0, 8),
            back_mm=8 + 45 * girth * rng.uniform(0.5, 1.2),
            fat_mm=6 + 40 * girth * rng.uniform(0.4, 1.0),
            belly_fat=float(np.clip(0.15 + 0.5 * girth + rng.normal(0, 0.1), 0.05, 0.8)),
        )


class Torso:
    """The voxels of a torso while it is being filled. bones: T11 to the sacrum. thorax: vertebrae above them, cranial
    first, around which the torso goes on; top: its height without them, LPS mm."""

    def __init__(
        self, bones: tuple[Bone, ...], size: BodySize, rng: np.random.Generator, thorax: tuple[Bone, ...] = ()
    ) -> None:
        self.bones, self.size, self.rng, self.thorax = bones, size, rng, thorax
        self.top = float(_grid_around(bones, size).coordinates_lps()[2].astype(np.float32).max())
        column = (*thorax, *bones)
        self.grid = _grid_around(column, size)
        self.x, self.y, self.z = (axis.astype(np.float32) for axis in self.grid.coordinates_lps())
        ends = np.stack([bone.lps_from_upper.translation_mm for bone in column])[::-1]
        self.spine_y = np.interp(self.z, ends[:, 2], ends[:, 1]).astype(np.float32)
        self.back_y = (_back(column, self.z.ravel()) + size.back_mm).astype(np.float32)[:, None, None]

    @property
    def mu(self) -> np.ndarray:
        """(k, j, i) per mm."""
        return self.grid.array

    def fill(self, cover: np.ndarray, value: float | np.ndarray, part: tuple = ()) -> None:
        """Puts a tissue where cover is 1, mixes it in where cover is less; part: the slices that cover is of."""
        mu = self.mu[part]
        mu += cover * (value - mu)

    def fill_spheres(self, parts: Iterable[Spheres], value: float) -> None:
        """Puts a tissue into spheres, their surface smooth."""
        for spheres in parts:
            part, depth = spheres.depth_on(self.grid)
            self.fill(cover_of(depth), value, part)

    def fill_bones(self, parts: Iterable[Spheres], density: float) -> None:
        """Puts marrow with a thin cortex around it into spheres."""
        for spheres in parts:
            part, depth = spheres.depth_on(self.grid)
            value = density * (MARROW + (CORTEX - MARROW) * np.clip(1.5 - depth / 2.0, 0.1, 1))
            self.fill(cover_of(depth), np.maximum(value, self.mu[part]), part)

    def field(self, length_mm: float) -> np.ndarray:
        """(k, j, i) a smooth random field of unit deviation."""
        return random_grid(self.mu.shape, np.full(3, SPACING_MM), length_mm, self.rng)

    @cached_property
    def depth(self) -> np.ndarray:
        """(k, j, i) mm, roughly how deep a voxel lies under the skin."""
        size, bend = self.size, 2.4
        half_x = size.half_width_mm * (1 + 0.05 * np.cos((self.z - self.top) / 55))
        front = self.spine_y - 17 - size.front_mm * (1 - 0.06 * np.cos(self.z / 50))
        half_y = (self.back_y - front) / 2
        radius = np.abs(self.x / half_x) ** bend + np.abs((self.y - front - half_y) / half_y) ** bend
        return (1 - radius ** (1 / bend)) * np.minimum(half_x, half_y)


def _grid_around(column: tuple[Bone, ...], body: BodySize) -> Volume:
    """Empty voxels about everything between the uppermost of a column of bones and the hip joints."""
    ends = np.stack([bone.lps_from_upper.translation_mm for bone in column])
    back = max(bone.mesh_lps.vertices[:, 1].max() for bone in column)
    wide = body.half_width_mm + 14
    lower = np.array([-wide, ends[:, 1].min() - body.front_mm - 45, ends[-1, 2] - BELOW_MM])
    upper = np.array([wide, back + body.back_mm + 15, ends[0, 2] + ABOVE_MM])
    matrix = np.diag([SPACING_MM] * 3 + [1.0])
    matrix[:3, 3] = lower
    return Volume(np.zeros(np.ceil((upper - lower) / SPACING_MM).astype(int)[::-1], np.float32), matrix)


def _back(bones: tuple[Bone, ...], heights: np.ndarray) -> np.ndarray:
    """(n,) LPS mm: how far back the bones reach about each height, smooth."""
    points = np.vstack([bone.mesh_lps.vertices for bone in bones])
    near = np.digitize(points[:, 2], heights)
    reach = np.array([points[near == k, 1].max(initial=-np.inf) for k in range(1, len(heights) + 1)])
    found, wide = np.isfinite(reach), int(SMOOTH_MM / SPACING_MM)
    reach = np.interp(heights, heights[found], reach[found])
    return ndimage.gaussian_filter1d(ndimage.maximum_filter1d(reach, wide), wide)


def cover_of(depth_mm: np.ndarray) -> np.ndarray:
    """The share of each voxel inside a surface, from the depth of its centre below the surface."""
    return np.clip(depth_mm / SPACING_MM + 0.5, 0, 1)


def covered(mesh: Mesh, grid: Volume) -> tuple[tuple[slice, slice, slice], np.ndarray]:
    """The part of an axis-aligned grid around a closed mesh, and the share of each of its voxels inside the mesh."""
    lower, upper = grid.box_around(mesh.vertices, margin=1)
    cover = coverage(mesh, grid.empty(lower, upper))
    first, last = grid.cut(lower, upper)
    return slices(first, last), cover[slices(first - lower, last - lower)]
