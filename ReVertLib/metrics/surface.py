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

from ReVertLib.errors import InputError
from ReVertLib.mesh.distance import check_closed, signed_distances_mm
from ReVertLib.mesh.inside import inside_voxels
from ReVertLib.mesh.mesh import Mesh, mesh_volume_mm3
from ReVertLib.mesh.sampling import surface_points

from .records import SurfaceMetrics

GRID_MM = 0.5
TOLERANCE_MM = 2.0


def surface_metrics(mesh: Mesh, target: Mesh, samples: int = 50_000, seed: int = 0) -> SurfaceMetrics:
    """The metrics of mesh against target, in one frame, from `samples` points on each surface.

    The winding of the faces does not matter. Raises InputError for a surface that is open, empty, larger than any
    vertebra or so small that no voxel centre lies inside.
    """
    check_closed(mesh, "mesh")
    check_closed(target, "target")
    return closed_surface_metrics(mesh, target, samples, seed)


def closed_surface_metrics(mesh: Mesh, target: Mesh, samples: int = 50_000, seed: int = 0) -> SurfaceMetrics:
    """`surface_metrics` of surfaces that are known to be closed, as when they are measured again and again."""
    there = np.abs(signed_distances_mm(surface_points(mesh, samples, seed), target))
    back = np.abs(signed_distances_mm(surface_points(target, samples, seed + 1), mesh))
    return SurfaceMetrics(
        dice=dice(mesh, target),
        hd95_mm=float(max(np.percentile(there, 95), np.percentile(back, 95))),
        assd_mm=float((there.mean() + back.mean()) / 2),
        nsd_2mm=float(((there <= TOLERANCE_MM).mean() + (back <= TOLERANCE_MM).mean()) / 2),
        chamfer_mm2=float((there**2).mean() + (back**2).mean()),
        volume_mm3=abs(mesh_volume_mm3(mesh)),
        target_volume_mm3=abs(mesh_volume_mm3(target)),
    )


def dice(mesh: Mesh, target: Mesh) -> float:
    """Dice overlap on one grid of 0.5 mm that starts 2 mm below the common bounding box.

    Each surface is filled within its own box of that grid only, so that surfaces far apart cost no memory.
    """
    origin = np.minimum(mesh.vertices.min(0), target.vertices.min(0)) - 2.0
    (first, low_1), (second, low_2) = _filled(mesh, origin), _filled(target, origin)
    total = np.count_nonzero(first) + np.count_nonzero(second)
    if total == 0:
        raise InputError(f"mesh and target: expected surfaces in mm, got none with a voxel of {GRID_MM} mm inside")
    low = np.maximum(low_1, low_2)
    high = np.minimum(low_1 + first.shape, low_2 + second.shape)
    if (high <= low).any():
        return 0.0
    common = _part(first, low_1, low, high) & _part(second, low_2, low, high)
    return 2.0 * np.count_nonzero(common) / total


def _part(mask: np.ndarray, mask_low: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    return mask[tuple(slice(a, b) for a, b in zip(low - mask_low, high - mask_low, strict=True))]


def _filled(mesh: Mesh, origin: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Voxels (k, j, i) of the grid at origin whose centres lie inside mesh, and the (k, j, i) index of the first."""
    low = np.floor((mesh.vertices.min(0) - origin) / GRID_MM).astype(int) - 1
    high = np.ceil((mesh.vertices.max(0) - origin) / GRID_MM).astype(int) + 1
    return inside_voxels(mesh, origin, (GRID_MM,) * 3, low, high), low[::-1]
