"""Exact distances from points to the triangles of a closed surface."""

from __future__ import annotations

import numpy as np
from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkDoubleArray
from vtkmodules.vtkFiltersCore import vtkImplicitPolyDataDistance

from ReVertLib.errors import InputError

from .mesh import Mesh, mesh_volume_mm3
from .polydata import to_polydata
from .solid import open_edges, with_three_corners

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
    if len(with_three_corners(mesh.faces)) == 0:
        raise InputError(f"{what}: expected a surface with triangles, got none")
    if unpaired := open_edges(mesh):
        raise InputError(f"{what}: expected a closed surface, got one with {unpaired} open edges")
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


def offsets_mm(points: np.ndarray, target: Mesh) -> np.ndarray:
    """(n, 3) from the nearest point on the triangles of target to each of points (n, 3), mm."""
    distance = vtkImplicitPolyDataDistance()
    distance.SetInput(to_polydata(_outward(target)))
    nearest, found = [0.0, 0.0, 0.0], np.empty((len(points), 3))
    for i, point in enumerate(np.asarray(points, float).tolist()):
        distance.EvaluateFunctionAndGetClosestPoint(point, nearest)
        found[i] = nearest
    return points - found


def beam_parts_mm(points: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """(3, n) the length of offsets (n, 3), mm, and their parts across and along the ray from the origin of the camera
    frame through points (n, 3)."""
    rays = points / np.linalg.norm(points, axis=1, keepdims=True)
    along = (offsets * rays).sum(1)
    across = np.linalg.norm(offsets - along[:, None] * rays, axis=1)
    return np.stack([np.linalg.norm(offsets, axis=1), across, np.abs(along)])


def _outward(mesh: Mesh) -> Mesh:
    return mesh if mesh_volume_mm3(mesh) > 0 else Mesh(mesh.vertices, mesh.faces[:, ::-1])
