"""How much of every voxel lies inside a closed surface: a mask without stair-cases, exact along one axis.

Lines along the grid's first axis, several per voxel, meet the surface where its triangles, seen along that axis, cover
them. What lies behind a crossing is inside once more or once less than what lies before it.
"""

from __future__ import annotations

import numpy as np

from ReVertLib.mesh.mesh import Mesh
from ReVertLib.mesh.rasterize import rasterised

from .volume import Volume

LINES_MM = 0.5
"""Lines lie at most so far apart."""
_ASIDE = np.array([3.1e-5, 7.7e-5])
"""Lines stand aside by so little of their distance: one that met an edge would cross both its triangles."""


def coverage(mesh: Mesh, grid: Volume) -> np.ndarray:
    """(k, j, i) float32 0..1: the share of every voxel of a grid, however it is turned, inside a closed mesh, which
    must lie within the grid."""
    size, spacing_mm = grid.size_ijk, grid.spacing_mm
    lines = np.ceil(spacing_mm[1:] / LINES_MM).astype(int)
    corners = grid.ijk_from_lps(mesh.vertices)[mesh.faces]
    flat = (corners[..., 1:] + 0.5) * lines - 0.5 + _ASIDE  # voxel j holds the lines from lines * j on
    found = rasterised(flat.reshape(-1, 2), np.arange(3 * len(flat)).reshape(-1, 3), tuple(size[1:] * lines))
    depth, turn = _crossings(corners[..., 0], flat, found.face, found.column, found.row)
    column = (found.row // lines[1] * size[1] + found.column // lines[0]) * (size[0] + 1)
    voxel = np.clip(np.floor(depth + 0.5).astype(int), 0, size[0] - 1)
    before = np.clip(depth + 0.5 - voxel, 0.0, 1.0)  # the share of the voxel before the crossing
    at, share = np.concatenate([column + voxel, column + voxel + 1]), np.concatenate([1 - before, before])
    share *= np.tile(turn, 2) / lines.prod() * np.sign(np.linalg.det(grid.ijk_to_lps))
    steps = np.bincount(at, share, size[1:].prod() * (size[0] + 1)).astype(np.float32)
    inside = steps.reshape(size[2], size[1], size[0] + 1).cumsum(2)[:, :, :-1]
    return np.clip(inside, 0.0, 1.0)


def _crossings(
    depths: np.ndarray, flat: np.ndarray, face: np.ndarray, column: np.ndarray, row: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(depth, turn), both (n,): where the lines through (column, row) cross the triangles face, and +1 where they enter
    the solid, -1 where they leave it. depths (m, 3) and flat (m, 3, 2) are of all triangles' corners."""
    first, second = flat[:, 1] - flat[:, 0], flat[:, 2] - flat[:, 0]
    area = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]
    rise = depths[:, 1:] - depths[:, :1]
    area_or_one = np.where(area == 0, 1.0, area)
    slope_u = (rise[:, 0] * second[:, 1] - rise[:, 1] * first[:, 1]) / area_or_one
    slope_v = (rise[:, 1] * first[:, 0] - rise[:, 0] * second[:, 0]) / area_or_one
    u, v = column - flat[face, 0, 0], row - flat[face, 0, 1]
    depth = depths[face, 0] + slope_u[face] * u + slope_v[face] * v
    return np.clip(depth, depths.min(1)[face], depths.max(1)[face]), -np.sign(area)[face]
