"""Removing the small folds of a displaced surface: its displacement is smoothed where triangles are flipped, degenerate
or intersect each other, and nowhere else."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import spsolve

from ReVertLib.mesh.mesh import Mesh
from ReVertLib.mesh.self_intersection import degenerate_faces, flipped_faces, self_intersections

from .nonrigid import graph_laplacian

ATTEMPTS, ATTEMPTS_PER_RING = 60, 2


def untangled(mesh: Mesh, rest: np.ndarray, least: float = 0.0) -> Mesh:
    """mesh without its folds against rest (n, 3), which lies over it and has none. Where a triangle is flipped
    against rest, keeps less than the share `least` of a length, or intersects another, the difference between mesh and
    rest is interpolated from the surroundings; these patches grow until no such triangle is left."""
    laplacian = graph_laplacian(mesh.faces, len(rest))
    for attempt in range(ATTEMPTS):
        failing = flipped_faces(mesh, rest)
        if least:
            failing |= degenerate_faces(mesh, rest, least)
        if not failing.any():
            failing[self_intersections(mesh)] = True
        if not failing.any():
            break
        patch = np.isin(np.arange(len(rest)), mesh.faces[failing])
        for _ in range(attempt // ATTEMPTS_PER_RING):
            patch[mesh.faces[patch[mesh.faces].any(1)]] = True
        mesh = Mesh(rest + filled_in(laplacian, mesh.vertices - rest, patch), mesh.faces)
    return mesh


def filled_in(laplacian: sparse.csr_matrix, field: np.ndarray, patch: np.ndarray) -> np.ndarray:
    """field (n, 3), within patch (n,) bool replaced by the harmonic one that meets the rest; zero if there is none."""
    rows = laplacian[patch]
    inner = rows[:, patch] + 1e-9 * sparse.eye(patch.sum())
    filled = field.copy()
    filled[patch] = spsolve(inner.tocsc(), -(rows[:, ~patch] @ field[~patch])).reshape(-1, 3)
    return filled
