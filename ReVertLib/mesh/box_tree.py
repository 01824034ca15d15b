"""A tree of boxes around the triangles of a surface, compiled by numba.

The search for a point begins at the triangle that was nearest to the point before, so that neighbours in a row cost
little. Importing this file needs numba; `nearest` chooses.
"""

from __future__ import annotations

from collections.abc import Callable

import numba
import numpy as np

from .mesh import Mesh
from .solid import with_three_corners

LEAF = 4
"""Triangles that are not divided further."""
_DEPTH = 64
"""Of the tree, at most: boxes are halved by number."""
_FLAT = 1e-20
"""Square of the sine of a triangle's angle below which only its sides count."""


def _compiled(function: Callable) -> Callable:
    """In double precision, kept on disk for the next process where there is a place for it."""
    try:
        return numba.njit(cache=True, error_model="numpy")(function)
    except RuntimeError:
        return numba.njit(error_model="numpy")(function)


class BoxTree:
    """Of the triangles of a surface."""

    def __init__(self, mesh: Mesh) -> None:
        triangles = mesh.vertices[with_three_corners(mesh.faces)]
        order, self._boxes, self._nodes = _tree(triangles.min(1), triangles.max(1))
        corner, side_1, side_2 = np.moveaxis(triangles[order], 1, 0)
        self._triangles = np.hstack([corner, side_1 - corner, side_2 - corner])

    def distances_mm(self, points: np.ndarray) -> np.ndarray:
        """(n,) distance of points (n, 3) to the nearest point of any triangle, mm."""
        return np.sqrt(_squares(np.ascontiguousarray(points, float), self._triangles, self._boxes, self._nodes))


@_compiled
def _tree(low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of triangles from low to high (m, 3): their order (m,); boxes (k, 2, 3) from low to high; nodes (k, 3): the first
    of two boxes into which it is divided, 0 for a leaf, and which triangles, in order, a leaf has: first and end."""
    order = np.arange(len(low))
    boxes, nodes = np.empty((2 * len(low), 2, 3)), np.zeros((2 * len(low), 3), np.int64)
    nodes[0, 2], count, at = len(low), 1, 0
    while at < count:
        first, end = nodes[at, 1], nodes[at, 2]
        for axis in range(3):
            boxes[at, 0, axis], boxes[at, 1, axis] = low[order[first], axis], high[order[first], axis]
            for i in order[first + 1 : end]:
                boxes[at, 0, axis] = min(boxes[at, 0, axis], low[i, axis])
                boxes[at, 1, axis] = max(boxes[at, 1, axis], high[i, axis])
        if end - first > LEAF:
            longest = np.argmax(boxes[at, 1] - boxes[at, 0])
            part = order[first:end]
            order[first:end] = part[np.argsort(low[part, longest] + high[part, longest])]
            nodes[at, 0] = count
            middle = (first + end) // 2
            nodes[count, 1], nodes[count, 2] = first, middle
            nodes[count + 1, 1], nodes[count + 1, 2] = middle, end
            count += 2
        at += 1
    return order, boxes[:count].copy(), nodes[:count].copy()


@_compiled
def _squares(points: np.ndarray, triangles: np.ndarray, boxes: np.ndarray, nodes: np.ndarray) -> np.ndarray:
    """(n,) squares of distances to triangles (m, 9): in order, a corner and the sides from it."""
    found = np.empty(len(points))
    waiting, at_least = np.empty(_DEPTH, np.int64), np.empty(_DEPTH)
    hit = 0
    for n in range(len(points)):
        x, y, z = points[n]
        best = _square(x, y, z, triangles, hit)
        waiting[0], at_least[0], count = 0, 0.0, 1
        while count:
            count -= 1
            if at_least[count] >= best:
                continue
            child, first, end = nodes[waiting[count]]
            if child == 0:
                for i in range(first, end):
                    square = _square(x, y, z, triangles, i)
                    if square < best:
                        best, hit = square, i
                continue
            near, far = _to_box(x, y, z, boxes, child), _to_box(x, y, z, boxes, child + 1)
            nearer, farther = child, child + 1
            if far < near:
                near, far, nearer, farther = far, near, farther, nearer
            if far < best:
                waiting[count], at_least[count] = farther, far
                count += 1
            if near < best:
                waiting[count], at_least[count] = nearer, near
                count += 1
        found[n] = best
    return found


@_compiled
def _to_box(x: float, y: float, z: float, boxes: np.ndarray, i: int) -> float:
    """The square of the distance to a box, 0 inside."""
    dx = max(boxes[i, 0, 0] - x, 0.0, x - boxes[i, 1, 0])
    dy = max(boxes[i, 0, 1] - y, 0.0, y - boxes[i, 1, 1])
    dz = max(boxes[i, 0, 2] - z, 0.0, z - boxes[i, 1, 2])
    return dx * dx + dy * dy + dz * dz


@_compiled
def _square(x: float, y: float, z: float, triangles: np.ndarray, i: int) -> float:
    """The square of the distance to a triangle, by the regions around it (Ericson, Real-Time Collision Detection, 2005,
    section 5.1.5)."""
    bx, by, bz, cx, cy, cz = triangles[i, 3:]
    x, y, z = x - triangles[i, 0], y - triangles[i, 1], z - triangles[i, 2]
    bb, cc, bc = bx * bx + by * by + bz * bz, cx * cx + cy * cy + cz * cz, bx * cx + by * cy + bz * cz
    if bb * cc - bc * bc <= _FLAT * bb * cc:
        to_third = _side_square(x - bx, y - by, z - bz, cx - bx, cy - by, cz - bz)
        return min(_side_square(x, y, z, bx, by, bz), _side_square(x, y, z, cx, cy, cz), to_third)
    along_b, along_c = bx * x + by * y + bz * z, cx * x + cy * y + cz * z
    at_b_b, at_b_c, at_c_b, at_c_c = along_b - bb, along_c - bc, along_b - bc, along_c - cc
    of_c = along_b * at_b_c - at_b_b * along_c
    of_b = at_c_b * along_c - along_b * at_c_c
    of_a = at_b_b * at_c_c - at_c_b * at_b_c
    if along_b <= 0 and along_c <= 0:
        b, c = 0.0, 0.0
    elif at_b_b >= 0 and at_b_c <= at_b_b:
        b, c = 1.0, 0.0
    elif at_c_c >= 0 and at_c_b <= at_c_c:
        b, c = 0.0, 1.0
    elif of_c <= 0 and along_b >= 0 and at_b_b <= 0:
        b, c = along_b / bb, 0.0
    elif of_b <= 0 and along_c >= 0 and at_c_c <= 0:
        b, c = 0.0, along_c / cc
    elif of_a <= 0 and at_b_c >= at_b_b and at_c_b >= at_c_c:
        c = (at_b_c - at_b_b) / ((at_b_c - at_b_b) + (at_c_b - at_c_c))
        b = 1.0 - c
    else:
        b, c = of_b / (of_a + of_b + of_c), of_c / (of_a + of_b + of_c)
    return (x - b * bx - c * cx) ** 2 + (y - b * by - c * cy) ** 2 + (z - b * bz - c * cz) ** 2


@_compiled
def _side_square(x: float, y: float, z: float, bx: float, by: float, bz: float) -> float:
    """The square of the distance to the side from the origin to b."""
    length = bx * bx + by * by + bz * bz
    share = min(max((x * bx + y * by + z * bz) / length, 0.0), 1.0) if length > 0 else 0.0
    return (x - share * bx) ** 2 + (y - share * by) ** 2 + (z - share * bz) ** 2
