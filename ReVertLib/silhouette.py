"""Which pixels of a radiograph a surface covers: the check that needs no CT."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .errors import InputError
from .geometry import Geometry
from .mesh import Mesh


@dataclass(frozen=True)
class Fragments:
    """One entry per triangle and pixel whose centre the triangle covers, all (k,) int64."""

    face: np.ndarray
    row: np.ndarray
    column: np.ndarray


def silhouette(mesh: Mesh, geometry: Geometry, size_px: tuple[int, int]) -> np.ndarray:
    """(rows, columns) bool: the pixels whose ray from the source meets mesh.

    mesh: camera frame, mm. size_px: (columns, rows). Raises InputError when part of the mesh is not in front of the
    source.
    """
    depth_mm = mesh.vertices[:, 2].min()
    if not depth_mm > 0:
        raise InputError(f"mesh: expected in front of the source (Z > 0 mm), got Z = {depth_mm:.4g} mm")
    return covered(geometry.project(mesh.vertices), mesh.faces, size_px)


def covered(pixels: np.ndarray, faces: np.ndarray, size_px: tuple[int, int]) -> np.ndarray:
    """(rows, columns) bool: the pixel centres inside any of the triangles faces (m, 3) of pixels (n, 2), (u, v)."""
    mask = np.zeros(size_px[::-1], bool)
    found = rasterised(pixels, faces, size_px)
    mask[found.row, found.column] = True
    return mask


def rasterised(pixels: np.ndarray, faces: np.ndarray, size_px: tuple[int, int]) -> Fragments:
    """The fragments of flat triangles faces (m, 3) of pixels (n, 2), (u, v), in an image of size_px (columns, rows).

    Row by row: where a row of pixel centres meets the sides of a triangle, it enters and leaves it.
    """
    columns, rows = size_px
    corners = pixels[faces]
    first, last = _whole(corners[..., 1].min(1), corners[..., 1].max(1), rows)
    face, row = _spread(first, last)
    enter, leave = _crossings(corners[face], row)
    index, column = _spread(*_whole(enter, leave, columns))
    return Fragments(face[index], row[index], column)


def _whole(low: np.ndarray, high: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The whole numbers first <= i < last with low <= i <= high and 0 <= i < size."""
    first = np.clip(np.ceil(low), 0, size).astype(np.int64)
    return first, np.clip(np.floor(high) + 1, first, size).astype(np.int64)


def _spread(first: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(index, value): every whole value of every range first[index] <= value < last[index]."""
    count = last - first
    index = np.repeat(np.arange(len(count)), count)
    before = np.cumsum(count) - count
    return index, np.arange(len(index)) - before[index] + first[index]


def _crossings(corners: np.ndarray, row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Least and greatest u (k,) at which the sides of triangles (k, 3, 2) meet the lines v = row (k,)."""
    start, end = corners, np.roll(corners, -1, axis=1)
    rise = end[..., 1] - start[..., 1]
    level = rise == 0  # such a side adds nothing: its ends belong to the other two
    share = (row[:, None] - start[..., 1]) / np.where(level, 1.0, rise)
    u = start[..., 0] + share * (end[..., 0] - start[..., 0])
    misses = level | (share < 0) | (share > 1)
    return np.where(misses, np.inf, u).min(1), np.where(misses, -np.inf, u).max(1)
