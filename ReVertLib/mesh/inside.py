"""Which voxels lie inside a closed surface."""

from __future__ import annotations

import numpy as np

from .mesh import Mesh


def inside_voxels(
    mesh: Mesh, origin_mm: np.ndarray, spacing_mm: np.ndarray, first_ijk: np.ndarray, last_ijk: np.ndarray
) -> np.ndarray:
    """(k, j, i) bool: whether the centre origin_mm + spacing_mm * (i, j, k) of each voxel from first_ijk to last_ijk,
    both included, lies inside a closed mesh: whether the line that comes from -x has crossed it an odd number of times.

    Slice by slice the triangles are cut to segments, row by row the segments to crossings, of all slices and rows at
    once. What is exactly on the border of a slice or row counts as above it, and edges are cut from their lower end, so
    that neighbours agree and no line slips through.
    """
    ni, nj, nk = (np.asarray(last_ijk) - first_ijk + 1).tolist()
    vertices = (mesh.vertices - origin_mm) / np.asarray(spacing_mm) - first_ijk
    order = np.argsort(vertices[mesh.faces, 2], axis=1)
    low, middle, high = (vertices[corner] for corner in np.take_along_axis(mesh.faces, order, 1).T)
    triangle, k = _between(low[:, 2], high[:, 2], nk)
    low, middle, high = (corner[triangle] for corner in (low, middle, high))
    upper = (k >= middle[:, 2])[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):  # of edges along a slice or row, which are not crossed
        x, y = _cut(low, high, k)
        other_x, other_y = _cut(np.where(upper, middle, low), np.where(upper, high, middle), k)
        slope = (other_x - x) / (other_y - y)
    segment, j = _between(np.minimum(y, other_y), np.maximum(y, other_y), nj)
    crossing = x[segment] + (j - y[segment]) * slope[segment]
    i = np.clip(np.ceil(crossing), 0, ni).astype(np.int64)
    inside = np.zeros((nk, nj, ni + 1), bool)
    np.logical_xor.at(inside.reshape(-1), (k[segment] * nj + j) * (ni + 1) + i, True)
    return np.logical_xor.accumulate(inside, axis=2, out=inside)[:, :, :-1]


def _between(low: np.ndarray, high: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """(index, whole number) for each of the whole numbers in 0..size-1 that are at least low[index] and below
    high[index]."""
    first, end = (np.clip(np.ceil(bound), 0, size).astype(np.int64) for bound in (low, high))
    count = end - first
    index = np.repeat(np.arange(len(count)), count)
    return index, np.arange(len(index)) - np.repeat(np.cumsum(count) - count - first, count)


def _cut(low: np.ndarray, high: np.ndarray, k: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """x and y where edges from low (n, 3) to high (n, 3) reach the heights k (n,)."""
    share = (k - low[:, 2]) / (high[:, 2] - low[:, 2])
    x, y = (low[:, axis] + share * (high[:, axis] - low[:, axis]) for axis in (0, 1))
    return x, y
