"""Exact distances from points to the triangles of a closed surface."""

from __future__ import annotations

import numpy as np
from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkDoubleArray
from vtkmodules.vtkFiltersCore import vtkImplicitPolyDataDistance

from ReVertLib.errors import InputError

from .mesh import Mesh, mesh_volume_mm3
from .polydata import to_polydata

_LARGEST_MM = 400.0


def vertex_distances_mm(mesh: Mesh, target: Mesh) -> np.ndarray:
    """(n,) distance in mm of each vertex of mesh to the surface of target, positive outside, negative inside.

    Raises InputError when target is open or empty: it then has no inside.
    """
    check_closed(target, "target")
    return signed_distances_mm(mesh.vertices, target)


def check_closed(mesh: Mesh, what: str) -> None:
    """Raises InputError unless mesh bounds a volume of plausible size: every edge has an even number of faces.

    Even and not two, because writing a surface in single precision may merge two close vertices and so pinch it;
    triangles that lost a corner this way are ignored.
    """
    a, b, c = mesh.faces.T
    faces = mesh.faces[(a != b) & (b != c) & (c != a)]
    if len(faces) == 0:
        raise InputError(f"{what}: expected a surface with triangles, got none")
    edges = np.sort(np.vstack([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    counts = np.unique(edges @ [len(mesh.vertices), 1], return_counts=True)[1]
    if (counts % 2).any():
        raise InputError(f"{what}: expected a closed surface, got one with {int((counts % 2).sum())} open edges")
    size_mm = np.ptp(mesh.vertices, axis=0).max()
    if size_mm > _LARGEST_MM:
        raise InputError(f"{what}: expected a vertebra in mm, at most {_LARGEST_MM:g} across, got {size_mm:.4g}")


def signed_distances_mm(points: np.ndarray, target: Mesh) -> np.ndarray:
    """(n,) exact distance of points (n, 3) to the triangles of target, mm, positive outside, negative inside."""
    distance = vtkImplicitPolyDataDistance()
    distance.SetInput(to_polydata(_outward(target)))
    result = vtkDoubleArray()
    distance.FunctionValue(numpy_to_vtk(np.ascontiguousarray(points), deep=True), result)
    return vtk_to_numpy(result).copy()


def _outward(mesh: Mesh) -> Mesh:
    return mesh if mesh_volume_mm3(mesh) > 0 else Mesh(mesh.vertices, mesh.faces[:, ::-1])
