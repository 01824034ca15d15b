"""Exact distances of many points to the triangles of one surface, without a sign.

Of the nearest triangle, the corner w that is nearest to the foot of a point p is no farther from that foot than r, the
radius in which its corners cover it; the foot is seen from p at a right angle to the triangle, or to the edge that it
is on, so that |pw|² <= d² + r². Whoever looks at the corners of the surface in the order of |pw|² - r² may stop at
the first above the square of what he found. This order is that of a k-d tree of four dimensions.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from .mesh import Mesh
from .solid import with_three_corners

_CORNERS = 6
"""That are looked up at first for every point; few points need more."""
_LEAF = 32
"""Corners in a leaf of the tree, with which it is asked fastest."""
_AT_ONCE = 2_000
"""Points whose triangles are looked at together: their arrays stay in the processor's cache."""


class ByCorners:
    """Raises ValueError for a surface without triangles."""

    def __init__(self, mesh: Mesh) -> None:
        faces = with_three_corners(mesh.faces)
        order = np.argsort(faces.T.ravel(), kind="stable")
        # From each corner of each triangle to the next ones, by corner.
        turned = np.stack([faces, np.roll(faces, -1, 1), np.roll(faces, -2, 1)]).reshape(-1, 3)[order]
        self._triangles = _records(*mesh.vertices[turned].transpose(1, 0, 2))
        corners, self._first, self._count = np.unique(turned[:, 0], return_index=True, return_counts=True)
        self._corners = mesh.vertices[corners]
        radius2 = np.maximum.reduceat(np.tile(_covering2(mesh.vertices[faces]), 3)[order], self._first)
        self._most2 = radius2.max()
        places = np.column_stack([self._corners, np.sqrt(self._most2 - radius2)])
        self._tree = cKDTree(places, leafsize=_LEAF, balanced_tree=False)

    def distances_mm(self, points: np.ndarray) -> np.ndarray:
        """(n,) distance of points (n, 3) to the nearest point of any triangle, mm."""
        parts = [points[first : first + _AT_ONCE] for first in range(0, len(points), _AT_ONCE)]
        return np.sqrt(np.concatenate([np.empty(0), *(self._squares(part, _CORNERS) for part in parts)]))

    def _squares(self, points: np.ndarray, count: int) -> np.ndarray:
        """(n,) squared distances, by the first `count` corners and, where they are too few, by more."""
        count = min(count, len(self._corners))
        above, corner = self._tree.query(np.column_stack([points, np.zeros(len(points))]), np.arange(1, count + 1))
        above = above**2 - self._most2
        found = self._fan_squares(points, corner[:, 0])
        row, column = np.nonzero(above[:, 1:] < found[:, None])
        if len(row):
            starts = np.flatnonzero(np.diff(row, prepend=-1))
            others = np.minimum.reduceat(self._fan_squares(points[row], corner[row, column + 1]), starts)
            found[row[starts]] = np.minimum(found[row[starts]], others)
        left = above[:, -1] < found
        if count < len(self._corners) and left.any():
            found[left] = self._squares(points[left], 4 * count)
        return found

    def _fan_squares(self, points: np.ndarray, corner: np.ndarray) -> np.ndarray:
        """(n,) squared distance of points (n, 3) to what triangles around corner (n,) have nearest to it: their insides
        and the edges that meet there."""
        count = self._count[corner]
        start = np.cumsum(count) - count
        record = np.arange(start[-1] + count[-1]) + np.repeat(self._first[corner] - start, count)
        triangle = self._triangles.take(record, axis=0).T
        offset = np.repeat((points - self._corners[corner]).T, count, axis=1)
        x, y, z = (a * offset[0] + b * offset[1] + c * offset[2] for a, b, c in triangle[:9].reshape(3, 3, -1))
        length, x_3, y_3, shrink = np.ascontiguousarray(triangle[9:])
        share = np.clip((x * x_3 + y * y_3) * shrink, 0, 1)
        off_first = (x - np.clip(x, 0, length)) ** 2 + y**2
        off_last = (x - share * x_3) ** 2 + (y - share * y_3) ** 2
        inside = (y > 0) & (x * y_3 > y * x_3) & ((x - length) * y_3 < y * (x_3 - length))
        return np.minimum.reduceat(np.where(inside, 0, np.minimum(off_first, off_last)) + z**2, start)


def _records(corner: np.ndarray, second: np.ndarray, third: np.ndarray) -> np.ndarray:
    """(m, 13) of triangles by their corners (m, 3) each: three axes, the first along the first side, the last normal to
    the plane; in them the second corner's x, the third's x and y, and the inverse of its squared distance."""
    side, other = second - corner, third - corner
    length = np.linalg.norm(side, axis=1)
    along = _units(side, np.broadcast_to([1.0, 0.0, 0.0], side.shape))
    x_3 = (other * along).sum(1)
    height = other - x_3[:, None] * along
    least = np.eye(3)[np.abs(along).argmin(1)]
    up = _units(height, _units(np.cross(along, least), least))
    y_3 = (height * up).sum(1)
    shrink = 1 / np.maximum(x_3**2 + y_3**2, np.finfo(float).tiny)
    return np.column_stack([along, up, np.cross(along, up), length, x_3, y_3, shrink])


def _units(vectors: np.ndarray, instead: np.ndarray) -> np.ndarray:
    """(m, 3) vectors of length 1; those without a length are what `instead` has."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.where(length > 0, vectors / np.where(length > 0, length, 1), instead)


def _covering2(triangles: np.ndarray) -> np.ndarray:
    """(m,) square of the radius in which the corners of triangles (m, 3, 3) cover them, and its ends each edge, rounded
    up: that of the circle through them or, of an obtuse triangle, half of its long side."""
    sides = triangles - np.roll(triangles, 1, 1)
    a2, b2, c2 = np.sort((sides**2).sum(2), axis=1).T
    area2 = (np.cross(sides[:, 0], sides[:, 1]) ** 2).sum(1)
    acute = c2 < a2 + b2
    circle = a2 * b2 * c2 / (4 * np.where(acute, area2, 1))
    return 1.000001 * np.where(acute, np.minimum(circle, c2 / 3), c2 / 4)
