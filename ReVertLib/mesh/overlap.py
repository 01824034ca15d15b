"""How much of space two closed surfaces share."""

from __future__ import annotations

import numpy as np

from .mesh import Mesh
from .polydata import inside_voxels

CELL_MM = 1.0


def shared_volume_mm3(first: Mesh, second: Mesh) -> float:
    """The volume inside both of two closed surfaces, in cells of 1 mm, mm^3."""
    meshes = first, second
    low = np.max([mesh.vertices.min(0) for mesh in meshes], axis=0)
    size = np.ceil(np.min([mesh.vertices.max(0) for mesh in meshes], axis=0) - low).astype(int)
    if (size <= 0).any():
        return 0.0
    cells = (low + CELL_MM / 2, np.full(3, CELL_MM), np.zeros(3, int), size - 1)
    inside = [inside_voxels(mesh, *cells) for mesh in meshes]
    return float((inside[0] & inside[1]).sum()) * CELL_MM**3
