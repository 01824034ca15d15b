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

from functools import cached_property

import numpy as np

from ReVertLib.errors import InputError
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.mesh.distance import check_closed
from ReVertLib.mesh.inside import inside_voxels
from ReVertLib.mesh.mesh import Mesh, mesh_volume_mm3
from ReVertLib.mesh.nearest import Nearest, nearest_on
from ReVertLib.mesh.sampling import surface_points

from .records import SurfaceMetrics

GRID_MM = 0.5
TOLERANCE_MM = 2.0


class Surface:
    """A surface known to be closed that is measured again and again: as a target, and wherever it is moved. Its points,
    what finds the nearest one on it and the voxels inside are made once."""

    def __init__(self, mesh: Mesh, samples: int, seed: int, origin: np.ndarray | None = None) -> None:
        """samples: points (samples, 3) on it. seed: of them. origin: (3,) where the grid starts that it lays as a
        target, mm; None: 2 mm below its box."""
        self.mesh = mesh
        self.points = surface_points(mesh, samples, seed)
        self.origin = mesh.vertices.min(0) - 2.0 if origin is None else origin

    @cached_property
    def nearest(self) -> Nearest:
        """What tells distances to it."""
        return nearest_on(self.mesh)

    @cached_property
    def volume_mm3(self) -> float:
        """What it encloses."""
        return abs(mesh_volume_mm3(self.mesh))

    @cached_property
    def voxels(self) -> tuple[np.ndarray, np.ndarray]:
        """Those inside, on its own grid."""
        return _filled(self.mesh, self.origin)


def surface_metrics(mesh: Mesh, target: Mesh, samples: int = 50_000, seed: int = 0) -> SurfaceMetrics:
    """The metrics of mesh against target, in one frame, from `samples` points on each surface.

    The winding of the faces does not matter. Raises InputError for a surface that is open, empty, larger than any
    vertebra or so small that no voxel centre lies inside.
    """
    check_closed(mesh, "mesh")
    check_closed(target, "target")
    surfaces = Surface(mesh, samples, seed), Surface(target, samples, seed + 1, _shared_origin(mesh, target))
    return closed_surface_metrics(*surfaces, RigidTransform.identity())


def closed_surface_metrics(surface: Surface, target: Surface, motion: RigidTransform) -> SurfaceMetrics:
    """`surface_metrics` of a surface that is moved, into the frame of the target: both stay where they are, and the
    points are moved from one to the other and back."""
    there = target.nearest.distances_mm(motion.apply(surface.points))
    back = motion.scale * surface.nearest.distances_mm(motion.inverse.apply(target.points))
    return SurfaceMetrics(
        dice=_overlap(surface.mesh.moved(motion), target),
        hd95_mm=float(max(np.percentile(there, 95), np.percentile(back, 95))),
        assd_mm=float((there.mean() + back.mean()) / 2),
        nsd_2mm=float(((there <= TOLERANCE_MM).mean() + (back <= TOLERANCE_MM).mean()) / 2),
        chamfer_mm2=float((there**2).mean() + (back**2).mean()),
        volume_mm3=motion.scale**3 * surface.volume_mm3,
        target_volume_mm3=target.volume_mm3,
    )


def dice(mesh: Mesh, target: Mesh) -> float:
    """Dice overlap on one grid of 0.5 mm that starts 2 mm below the common bounding box."""
    return _overlap(mesh, Surface(target, 1, 0, _shared_origin(mesh, target)))


def _shared_origin(mesh: Mesh, target: Mesh) -> np.ndarray:
    return np.minimum(mesh.vertices.min(0), target.vertices.min(0)) - 2.0


def _overlap(mesh: Mesh, target: Surface) -> float:
    """Dice. Each surface is filled within its own box of the target's grid only, so that surfaces far apart cost no
    memory."""
    (first, low_1), (second, low_2) = _filled(mesh, target.origin), target.voxels
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
