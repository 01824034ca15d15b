"""Errors by region of the vertebra: from the true surface to an answer, so that what the answer lacks counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from ReVertLib.anatomy.landmarks import REGIONS, vertex_regions
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.mesh.sampling import surface_points

POINTS = 5_000
_SEED = 2


@dataclass(frozen=True)
class RegionError:
    """One answer to one image after rigid alignment, in one of REGIONS: mean and 95th percentile of the distances from
    points of the true surface to the answer, mm."""

    answer: str
    region: str
    mean_mm: float
    p95_mm: float


def true_points(truth: Mesh) -> np.ndarray:
    """(POINTS, 3) points of a true surface, mm: the same places on it however it is moved."""
    return surface_points(truth, POINTS, _SEED)


def regions_at(points: np.ndarray, fitted: Mesh) -> np.ndarray:
    """(n,) index in REGIONS of points (n, 3) of a true surface, by the nearest vertex of the shape fitted to it."""
    return vertex_regions()[cKDTree(fitted.vertices).query(points)[1]]


def region_errors(distances_mm: Mapping[str, np.ndarray], regions: np.ndarray) -> list[RegionError]:
    """By answer and region, from the answers' distances (POINTS,) and the regions (POINTS,) of the same points."""
    return [
        RegionError(answer, name, float(part.mean()), float(np.percentile(part, 95)))
        for answer, distances in distances_mm.items()
        for part, name in ((distances[regions == i], name) for i, name in enumerate(REGIONS))
        if len(part)
    ]
