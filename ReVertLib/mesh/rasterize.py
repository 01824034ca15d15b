"""Which pixels flat triangles cover."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Fragments:
    """One entry per triangle and pixel whose centre the triangle covers, all (k,) int64."""

    face: np.ndarray
    row: np.ndarray
    column: np.ndarray


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
    v = np.ascontiguousarray(pixels[:, 1])[faces.T]
    face, row = values_in_ranges(*whole_numbers_between(v.min(0), v.max(0), rows))
    enter, leave = row_crossings(pixels[faces[face]], row)
    index, column = values_in_ranges(*whole_numbers_between(enter, leave, columns))
    return Fragments(face[index], row[index], column)


def whole_numbers_between(low: np.ndarray, high: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The whole numbers first <= i < last with low <= i <= high and 0 <= i < size."""
    first = np.clip(np.ceil(low), 0, size).astype(np.int64)
    return first, np.clip(np.floor(high) + 1, first, size).astype(np.int64)


def values_in_ranges(first: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(index, value): every whole value of every range first[index] <= value < last[index]."""
    count = last - first
    index = np.repeat(np.arange(len(count)), count)
    before = np.cumsum(count) - count
    return index, np.arange(len(index)) - before[index] + first[index]


def row_crossings(corners: np.ndarray, row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Least and greatest u (k,) at which the sides of triangles (k, 3, 2) meet the lines v = row (k,)."""
    least, greatest = np.full(len(row), np.inf), np.full(len(row), -np.inf)
    ends = [(np.ascontiguousarray(corners[:, i, 0]), corners[:, i, 1] - row) for i in range(3)]
    for i, (u0, v0) in enumerate(ends):
        u1, v1 = ends[i - 1]
        meets = (v0 != v1) & (v0 * v1 <= 0)  # a level side adds nothing: its ends belong to the other two
        u = u0 + v0 / np.where(meets, v0 - v1, 1.0) * (u1 - u0)
        np.minimum(least, u, out=least, where=meets)
        np.maximum(greatest, u, out=greatest, where=meets)
    return least, greatest
