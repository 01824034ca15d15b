"""What is wrong with a deformed surface: flipped triangles, degenerate triangles and self-intersections."""

from __future__ import annotations

from itertools import combinations_with_replacement, product

import numpy as np
from scipy.spatial import cKDTree

from .mesh import Mesh, face_normals

SIZE_SHARES = (0.6, 0.95)
"""Where the triangles, sorted by size, are parted into those that are searched together."""


def flipped_faces(mesh: Mesh, rest: np.ndarray) -> np.ndarray:
    """(m,) bool: the triangles whose normal differs by a right angle or more from that in rest (n, 3), the vertices
    before the deformation."""
    return np.einsum("ij,ij->i", face_normals(mesh), face_normals(Mesh(rest, mesh.faces))) <= 0


def degenerate_faces(mesh: Mesh, rest: np.ndarray, least: float) -> np.ndarray:
    """(m,) bool: the triangles that keep, in some direction, less than the share `least` of their length in rest
    (n, 3), the vertices before the deformation."""
    inner = []
    for vertices in (mesh.vertices, rest):
        a, b, c = (vertices[mesh.faces[:, i]] for i in range(3))
        sides = np.stack([b - a, c - a], 1)
        inner.append(sides @ sides.transpose(0, 2, 1))
    squares = np.linalg.solve(inner[1], inner[0])  # its eigenvalues are the squares of both stretches
    half, product = np.trace(squares, axis1=1, axis2=2) / 2, np.linalg.det(squares)
    return half - np.sqrt(np.maximum(half**2 - product, 0)) < least**2


def self_intersections(mesh: Mesh) -> np.ndarray:
    """(p, 2) pairs of intersecting triangles: an edge of one passes through the inside of the other. Pairs
    that share an edge are left out: they can only lie over each other, where one is flipped."""
    triangles = mesh.vertices[mesh.faces]
    first, second = _near_pairs(triangles).T
    shared = sum(mesh.faces[first, i] == mesh.faces[second, j] for i, j in product(range(3), repeat=2))
    first, second = first[shared < 2], second[shared < 2]
    normals = face_normals(mesh)
    crossing = _edge_through(triangles, normals, first, second) | _edge_through(triangles, normals, second, first)
    return np.stack([first[crossing], second[crossing]], 1)


def _near_pairs(triangles: np.ndarray) -> np.ndarray:
    """(p, 2) pairs of triangles (m, 3, 3) whose boxes overlap. The few large ones have trees of their own, so that the
    many small ones need not look as far for their partners."""
    low, high = triangles.min(1), triangles.max(1)
    middle, radius = (low + high) / 2, np.linalg.norm(high - low, axis=1) / 2
    by_size = np.split(np.argsort(radius), [int(share * len(radius)) for share in SIZE_SHARES])
    groups = [(faces, cKDTree(middle[faces]), radius[faces[-1]]) for faces in by_size if len(faces)]
    pairs = []
    for (ones, tree, reach), (others, other_tree, other_reach) in combinations_with_replacement(groups, 2):
        if tree is other_tree:
            first, second = tree.query_pairs(2 * reach, output_type="ndarray").T
        else:
            found = tree.sparse_distance_matrix(other_tree, reach + other_reach, output_type="ndarray")
            first, second = found["i"], found["j"]
        first, second = ones[first], others[second]
        for axis in range(3):  # one after the other, as few pairs are left after each
            overlap = (low[first, axis] <= high[second, axis]) & (low[second, axis] <= high[first, axis])
            first, second = first[overlap], second[overlap]
        pairs.append(np.stack([first, second], 1))
    return np.concatenate(pairs)


def _edge_through(triangles: np.ndarray, normals: np.ndarray, edged: np.ndarray, pierced: np.ndarray) -> np.ndarray:
    """(p,) bool: whether an edge of triangle edged[i] passes through the inside of triangle pierced[i]; only those
    with corners on both sides of the other's plane are looked at closely."""
    offsets = np.einsum("ij,ij->i", normals, triangles[:, 0])[pierced]
    heights = [np.einsum("ij,ij->i", triangles[edged, c], normals[pierced]) - offsets for c in range(3)]
    found = (np.minimum.reduce(heights) < 0) & (np.maximum.reduce(heights) > 0)
    found[found] = _pierces(triangles[edged[found]], triangles[pierced[found]])
    return found


def _pierces(edged: np.ndarray, pierced: np.ndarray) -> np.ndarray:
    """(p,) bool: the same of triangles (p, 3, 3), edge by edge. Edges that only touch, or lie in the plane, do not
    (Möller and Trumbore, J. Graphics Tools 1997)."""
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
