"""Which pixels of a radiograph a surface covers, and the outline around them: the check that needs no CT."""

from __future__ import annotations

import numpy as np

from ReVertLib.errors import InputError
from ReVertLib.geometry.camera import Geometry

from .mesh import Mesh
from .rasterize import covered, row_crossings, values_in_ranges, whole_numbers_between

_GRID_LINES = 320
"""How finely an outline is followed: lines across the longer side of the silhouette."""
_FLAT = 0.02
"""A point of an outline nearer than this, in grid cells, to the line between its neighbours is left out."""
_PASSES = 12

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
    step = max(np.ptp(pixels, axis=0).max() / _GRID_LINES, 1e-6)
    origin = pixels.min(0) - 1.5 * step  # so that the grid's border is not covered
    found = (loop * step + origin for loop in _loops(((pixels - origin) / step)[mesh.faces]))
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


def _loops(corners: np.ndarray) -> list[np.ndarray]:
    """The outlines (k, 2) of the union of triangles (m, 3, 2) with coordinates above 1, by marching squares whose
    crossings lie where the triangles truly begin and end."""
    columns, rows = (np.ceil(corners.max((0, 1))).astype(int) + 2).tolist()
    inside, along_u = _scan(corners, rows, columns)
    return _joined(inside, along_u, _scan(corners[..., ::-1], columns, rows)[1].T)


def _joined(inside: np.ndarray, along_u: np.ndarray, along_v: np.ndarray) -> list[np.ndarray]:
    """The outlines (k, 2) of what is True of grid points (rows, columns). along_u, along_v: where an outline between a
    grid point and the next in its row, and in its column, crosses."""
    v, u = np.mgrid[: inside.shape[0], : inside.shape[1]]
    places = np.concatenate([np.stack([along_u, v], -1).reshape(-1, 2), np.stack([u, along_v], -1).reshape(-1, 2)])
    following = _following(inside)
    loops = []
    while following:
        start, crossing = following.popitem()
        loop = [start]
        while crossing != start:
            loop.append(crossing)
            crossing = following.pop(crossing)
        loops.append(places[loop])
    return _thinned(loops)


def _thinned(loops: list[np.ndarray]) -> list[np.ndarray]:
    """Closed polylines (k, 2) without the points that make no difference, all at once. Of two neighbours one at most
    goes at a time, the other perhaps with the next pass."""
    if not loops:
        return []
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


def _scan(corners: np.ndarray, rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """(inside, crossing), both (rows, columns): whether triangles (m, 3, 2) cover a grid point, and where, between it
    and the next in its row, their union ends or begins."""
    face, row = values_in_ranges(*whole_numbers_between(corners[..., 1].min(1), corners[..., 1].max(1), rows))
    enter, leave = row_crossings(corners[face], row)
    row, enter, leave = (values[enter <= leave] for values in (row, enter, leave))
    first, last = np.ceil(enter).astype(int), np.floor(leave).astype(int)
    at = row * columns
    steps = np.bincount(at + first, minlength=rows * columns) - np.bincount(at + last + 1, minlength=rows * columns)
    inside = steps.reshape(rows, columns).cumsum(1) > 0
    begin, end = np.full(inside.shape, np.inf), np.full(inside.shape, -np.inf)
    begins, ends = ~inside[row, first - 1], ~inside[row, last + 1]  # the others lie within the union
    np.minimum.at(begin, (row[begins], first[begins] - 1), enter[begins])
    np.maximum.at(end, (row[ends], last[ends]), leave[ends])
    crossing = np.where(inside, end, begin)
    return inside, np.where(np.isfinite(crossing), crossing, np.arange(columns) + 0.5)


def _following(inside: np.ndarray) -> dict[int, int]:
    """Which crossing follows which. Number r * columns + c lies between the grid points (r, c) and (r, c + 1), that
    number plus rows * columns between (r, c) and (r + 1, c)."""
    rows, columns = inside.shape
    side = {"top": 0, "bottom": columns, "left": rows * columns, "right": rows * columns + 1}
    bits = inside.astype(np.uint8)
    code = bits[:-1, :-1] + 2 * bits[:-1, 1:] + 4 * bits[1:, 1:] + 8 * bits[1:, :-1]
    row, column = np.nonzero((code > 0) & (code < 15))
    cell, code = row * columns + column, code[row, column]
    following = {}
    for kind, steps in _OUTLINE_STEPS.items():
        cells = cell[code == kind]
        for start, end in (step.split() for step in steps):
            pairs = zip((cells + side[start]).tolist(), (cells + side[end]).tolist(), strict=True)
            following.update(pairs)
    return following
