"""Whether a registered surface is still a surface: triangles turned over, and triangles that run through others."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from .mesh import Mesh


def face_normals(mesh: Mesh) -> np.ndarray:
    """(m, 3) normal of each triangle, twice its area long, mm^2."""
    a, b, c = (mesh.vertices[mesh.faces[:, i]] for i in range(3))
    return np.cross(b - a, c - a)


def flipped_faces(mesh: Mesh, rest: np.ndarray) -> np.ndarray:
    """(m,) bool: the triangles whose normal turned by a right angle or more from rest (n, 3), which lies over mesh."""
    return np.einsum("ij,ij->i", face_normals(mesh), face_normals(Mesh(rest, mesh.faces))) <= 0


def crossing_faces(mesh: Mesh) -> np.ndarray:
    """(p, 2) pairs of triangles that run through each other: an edge of one passes through the inside of the other.
    Pairs that share an edge are left out, and lie only over each other where a triangle is flipped."""
    triangles = mesh.vertices[mesh.faces]
    first, second = _near_pairs(triangles).T
    shared = (mesh.faces[first][:, :, None] == mesh.faces[second][:, None, :]).sum((1, 2))
    first, second = first[shared < 2], second[shared < 2]
    crossing = _edge_through(triangles[first], triangles[second]) | _edge_through(triangles[second], triangles[first])
    return np.stack([first[crossing], second[crossing]], 1)


def _near_pairs(triangles: np.ndarray) -> np.ndarray:
    """(p, 2) pairs of triangles (m, 3, 3) whose boxes overlap. The few large ones look for their partners singly."""
    low, high = triangles.min(1), triangles.max(1)
    middle, radius = (low + high) / 2, np.linalg.norm(high - low, axis=1) / 2
    tree = cKDTree(middle)
    usual = np.quantile(radius, 0.98)
    pairs = [tree.query_pairs(2 * usual, output_type="ndarray")]
    for face in np.nonzero(radius > usual)[0]:
        others = np.setdiff1d(tree.query_ball_point(middle[face], radius[face] + radius.max()), face)
        pairs.append(np.stack([np.minimum(others, face), np.maximum(others, face)], 1))
    first, second = np.concatenate(pairs).T
    overlap = ((low[first] <= high[second]) & (low[second] <= high[first])).all(1)
    codes = np.unique(first[overlap] * len(triangles) + second[overlap])
    return np.stack(np.divmod(codes, len(triangles)), 1)


def _edge_through(edged: np.ndarray, pierced: np.ndarray) -> np.ndarray:
    """(p,) bool: whether an edge of triangle edged[i] passes through the inside of pierced[i], both (p, 3, 3). Edges
    that only touch, or lie in the plane, do not (Möller and Trumbore, J. Graphics Tools 1997)."""
    side_1, side_2 = pierced[:, 1] - pierced[:, 0], pierced[:, 2] - pierced[:, 0]
    found = np.zeros(len(edged), bool)
    for corner in range(3):
        start = edged[:, corner]
        edge = edged[:, (corner + 1) % 3] - start
        across = np.cross(edge, side_2)
        offset = start - pierced[:, 0]
        turned = np.cross(offset, side_1)
        with np.errstate(invalid="ignore", divide="ignore"):
            scale = 1 / np.einsum("ij,ij->i", side_1, across)
            u, v, t = (
                np.einsum("ij,ij->i", a, b) * scale for a, b in ((offset, across), (edge, turned), (side_2, turned))
            )
            inside = (np.minimum(u, v) > 1e-9) & (u + v < 1 - 1e-9)
            found |= inside & (t > 1e-9) & (t < 1 - 1e-9)
    return found
