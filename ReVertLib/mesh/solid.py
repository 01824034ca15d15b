"""From the triangles of a file to a surface that bounds a solid: vertices joined, doubled faces once."""

from __future__ import annotations

import warnings

import numpy as np

from .mesh import Mesh


def as_solid(mesh: Mesh, what: str) -> Mesh:
    """The mesh as it is where it is closed. Where it is not, vertices at one place become one, as files of triangle
    corners need it; where that helps, faces with the same three corners are counted once, with a warning.

    what: how messages call it.
    """
    joint = joined(mesh)
    once = _faces_once(joint)
    if len(once.faces) < len(joint.faces) and not open_edges(once):
        doubled = len(joint.faces) - len(once.faces)
        warnings.warn(f"{what}: {doubled} of {len(mesh.faces)} faces lie on others and are left out", stacklevel=3)
        return once
    return joint if open_edges(mesh) else mesh


def open_edges(mesh: Mesh) -> int:
    """How many edges have an odd number of faces. Triangles that lost a corner are ignored."""
    faces = with_three_corners(mesh.faces)
    edges = np.sort(np.vstack([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    counts = np.unique(edges @ [len(mesh.vertices), 1], return_counts=True)[1]
    return int((counts % 2).sum())


def joined(mesh: Mesh) -> Mesh:
    """The mesh with vertices at one place as one, in the order in which they first come, and without the triangles that
    lose a corner by it."""
    order = np.lexsort(mesh.vertices.T)  # stable: of equal vertices the first comes first
    ordered = mesh.vertices[order]
    begins = np.r_[True, (ordered[1:] != ordered[:-1]).any(1)][: len(ordered)]
    first = np.empty(len(order), np.int64)
    first[order] = order[begins][np.cumsum(begins) - 1]
    kept, number = np.unique(first, return_inverse=True)
    return Mesh(mesh.vertices[kept], with_three_corners(number.reshape(-1)[mesh.faces]))


def _faces_once(mesh: Mesh) -> Mesh:
    """The mesh with one face, the first, for every three vertices."""
    first = np.unique(np.sort(mesh.faces, axis=1), axis=0, return_index=True)[1]
    return Mesh(mesh.vertices, mesh.faces[np.sort(first)])


def with_three_corners(faces: np.ndarray) -> np.ndarray:
    """The faces (m, 3) whose corners are three vertices."""
    a, b, c = faces.T
    return faces[(a != b) & (b != c) & (c != a)]
