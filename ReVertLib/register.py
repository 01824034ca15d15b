"""Non-rigid registration of the template to a vertebra, so that vertex i means the same place on every vertebra.

Optimal-step non-rigid ICP after Amberg, Romdhani and Vetter (CVPR 2007) in the displacement form: each step matches
points by place and normal, in both directions, and solves one sparse linear system for displacements whose
Laplacian is held by a stiffness that falls from step to step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu
from scipy.spatial import cKDTree

from .mesh import Mesh, vertex_normals

STIFFNESSES = (300.0, 100.0, 30.0, 10.0, 3.0, 1.0, 0.5, 0.3)
"""Weight of the Laplacian against the point matches, from stiff to soft."""

NORMAL_WEIGHT_MM = 8.0
"""A match whose normals differ by a right angle counts as this much farther away (times the square root of 2)."""


def graph_laplacian(faces: np.ndarray, count: int) -> sparse.csr_matrix:
    """(count, count) normalised Laplacian I - D^-1 A of a mesh's edges."""
    i, j = np.vstack([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]).T
    adjacency = sparse.coo_matrix((np.ones(len(i)), (i, j)), (count, count)).tocsr()
    adjacency = ((adjacency + adjacency.T) > 0).astype(float)
    degree = np.asarray(adjacency.sum(1)).ravel()
    return sparse.eye(count) - sparse.diags(1.0 / degree) @ adjacency


@dataclass(frozen=True)
class _Target:
    """Area-uniform points of the surface to be reached, their normals, and a search tree over both."""

    points: np.ndarray
    normals: np.ndarray
    tree: cKDTree

    @classmethod
    def of(cls, mesh: Mesh, count: int, seed: int) -> _Target:
        rng = np.random.default_rng(seed)
        corners = mesh.vertices[mesh.faces]
        cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        area = np.linalg.norm(cross, axis=1)
        chosen = rng.choice(len(area), count, p=area / area.sum())
        weights = rng.dirichlet((1.0, 1.0, 1.0), count)
        points = np.einsum("nc,ncd->nd", weights, corners[chosen])
        smooth = vertex_normals(mesh)[mesh.faces[chosen]]
        normals = np.einsum("nc,ncd->nd", weights, smooth)
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        return cls(points, normals, cKDTree(np.hstack([points, NORMAL_WEIGHT_MM * normals])))


def register(template: Mesh, target: Mesh, samples: int = 20_000, seed: int = 0) -> np.ndarray:
    """Vertices (n, 3) of the template moved onto target, mm, in the target's frame.

    template must already lie over target (a rigid or similarity fit). Both closed and wound outward.
    """
    goal = _Target.of(target, samples, seed)
    laplacian = graph_laplacian(template.faces, len(template.vertices))
    smoothness = (laplacian.T @ laplacian).tocsc()
    vertices = template.vertices.copy()
    for stiffness in STIFFNESSES:
        for _ in range(4):
            vertices = _step(vertices, template.faces, goal, smoothness, stiffness)
    return vertices


def _step(
    vertices: np.ndarray, faces: np.ndarray, goal: _Target, smoothness: sparse.csc_matrix, stiffness: float
) -> np.ndarray:
    """One match-and-solve. Each vertex is pulled along the normal of its match (point to plane, with a little point
    to point), and every sampled target point pulls the vertex nearest to it, so that processes are reached."""
    normals = vertex_normals(Mesh(vertices, faces))
    own = np.hstack([vertices, NORMAL_WEIGHT_MM * normals])
    match = goal.tree.query(own)[1]
    nearest = cKDTree(own).query(goal.tree.data[::2])[1]
    source = np.concatenate([np.arange(len(vertices)), nearest])
    points = np.concatenate([goal.points[match], goal.points[::2]])
    planes = np.concatenate([goal.normals[match], goal.normals[::2]])
    share = len(vertices) / len(nearest)
    weight = np.concatenate([np.ones(len(vertices)), np.full(len(nearest), share)])
    pull = points - vertices[source]
    along = np.einsum("ij,ij->i", pull, planes)[:, None] * planes
    wanted = along + 0.1 * (pull - along)
    matched = np.bincount(source, weight, len(vertices))
    right = np.stack([np.bincount(source, weight * wanted[:, d], len(vertices)) for d in range(3)], 1)
    system = splu((sparse.diags(matched) + stiffness * smoothness).tocsc())
    return vertices + system.solve(right)
