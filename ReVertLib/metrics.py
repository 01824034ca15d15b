"""How far a surface is from the truth: overlap, distances and volumes, all in mm.

Both meshes are closed triangle surfaces in one frame. Distances are from area-uniform points of one surface to the
nearest point of any triangle of the other. With d1 the distances from the mesh to the target and d2 back:

    Dice      2 |A and B| / (|A| + |B|), voxel centres inside each surface on one shared grid of 0.5 mm
    HD95      max(95th percentile of d1, 95th percentile of d2), each direction by itself, not pooled
    ASSD      (mean d1 + mean d2) / 2
    NSD@2mm   share of both point sets with a distance of at most 2 mm
    Chamfer   mean d1^2 + mean d2^2, mm^2 (Fan et al., CVPR 2017), with surface instead of point distances; the form
              without squares is twice the ASSD and says nothing new
"""

from __future__ import annotations

import numpy as np
import vtk
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from .errors import InputError
from .mesh import Mesh, inside_voxels, mesh_volume_mm3, to_polydata
from .reconstruction import SurfaceMetrics

GRID_MM = 0.5
TOLERANCE_MM = 2.0
_LARGEST_MM = 400.0


def surface_metrics(mesh: Mesh, target: Mesh, samples: int = 50_000, seed: int = 0) -> SurfaceMetrics:
    """The metrics of mesh against target, in one frame, from `samples` points on each surface.

    The winding of the faces does not matter. Raises InputError for a surface that is open, empty, larger than any
    vertebra or so small that no voxel centre lies inside.
    """
    check_closed(mesh, "mesh")
    check_closed(target, "target")
    there = np.abs(distances_mm(surface_points(mesh, samples, seed), target))
    back = np.abs(distances_mm(surface_points(target, samples, seed + 1), mesh))
    return SurfaceMetrics(
        dice=dice(mesh, target),
        hd95_mm=float(max(np.percentile(there, 95), np.percentile(back, 95))),
        assd_mm=float((there.mean() + back.mean()) / 2),
        nsd_2mm=float(((there <= TOLERANCE_MM).mean() + (back <= TOLERANCE_MM).mean()) / 2),
        chamfer_mm2=float((there**2).mean() + (back**2).mean()),
        volume_mm3=abs(mesh_volume_mm3(mesh)),
        target_volume_mm3=abs(mesh_volume_mm3(target)),
    )


def signed_distances(mesh: Mesh, target: Mesh) -> np.ndarray:
    """(n,) distance in mm of each vertex of mesh to the surface of target, positive outside, negative inside.

    Raises InputError when target is open or empty: it then has no inside.
    """
    check_closed(target, "target")
    return distances_mm(mesh.vertices, target)


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


def surface_points(mesh: Mesh, count: int, seed: int) -> np.ndarray:
    """(count, 3) points uniform in area: one in each of `count` equal strata of the area, the triangles in order.

    A point within a triangle is uniform by the square-root form of barycentric coordinates (Osada et al., 2002).
    """
    random = np.random.default_rng(seed)
    corner, side_1, side_2 = _corner_and_sides(mesh)
    area = np.cumsum(np.linalg.norm(np.cross(side_1, side_2), axis=1))
    if not area[-1] > 0:
        raise InputError("surface: expected a positive area, got zero")
    face = np.searchsorted(area, (np.arange(count) + random.random(count)) / count * area[-1], side="right")
    root, share = np.sqrt(random.random((count, 1))), random.random((count, 1))
    return corner[face] + root * (1 - share) * side_1[face] + root * share * side_2[face]


def _corner_and_sides(mesh: Mesh) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    a, b, c = (mesh.vertices[mesh.faces[:, i]] for i in range(3))
    return a, b - a, c - a


def distances_mm(points: np.ndarray, target: Mesh) -> np.ndarray:
    """(n,) exact distance of points (n, 3) to the triangles of target, positive outside, negative inside."""
    distance = vtk.vtkImplicitPolyDataDistance()
    distance.SetInput(to_polydata(_outward(target)))
    result = vtk.vtkDoubleArray()
    distance.FunctionValue(numpy_to_vtk(np.ascontiguousarray(points), deep=True), result)
    return vtk_to_numpy(result).copy()


def _outward(mesh: Mesh) -> Mesh:
    return mesh if mesh_volume_mm3(mesh) > 0 else Mesh(mesh.vertices, mesh.faces[:, ::-1])


def dice(mesh: Mesh, target: Mesh) -> float:
    """Dice overlap on one grid of 0.5 mm that starts 2 mm below the common bounding box.

    Each surface is filled within its own box of that grid only, so that surfaces far apart cost no memory.
    """
    origin = np.minimum(mesh.vertices.min(0), target.vertices.min(0)) - 2.0
    (first, low_1), (second, low_2) = _filled(mesh, origin), _filled(target, origin)
    total = int(first.sum()) + int(second.sum())
    if total == 0:
        raise InputError(f"mesh and target: expected surfaces in mm, got none with a voxel of {GRID_MM} mm inside")
    low = np.maximum(low_1, low_2)
    high = np.minimum(low_1 + first.shape, low_2 + second.shape)
    if (high <= low).any():
        return 0.0
    common = _part(first, low_1, low, high) & _part(second, low_2, low, high)
    return 2.0 * int(common.sum()) / total


def _part(mask: np.ndarray, mask_low: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    return mask[tuple(slice(a, b) for a, b in zip(low - mask_low, high - mask_low, strict=True))]


def _filled(mesh: Mesh, origin: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Voxels (k, j, i) of the grid at origin whose centres lie inside mesh, and the (k, j, i) index of the first."""
    low = np.floor((mesh.vertices.min(0) - origin) / GRID_MM).astype(int) - 1
    high = np.ceil((mesh.vertices.max(0) - origin) / GRID_MM).astype(int) + 1
    return inside_voxels(mesh, origin, (GRID_MM,) * 3, low, high), low[::-1]
