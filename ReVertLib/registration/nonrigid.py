"""Non-rigid registration of the template to a vertebra, so that vertex i means the same place on every vertebra.

Many small smooth deformations of space, from wide to narrow: each step matches points by position and normal in both
directions (as in iterated closest points), and fits the matches by a Gaussian-process displacement field (kernel
regression; cf. Lüthi et al., Gaussian process morphable models, IEEE PAMI 2018). The field is smooth in space, not only
along the surface, and no step may flip a triangle, so the surface neither folds nor intersects itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.linalg import cho_factor, cho_solve
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

from ReVertLib.mesh.mesh import Mesh, face_normals, vertex_normals
from ReVertLib.mesh.self_intersection import self_intersections

SCALES_MM = (40.0, 25.0, 15.0, 10.0, 7.0, 5.0, 4.0)
"""Standard deviations of the Gaussian kernels, from wide to narrow."""

STEPS_PER_SCALE = 4

NORMAL_WEIGHT_MM = 8.0
"""A match whose normals differ by a right angle counts as this much farther away (times the square root of 2)."""

MOST_CENTRES = 800
LEAST_COSINE, LEAST_AREA_SHARE, LEAST_TOTAL_COSINE = 0.3, 0.15, 0.15
"""What a triangle keeps of its normal and its area in one step, and of its normal from start to end."""


def graph_laplacian(faces: np.ndarray, count: int) -> sparse.csr_matrix:
    """(count, count) normalised Laplacian I - D^-1 A of a mesh's edges."""
    i, j = np.vstack([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]).T
    adjacency = sparse.coo_matrix((np.ones(len(i)), (i, j)), (count, count)).tocsr()
    adjacency = ((adjacency + adjacency.T) > 0).astype(float)
    degree = np.asarray(adjacency.sum(1)).ravel()
    return sparse.eye(count) - sparse.diags(1.0 / degree) @ adjacency


def farthest_points(points: np.ndarray, count: int) -> np.ndarray:
    """(count,) indices of points (n, 3) by farthest-point sampling: each is the farthest from those before it."""
    chosen, nearest = [0], np.full(len(points), np.inf)
    while len(chosen) < count:
        nearest = np.minimum(nearest, np.linalg.norm(points - points[chosen[-1]], axis=1))
        chosen.append(int(nearest.argmax()))
    return np.array(chosen)


def gaussian(points: np.ndarray, centres: np.ndarray, scale_mm: float) -> np.ndarray:
    """(n, c) Gaussian kernel exp(-d^2 / (2 scale^2)) between points (n, 3) and centres (c, 3), mm."""
    return np.exp(-cdist(points, centres, "sqeuclidean") / (2 * scale_mm**2))


@dataclass(frozen=True)
class Target:
    """Area-uniform points of the surface to be reached, their normals, and a search tree over both."""

    points: np.ndarray
    normals: np.ndarray
    tree: cKDTree

    @classmethod
    def of(cls, mesh: Mesh, count: int, seed: int) -> Target:
        rng = np.random.default_rng(seed)
        corners = mesh.vertices[mesh.faces]
        area = np.linalg.norm(face_normals(mesh), axis=1)
        chosen = rng.choice(len(area), count, p=area / area.sum())
        weights = rng.dirichlet((1.0, 1.0, 1.0), count)
        points = np.einsum("nc,ncd->nd", weights, corners[chosen])
        smooth = vertex_normals(mesh)[mesh.faces[chosen]]
        normals = np.einsum("nc,ncd->nd", weights, smooth)
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        return cls(points, normals, cKDTree(np.hstack([points, NORMAL_WEIGHT_MM * normals])))


@dataclass(frozen=True)
class Matches:
    """Per vertex: how much it is pulled (n,), and where to (n, 3) mm."""

    weight: np.ndarray
    pull: np.ndarray


def register(template: Mesh, target: Mesh, samples: int = 20_000, seed: int = 0) -> np.ndarray:
    """Vertices (n, 3) of the template moved onto target, mm, in the target's frame.

    template must already lie over target (a rigid or similarity fit). Both closed and wound outward.
    """
    goal = Target.of(target, samples, seed)
    order = farthest_points(template.vertices, min(MOST_CENTRES, len(template.vertices)))
    vertices = template.vertices.copy()
    known = self_intersections(template).ravel()
    for scale_mm in SCALES_MM:
        centres = order[: int(8000 / scale_mm)]
        for _ in range(STEPS_PER_SCALE):
            matches = matched(Mesh(vertices, template.faces), goal, scale_mm / 80)
            vertices = _step(vertices, template, matches, centres, scale_mm, known)
    return vertices


def matched(mesh: Mesh, goal: Target, sliding: float) -> Matches:
    """Each vertex is pulled along the normal of its match, with the share `sliding` of the way along the surface, and
    every second point of the target pulls the vertex nearest to it, so that processes are reached. Matches count by
    the squared cosine between their normals."""
    normals = vertex_normals(mesh)
    own = np.hstack([mesh.vertices, NORMAL_WEIGHT_MM * normals])
    match = goal.tree.query(own)[1]
    nearest = cKDTree(own).query(goal.tree.data[::2])[1]
    source = np.concatenate([np.arange(len(own)), nearest])
    points = np.concatenate([goal.points[match], goal.points[::2]])
    planes = np.concatenate([goal.normals[match], goal.normals[::2]])
    weight = np.concatenate([np.ones(len(own)), np.full(len(nearest), len(own) / len(nearest))])
    weight *= np.clip(np.einsum("ij,ij->i", planes, normals[source]), 0.02, 1) ** 2
    pull = points - mesh.vertices[source]
    along = np.einsum("ij,ij->i", pull, planes)[:, None] * planes
    wanted = along + sliding * (pull - along)
    total = np.bincount(source, weight, len(own))
    sums = np.stack([np.bincount(source, weight * wanted[:, d], len(own)) for d in range(3)], 1)
    return Matches(total, sums / total[:, None])


def _step(
    vertices: np.ndarray, rest: Mesh, matches: Matches, centres: np.ndarray, scale_mm: float, known: np.ndarray
) -> np.ndarray:
    """vertices moved by the kernel regression of their matches. Where a triangle would flip, degenerate or
    intersect another, the matches around it lose weight and the field is fitted again, so that it moves with its
    surroundings; what still fails then moves less. known: the triangles of rest that intersect already."""
    kernel = gaussian(vertices, vertices[centres], scale_mm)
    stiffness = 5e-6 * scale_mm * len(vertices) * kernel[centres] + 1e-6 * len(vertices) * np.eye(len(centres))
    middles = vertices[rest.faces].mean(1)
    trust = np.ones(len(vertices))
    for attempt in range(12):
        if attempt < 3:
            root = np.sqrt(trust * matches.weight)[:, None]
            weighted = root * kernel
            system = cho_factor(weighted.T @ weighted + stiffness)
            motion = kernel @ cho_solve(system, weighted.T @ (root * matches.pull))
        moved = vertices + (motion if attempt < 3 else trust[:, None] * motion)
        failing = _failing(rest, vertices, moved)
        if not failing.any():
            failing[np.setdiff1d(self_intersections(Mesh(moved, rest.faces)), known)] = True
        if not failing.any():
            return moved
        distance = cKDTree(middles[failing]).query(vertices)[0]
        trust *= 1 - 0.8 * np.exp(-((distance / scale_mm) ** 2) / 2)
    return vertices


def _failing(rest: Mesh, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """(m,) bool: the triangles that flip or degenerate from before to after, or turn too far away from rest."""
    normals = [face_normals(Mesh(v, rest.faces)) for v in (rest.vertices, before, after)]
    first, second, third = (np.linalg.norm(n, axis=1) for n in normals)
    with np.errstate(invalid="ignore", divide="ignore"):
        step = np.einsum("ij,ij->i", normals[1], normals[2]) / (second * third)
        total = np.einsum("ij,ij->i", normals[0], normals[2]) / (first * third)
        total_before = np.einsum("ij,ij->i", normals[0], normals[1]) / (first * second)
    kept = (step >= LEAST_COSINE) & (third >= LEAST_AREA_SHARE * second)
    return ~(kept & ((total >= LEAST_TOTAL_COSINE) | (total >= total_before)))
