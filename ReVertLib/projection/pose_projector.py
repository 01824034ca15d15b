"""Line integrals through a volume that moves, with their derivative by its pose, in torch.

Rays are sampled trilinearly where they meet planes of equal depth. Where the volume moves by a field d(p), the
attenuation at a point p changes by -grad mu . d(p); of a small motion d = t + r x (p - c) the derivative of a line
integral is therefore made of two integrals of the gradient, that of grad mu and that of depth times grad mu.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from torch.nn.functional import grid_sample

from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.transform import RigidTransform, mapped
from ReVertLib.imaging.volume import Volume


@dataclass(frozen=True)
class MovedImage:
    """integrals: (rows, columns), no unit. by_pose: (6, rows, columns) their derivative by a translation along X, Y
    and Z of the camera, per mm, and by a rotation about axes along X, Y and Z through a centre, per radian."""

    integrals: torch.Tensor
    by_pose: torch.Tensor


class PoseProjector:
    """An attenuation volume made ready for many poses. mu: per mm, zero outside the volume, linear between voxel
    centres; its gradient is that of central differences, linear between them, too."""

    def __init__(self, mu: Volume) -> None:
        array = np.pad(np.asarray(mu.array, np.float32), 2)
        shift = np.eye(4)
        shift[:3, 3] = -2
        self._ijk_to_lps = mu.ijk_to_lps @ shift
        along_kji = np.stack(np.gradient(array))
        by_lps = np.linalg.inv(self._ijk_to_lps[:3, :3]).T @ along_kji[::-1].reshape(3, -1)
        channels = np.concatenate([array[None], by_lps.reshape(3, *array.shape).astype(np.float32)])
        self._channels = torch.from_numpy(np.ascontiguousarray(channels))[None]
        self._size = np.array(array.shape[::-1])
        self._corners_lps = mapped(_corners_of_filled(array), self._ijk_to_lps)

    def image(
        self, camera_from_lps: RigidTransform, geometry: Geometry, size_px: tuple[int, int], step_mm: float
    ) -> torch.Tensor:
        """(rows, columns) the integral of mu along the ray from the source to every pixel centre, no unit. size_px:
        (columns, rows). step_mm: from plane to plane."""
        samples, rays, planes = self._sampled(self._channels[:, :1], camera_from_lps, geometry, size_px, step_mm)
        return samples[0].sum(0) * rays.norm(dim=-1) * planes.step_mm

    def moved_image(
        self,
        camera_from_lps: RigidTransform,
        centre_mm: np.ndarray,
        geometry: Geometry,
        size_px: tuple[int, int],
        step_mm: float,
    ) -> MovedImage:
        """`image` and its derivative by the pose. centre_mm: (3,) the centre of rotations, camera frame."""
        samples, rays, planes = self._sampled(self._channels, camera_from_lps, geometry, size_px, step_mm)
        length = rays.norm(dim=-1) * planes.step_mm
        turn = torch.tensor(np.asarray(camera_from_lps.rotation), dtype=torch.float32)
        integrals = samples[0].sum(0) * length
        away = planes.depths_mm - float(centre_mm[2])
        gradient = torch.einsum("ab,brc->arc", turn, samples[1:].sum(1)) * length
        weighted = torch.einsum("ab,bprc,p->arc", turn, samples[1:], away) * length
        # Along a ray there is nothing outside on either side: the integral of its own derivative is 0, and that
        # weighted by depth is, by parts, minus the integral itself. So Z follows, without the error of sampling.
        across = rays[..., :2].permute(2, 0, 1)
        gradient[2] = -(across * gradient[:2]).sum(0)
        weighted[2] = -integrals - (across * weighted[:2]).sum(0)
        # p - c = (depth - cz) * ray + (cz * ray - c): the first differs along a ray, the second is one for all of it.
        beside = float(centre_mm[2]) * rays - torch.tensor(centre_mm, dtype=torch.float32)
        rays, beside = rays.permute(2, 0, 1), beside.permute(2, 0, 1)
        turning = torch.linalg.cross(rays, weighted, dim=0) + torch.linalg.cross(beside, gradient, dim=0)
        return MovedImage(integrals, -torch.cat([gradient, turning]))

    def _sampled(
        self,
        channels: torch.Tensor,
        camera_from_lps: RigidTransform,
        geometry: Geometry,
        size_px: tuple[int, int],
        step_mm: float,
    ) -> tuple[torch.Tensor, torch.Tensor, _Planes]:
        """(channels, planes, rows, columns) samples, (rows, columns, 3) the rays per mm of depth, and the planes."""
        depths_mm = camera_from_lps.apply(self._corners_lps)[:, 2]
        planes = _Planes.between(max(depths_mm.min(), 0.0), min(depths_mm.max(), geometry.sdd_mm), step_mm)
        rays = _rays(geometry, size_px)
        index = np.linalg.inv(self._ijk_to_lps) @ camera_from_lps.inverse.matrix
        middle_mm = float(planes.depths_mm.mean()) if len(planes.depths_mm) else 0.0
        slope = rays @ index[:3, :3].T
        start = middle_mm * slope + index[:3, 3]
        scale = 2 / self._size
        start, slope = (torch.tensor(a, dtype=torch.float32) for a in ((2 * start + 1) / self._size - 1, slope * scale))
        away = (planes.depths_mm - middle_mm)[:, None, None, None]
        grid = torch.addcmul(start, away, slope)[None]
        samples = grid_sample(channels, grid, align_corners=False)[0]
        return samples, torch.tensor(rays, dtype=torch.float32), planes


def _corners_of_filled(array: np.ndarray) -> np.ndarray:
    """(8, 3) voxel indices (i, j, k) of the box that what is not 0 of (k, j, i) reaches by interpolation; of a point
    where nothing is."""
    filled = [np.flatnonzero(array.any(other)) for other in ((0, 1), (0, 2), (1, 2))]
    sides = [(along[0] - 1, along[-1] + 1) if len(along) else (0, 0) for along in filled]
    return np.array(list(product(*sides)), float)


@dataclass(frozen=True)
class _Planes:
    """depths_mm: (p,) of the planes, in the middle of steps of step_mm."""

    depths_mm: torch.Tensor
    step_mm: float

    @staticmethod
    def between(first_mm: float, last_mm: float, step_mm: float) -> _Planes:
        first, end = int(np.floor(first_mm / step_mm)), int(np.ceil(last_mm / step_mm))
        return _Planes(step_mm * (torch.arange(first, max(first, end)) + 0.5), step_mm)


def _rays(geometry: Geometry, size_px: tuple[int, int]) -> np.ndarray:
    """(rows, columns, 3) the way to pixel centres per mm of depth."""
    u, v = np.meshgrid(*map(np.arange, size_px))
    pixels = np.stack([u, v], -1).reshape(-1, 2)
    return geometry.backproject(pixels, 1.0).reshape(size_px[1], size_px[0], 3)
