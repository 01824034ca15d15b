"""Points sampled uniformly over a surface."""

from __future__ import annotations

import numpy as np

from ReVertLib.errors import InputError

from .mesh import Mesh, face_normals


def surface_points(mesh: Mesh, count: int, seed: int) -> np.ndarray:
    """(count, 3) points uniform in area: one in each of `count` equal strata of the area, the triangles in order.

    A point within a triangle is uniform by the square-root form of barycentric coordinates (Osada et al., 2002).
    """
    random = np.random.default_rng(seed)
    corner, side_1, side_2 = _corner_and_sides(mesh)
    area = np.cumsum(np.linalg.norm(face_normals(mesh), axis=1))
    if not area[-1] > 0:
        raise InputError("surface: expected a positive area, got zero")
    face = np.searchsorted(area, (np.arange(count) + random.random(count)) / count * area[-1], side="right")
    root, share = np.sqrt(random.random((count, 1))), random.random((count, 1))
    return corner[face] + root * (1 - share) * side_1[face] + root * share * side_2[face]


def _corner_and_sides(mesh: Mesh) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    a, b, c = (mesh.vertices[mesh.faces[:, i]] for i in range(3))
    return a, b - a, c - a
