"""A closed surface through a point cloud, for networks that answer with points and no faces.

The points are upsampled by the midpoints between neighbours. Balls around them merge into a shell; what the outside
cannot reach is inside, and the balls' radius is taken off again (a morphological closing). That surface is closed but
coarse: it tells inside from outside, and which way each point faces. The final surface is, close to the coarse one,
the zero of the weighted mean of signed distances to the tangent planes of the nearest points (implicit moving least
squares: Hoppe et al., SIGGRAPH 1992; Kolluri, SODA 2005).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from ReVertLib.errors import InputError

from .mesh import Mesh
from .polydata import isosurface

_CELLS_PER_RADIUS = 2.5
_NEIGHBOURS = 6
_PLANE_NEIGHBOURS = 10
_GROWTH = 1.3


def closed_surface(points: np.ndarray) -> Mesh:
    """The closed surface, wound outward, near points (n, 3), in their frame and unit (mm or normalised).

    Hollows narrower than about twice the spacing of the points are filled. Raises InputError for fewer than 20 points,
    NaN, or points that span no volume.
    """
    points = np.unique(np.asarray(points, float), axis=0)
    if points.ndim != 2 or points.shape[1] != 3 or len(points) < 20:
        raise InputError(f"points: expected at least 20 points (n, 3), got an array of shape {points.shape}")
    if not np.isfinite(points).all():
        raise InputError("points: expected finite coordinates, got NaN or infinity")
    spread = np.linalg.svd(points - points.mean(0), compute_uv=False)
    if spread[2] <= 1e-3 * spread[0]:
        raise InputError("points: expected points around a volume, got points in one plane")
    spacing = max(np.median(cKDTree(points).query(points, 5)[0][:, 4]), 0.01 * np.linalg.norm(np.ptp(points, axis=0)))
    coarse = _closing(upsampled(points), spacing)
    if coarse.values.min() >= 0:
        raise InputError("points: expected points around a volume, got none inside")
    return _isosurface(_refined(coarse, points, spacing))


def upsampled(points: np.ndarray) -> np.ndarray:
    """points (n, 3) and the midpoints to the nearest neighbours of each, every midpoint once."""
    near = cKDTree(points).query(points, _NEIGHBOURS + 1)[1][:, 1:]
    pairs = np.stack([np.repeat(np.arange(len(points)), _NEIGHBOURS), near.ravel()], axis=1)
    pairs = np.unique(np.sort(pairs, axis=1), axis=0)
    return np.vstack([points, points[pairs].mean(1)])


@dataclass(frozen=True)
class _Field:
    """Signed distances on a grid, positive outside. values: (i, j, k). Index 0 lies at origin (3,)."""

    values: np.ndarray
    origin: np.ndarray
    cell: float

    def at(self, points: np.ndarray) -> np.ndarray:
        """(n,) values at points (n, 3), linearly interpolated."""
        return ndimage.map_coordinates(self.values, ((points - self.origin) / self.cell).T, order=1, mode="nearest")


def _closing(points: np.ndarray, spacing: float) -> _Field:
    """The coarse surface by the smallest radius whose shell does not leak.

    A leaking shell is hollow: its closing leaves no depth beneath most of the points.
    """
    extent = np.ptp(points, axis=0)
    radius = 1.25 * spacing
    while True:
        cell = radius / _CELLS_PER_RADIUS
        field = _closing_by(points, radius, cell)
        reach = 2 * round(1.5 * radius / cell) + 1
        deepest = _Field(ndimage.minimum_filter(field.values, reach), field.origin, cell).at(points)
        if (deepest < -0.8 * radius).mean() > 0.8 or radius > extent.max():
            return field
        radius *= _GROWTH


def _closing_by(points: np.ndarray, radius: float, cell: float) -> _Field:
    """Distance to the surface that a ball of radius, rolling outside the points, cannot cross.

    The border of the outside lies half a cell before the centre of its first cell.
    """
    origin = points.min(0) - radius - 3 * cell
    index = np.rint((points - origin) / cell).astype(int)
    free = np.ones(np.ceil((np.ptp(points, axis=0) + 2 * radius) / cell).astype(int) + 7, bool)
    free[tuple(index.T)] = False
    regions = ndimage.label(ndimage.distance_transform_edt(free, cell) > radius)[0]
    depth = ndimage.distance_transform_edt(regions != regions[0, 0, 0], cell)
    return _Field(radius + 0.5 * cell - depth, origin, cell)


def _refined(coarse: _Field, points: np.ndarray, spacing: float) -> _Field:
    """The coarse field with its zero moved onto the points, by at most 0.75 spacing, so that it stays closed."""
    tree = cKDTree(points)
    centres, normals = _planes(coarse, points, tree, spacing)
    limit = 0.75 * spacing
    band = np.nonzero(np.abs(coarse.values) < limit + coarse.cell)
    places = coarse.origin + coarse.cell * np.stack(band, axis=1)
    far, near = tree.query(places, _PLANE_NEIGHBOURS)
    weights = np.exp(-((far / spacing) ** 2)) + 1e-12
    heights = np.einsum("nkd,nkd->nk", places[:, None] - centres[near], normals[near])
    fitted = (weights * heights).sum(1) / weights.sum(1)
    values = coarse.values.copy()
    values[band] = np.clip(fitted, values[band] - limit, values[band] + limit)
    return _Field(values, coarse.origin, coarse.cell)


def _planes(coarse: _Field, points: np.ndarray, tree: cKDTree, spacing: float) -> tuple[np.ndarray, np.ndarray]:
    """Centres (n, 3) and unit normals (n, 3) of the planes through each point's neighbours.

    The normals are turned to the coarse field's outside. The planes pass through the neighbours' mean: through the
    points themselves they would all lie outside a convex surface and swell it.
    """
    around = points[tree.query(points, _PLANE_NEIGHBOURS)[1]]
    centres = around.mean(1)
    around = around - centres[:, None]
    normals = np.linalg.eigh(np.einsum("nki,nkj->nij", around, around))[1][:, :, 0]
    step = spacing * normals
    rises = coarse.at(points + step) - coarse.at(points - step)
    return centres, normals * np.where(rises < 0, -1.0, 1.0)[:, None]


def _isosurface(field: _Field) -> Mesh:
    """The largest piece of the field's zero surface, wound outward."""
    values = np.where(field.values == 0, 1e-6 * field.cell, field.values)
    to_world = np.diag([field.cell, field.cell, field.cell, 1.0])
    to_world[:3, 3] = field.origin
    return isosurface(values.transpose(2, 1, 0), 0.0, to_world)
