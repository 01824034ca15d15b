"""Line integrals through a volume that moves, with their derivative by its pose, in torch.

Rays are sampled by Joseph's method, as in `projector`. Where the volume moves by a field d(p), the attenuation at a
point p changes by -grad mu . d(p); of a small motion d = t + r x (p - c) the derivative of a line integral is therefore
made of two integrals of the gradient, that of grad mu and that of depth times grad mu.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import grid_sample

from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.imaging.volume import Volume

from .rays import Rays, rays_in_grid


@dataclass(frozen=True)
class MovedImage:
    """integrals: (rows, columns), no unit. by_pose: (6, rows, columns) their derivative by a translation along X, Y
    and Z of the camera, per mm, and by a rotation about axes along X, Y and Z through a centre, per radian."""

    integrals: torch.Tensor
    by_pose: torch.Tensor


class PoseProjector:
    """An attenuation volume made ready for many poses. mu: per mm, zero outside the volume, linear between voxel
    centres; its gradient is that of central differences, linear between them, too. What is at or behind the source, or
    beyond the detector, is not cut off."""

    def __init__(self, mu: Volume) -> None:
        array = np.pad(np.asarray(mu.array, np.float32), 1)
        shift = np.eye(4)
        shift[:3, 3] = -1
        self._ijk_to_lps = mu.ijk_to_lps @ shift
        self._centre_lps = mu.centre_lps
        along_kji = np.stack(np.gradient(array))
        by_lps = np.linalg.inv(self._ijk_to_lps[:3, :3]).T @ along_kji[::-1].reshape(3, -1)
        channels = np.concatenate([array[None], by_lps.reshape(3, *array.shape).astype(np.float32)])
        # By the axis along which rays pass most voxels: (planes, channels, ...), the planes' own axes as of Lines.
        kji = torch.from_numpy(channels)
        self._planes = {0: kji.permute(3, 0, 2, 1), 1: kji.permute(2, 0, 3, 1), 2: kji.permute(1, 0, 3, 2)}
        self._planes = {axis: planes.contiguous() for axis, planes in self._planes.items()}
        self._size = tuple(int(n) for n in array.shape[::-1])

    def image(self, camera_from_lps: RigidTransform, geometry: Geometry, size_px: tuple[int, int]) -> torch.Tensor:
        """(rows, columns) the integral of mu along the ray from the source to every pixel centre, no unit. size_px:
        (columns, rows)."""
        image = torch.zeros(size_px[::-1])
        rays = self._rays(camera_from_lps, geometry, image)
        for axis in rays.axes:
            samples, steps_mm, _ = self._sampled(rays, axis, 1)
            image += samples[:, 0].sum(0) * steps_mm
        return image

    def moved_image(
        self, camera_from_lps: RigidTransform, centre_mm: np.ndarray, geometry: Geometry, size_px: tuple[int, int]
    ) -> MovedImage:
        """`image` and its derivative by the pose. centre_mm: (3,) the centre of rotations, camera frame."""
        integrals = torch.zeros(size_px[::-1])
        by_lps, weighted_by_lps = (torch.zeros(3, *size_px[::-1]) for _ in range(2))
        rays = self._rays(camera_from_lps, geometry, integrals)
        for axis in rays.axes:
            samples, steps_mm, depths_mm = self._sampled(rays, axis, 4)
            integrals += samples[:, 0].sum(0) * steps_mm
            by_lps += samples[:, 1:].sum(0) * steps_mm
            away = (depths_mm - float(centre_mm[2])) * steps_mm
            weighted_by_lps += (samples[:, 1:] * away[:, None]).sum(0)
        turn = torch.tensor(np.asarray(camera_from_lps.rotation), dtype=torch.float32)
        gradient, weighted = (torch.einsum("ab,brc->arc", turn, one) for one in (by_lps, weighted_by_lps))
        directions = _directions(geometry, size_px)
        # Along a ray there is nothing outside on either side: the integral of its own derivative is 0, and that
        # weighted by depth is, by parts, minus the integral itself. So Z follows, without the error of sampling.
        gradient[2] = -(directions[:2] * gradient[:2]).sum(0)
        weighted[2] = -integrals - (directions[:2] * weighted[:2]).sum(0)
        # p - c = (depth - cz) * ray + (cz * ray - c): the first differs along a ray, the second is one for all of it.
        beside = float(centre_mm[2]) * directions - torch.tensor(centre_mm, dtype=torch.float32)[:, None, None]
        turning = torch.linalg.cross(directions, weighted, dim=0) + torch.linalg.cross(beside, gradient, dim=0)
        return MovedImage(integrals, -torch.cat([gradient, turning]))

    def _rays(self, camera_from_lps: RigidTransform, geometry: Geometry, image: torch.Tensor) -> Rays:
        ijk_from_camera = np.linalg.inv(self._ijk_to_lps) @ camera_from_lps.inverse.matrix
        depth_mm = float(camera_from_lps.apply(self._centre_lps[None])[0, 2])
        return rays_in_grid(ijk_from_camera, depth_mm, geometry, image)

    def _sampled(self, rays: Rays, axis: int, channels: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """(planes, channels, rows, columns) samples where rays meet the planes across an axis; (rows, columns) the way
        from plane to plane, mm, 0 for the rays of other axes; (planes, rows, columns) the depths, mm."""
        lines = rays.across(axis, self._size)
        plane = torch.arange(self._size[axis], dtype=torch.float32)[:, None, None]
        at = torch.addcmul(lines.start, plane[..., None], lines.slope)
        samples = grid_sample(self._planes[axis][:, :channels], at, align_corners=False)
        speed = torch.where(lines.step_mm > 0, rays.direction[..., axis], 1.0)
        return samples, lines.step_mm, (plane - lines.source) / speed


def _directions(geometry: Geometry, size_px: tuple[int, int]) -> torch.Tensor:
    """(3, rows, columns) the way to pixel centres per mm of depth."""
    u, v = np.meshgrid(*map(np.arange, size_px))
    pixels = np.stack([u, v], -1).reshape(-1, 2)
    rays = geometry.backproject(pixels, 1.0).reshape(size_px[1], size_px[0], 3)
    return torch.tensor(rays, dtype=torch.float32).permute(2, 0, 1)
