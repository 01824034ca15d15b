"""Which pixels of a radiograph a surface covers, and the outline around them: the check that needs no CT."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ReVertLib.errors import InputError
from ReVertLib.geometry.camera import Geometry

from .mesh import Mesh
from .rasterize import covered, values_in_ranges

_GRID_LINES = 320
"""How finely an outline is followed: lines across the longer side of the silhouette."""
_FLAT = 0.02
"""A point of an outline nearer than this, in grid cells, to the line between its neighbours is left out."""
_PASSES = 6
"""Of leaving out; the last leave out few."""

_OUTLINE_STEPS = {
    1: ("top left",),
    2: ("right top",),
    3: ("right left",),
    4: ("bottom right",),
    5: ("top left", "bottom right"),
    6: ("bottom top",),
    7: ("bottom left",),
    8: ("left bottom",),
    9: ("top bottom",),
    10: ("right top", "left bottom"),
    11: ("right bottom",),
    12: ("left right",),
    13: ("top right",),
    14: ("left top",),
}
"""Marching squares: from which side of a cell of four grid points to which an outline runs with what is covered on its
right, by the sum of the covered points: 1 top left, 2 top right, 4 bottom right, 8 bottom left."""


def silhouette(mesh: Mesh, geometry: Geometry, size_px: tuple[int, int]) -> np.ndarray:
    """(rows, columns) bool: the pixels whose ray from the source meets mesh.

    mesh: camera frame, mm. size_px: (columns, rows). Raises InputError when part of the mesh is not in front of the
    source.
    """
    _check_in_front(mesh)
    return covered(geometry.project(mesh.vertices), mesh.faces, size_px)


def outlines(mesh: Mesh, geometry: Geometry, size_px: tuple[int, int]) -> tuple[np.ndarray, ...]:
    """Closed polylines (k, 2), (u, v), around what mesh covers of an image, in pixels; the last point is joined to the
    first. On the image, what is covered lies to the right of every step; a hole has an outline of its own.

    Found where they cross the lines of a grid of about `_GRID_LINES` lines across the silhouette; right to a small part
    of its cell.
    What leaves the image is cut along its edge. mesh: camera frame, mm. size_px: (columns, rows). Raises InputError
    when part of the mesh is not in front of the source.
    """
    _check_in_front(mesh)
    pixels = geometry.project(mesh.vertices)
    low, high = np.array([(axis.min(), axis.max()) for axis in pixels.T]).T
    step = max((high - low).max() / _GRID_LINES, 1e-6)
    origin = low - 1.5 * step  # so that the grid's border is not covered
    found = (loop * step + origin for loop in _loops((pixels - origin) / step, mesh.faces))
    cut = (np.clip(loop, -0.5, np.asarray(size_px) - 0.5) for loop in found)
    return tuple(loop for loop in cut if np.ptp(loop, axis=0).min() > 0)


def mask_outlines(inside: np.ndarray) -> tuple[np.ndarray, ...]:
    """Closed polylines (k, 2), (u, v), around what is True of an image (rows, columns) bool, half way between its
    pixels and the others; as `outlines` otherwise."""
    rows, columns = np.add(inside.shape, 2)
    along_u = np.broadcast_to(np.arange(columns) + 0.5, (rows, columns))
    along_v = np.broadcast_to(np.arange(rows)[:, None] + 0.5, (rows, columns))
    return tuple(loop - 1 for loop in _joined(np.pad(inside, 1), along_u, along_v))


def _check_in_front(mesh: Mesh) -> None:
    depth_mm = mesh.vertices[:, 2].min()
    if not depth_mm > 0:
        raise InputError(f"mesh: expected in front of the source (Z > 0 mm), got Z = {depth_mm:.4g} mm")


def _loops(points: np.ndarray, faces: np.ndarray) -> list[np.ndarray]:
    """The outlines (k, 2) of the union of triangles faces (m, 3) of points (n, 2) with coordinates above 1, by marching
    squares whose crossings lie where the union truly begins and ends."""
    columns, rows = (np.ceil(points.max(0)).astype(int) + 2).tolist()
    sides, times = _rim(points, faces)
    inside, along_u = _scan(points[sides], times, rows, columns)
    return _joined(inside, along_u, _scan(points[sides][..., ::-1], -times, columns, rows)[1].T)


def _rim(points: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(sides, times): the sides (k, 2), from point to point, that are left of all triangles faces (m, 3) of points (n,
    2) when each is gone around to the same hand and sides gone both ways cancel; and how often each is gone, less than
    0 for the other way. Of a closed surface these are where it folds as seen, a few of its edges: how often they wind
    around a place is how many triangles lie over it."""
    sides, side_of_face, forward = _sides(faces.tobytes())
    along_u, along_v = (np.ascontiguousarray(axis)[faces.T.ravel()].reshape(3, -1) for axis in points.T)
    (u0, u1, u2), (v0, v1, v2) = along_u, along_v
    turned = (u1 - u0) * (v2 - v0) < (v1 - v0) * (u2 - u0)
    around = np.where(turned, -forward, forward)
    times = np.bincount(side_of_face.ravel(), around.ravel(), len(sides)).astype(int)
    folds = np.flatnonzero(times)
    return sides[folds], times[folds]


@lru_cache(maxsize=4)
def _sides(faces: bytes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of triangles (m, 3), the bytes of int64, which many surfaces share: their sides (k, 2), the lower point first;
    (3, m) which of them goes from each triangle's first, second and third corner to the next; and (3, m) 1.0 where it
    does so from the lower point, else -1.0."""
    start = np.frombuffer(faces, np.int64).reshape(-1, 3).T
    end = np.roll(start, -1, axis=0)
    both = np.stack([np.minimum(start, end), np.maximum(start, end)], -1).reshape(-1, 2)
    sides, side_of_face = np.unique(both, axis=0, return_inverse=True)
    return sides, side_of_face.reshape(start.shape), np.where(start < end, 1.0, -1.0)


def _joined(inside: np.ndarray, along_u: np.ndarray, along_v: np.ndarray) -> list[np.ndarray]:
    """The outlines (k, 2) of what is True of grid points (rows, columns). along_u, along_v: where an outline between a
    grid point and the next in its row, and in its column, crosses."""
    following = _following(inside)
    loops = []
    while following:
        start, crossing = following.popitem()
        loop = [start]
        while crossing != start:
            loop.append(crossing)
            crossing = following.pop(crossing)
        loops.append(loop)
    if not loops:
        return []
    ends = np.cumsum([len(loop) for loop in loops])[:-1]
    places = _places(np.concatenate([np.array(loop) for loop in loops]), along_u, along_v)
    return _thinned(np.split(places, ends))


def _places(crossings: np.ndarray, along_u: np.ndarray, along_v: np.ndarray) -> np.ndarray:
    """(k, 2) where crossings lie, by the numbers of `_following`."""
    row, column = np.divmod(crossings % along_u.size, along_u.shape[1])
    across = (crossings < along_u.size)[:, None]
    return np.where(across, np.stack([along_u[row, column], row], 1), np.stack([column, along_v[row, column]], 1))


def _thinned(loops: list[np.ndarray]) -> list[np.ndarray]:
    """Closed polylines (k, 2), one at least, without the points that make no difference, all at once. Of two neighbours
    one at most goes at a time, the other perhaps with the next pass."""
    points, counts = np.concatenate(loops), np.array([len(loop) for loop in loops])
    for _ in range(_PASSES):
        first, before, after = _neighbours(counts)
        to_next, chord = points[after] - points, points[after] - points[before]
        across = np.abs(chord[:, 0] * to_next[:, 1] - chord[:, 1] * to_next[:, 0])
        flat = across < _FLAT * np.hypot(*chord.T)
        flat &= (np.arange(len(points)) - np.repeat(first, counts)) % 2 == 1
        points, counts = points[~flat], counts - np.add.reduceat(flat, first, dtype=int)
        points = points[_neighbours(counts)[1]]
    return np.split(points, np.cumsum(counts)[:-1])


def _neighbours(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of closed polylines of so many points, one after another: where each begins, and by point the one before it and
    the one after it on its polyline."""
    last = np.cumsum(counts) - 1
    first, at = last - counts + 1, np.arange(last[-1] + 1)
    before, after = at - 1, at + 1
    before[first], after[last] = last, first
    return first, before, after


def _scan(ends: np.ndarray, times: np.ndarray, rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """(inside, crossing), both (rows, columns): whether what sides wind around covers a grid point, and where, between
    it and the next in its row, it ends or begins. ends: (k, 2, 2) of the sides. times: (k,) how often each is gone."""
    (u0, v0), (u1, v1) = ends[:, 0].T, ends[:, 1].T
    side, row = values_in_ranges(*(np.ceil(bound(v0, v1)).astype(int) for bound in (np.minimum, np.maximum)))
    slope = (u1 - u0) / np.where(v1 == v0, 1.0, v1 - v0)
    u = u0[side] + (row - v0[side]) * slope[side]
    step = np.where(v1 > v0, -times, times)[side]
    begins = step > 0
    after = row * columns + np.where(begins, np.ceil(u), np.floor(u) + 1).astype(int)
    turns = np.bincount(after, step, rows * columns).astype(np.int16)
    inside = turns.reshape(rows, columns).cumsum(1, dtype=np.int16) > 0
    crossing = np.tile(np.arange(columns) + 0.5, rows)
    for kind, order in ((begins, -u), (~begins, u)):  # of several, where the first begins and where the last ends
        at_rim = kind & (inside.ravel()[after - 1] != begins) & (inside.ravel()[after] == begins)
        chosen = np.flatnonzero(at_rim)
        chosen = chosen[np.argsort(order[chosen])]
        crossing[after[chosen] - 1] = u[chosen]
    return inside, crossing.reshape(rows, columns)


def _following(inside: np.ndarray) -> dict[int, int]:
    """Which crossing follows which. Number r * columns + c lies between the grid points (r, c) and (r, c + 1), that
    number plus rows * columns between (r, c) and (r + 1, c)."""
    rows, columns = inside.shape
    side = {"top": 0, "bottom": columns, "left": rows * columns, "right": rows * columns + 1}
    bits = inside.astype(np.uint8)
    code = bits[:-1, :-1] + 2 * bits[:-1, 1:] + 4 * bits[1:, 1:] + 8 * bits[1:, :-1]
    row, column = np.divmod(np.flatnonzero((code > 0) & (code < 15)), columns - 1)
    cell, code = row * columns + column, code[row, column]
    following = {}
    for kind, steps in _OUTLINE_STEPS.items():
        cells = cell[code == kind]
        for start, end in (step.split() for step in steps):
            pairs = zip((cells + side[start]).tolist(), (cells + side[end]).tolist(), strict=True)
            following.update(pairs)
    return following
