"""Line integrals of attenuation through a volume by Joseph's method (IEEE Trans. Med. Imaging 1:192, 1982), in torch.

A ray is sampled where it meets the planes of voxel centres across the axis of the grid along which it passes most of
them, bilinearly in each plane; the samples times the way from plane to plane make the integral. Planes are taken in
slabs, and of each slab only the pixels of the rectangle in which it is seen.
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

from .rays import Lines, rays_in_grid, share_before

_PLANES_AT_ONCE = 16
"""The thickness of a slab, whose samples stay in the processor's cache."""

_SAMPLES_AT_ONCE = 1 << 24


def line_integrals(
    mu: Volume, camera_from_lps: RigidTransform, geometry: Geometry, size_px: tuple[int, int]
) -> np.ndarray:
    """`Projector.line_integrals` for a volume that is seen once."""
    return Projector(mu).line_integrals(camera_from_lps, geometry, size_px)


class Projector:
    """An attenuation volume made ready once for many views. mu: per mm, zero outside the volume, linear between voxel
    centres."""

    def __init__(self, mu: Volume) -> None:
        self._array = torch.as_tensor(np.ascontiguousarray(mu.array, np.float32)).permute(2, 1, 0)
        self._ijk_to_lps = mu.ijk_to_lps
        filled = (mu.array != 0).transpose(2, 1, 0)
        self._slabs = [_filled_slabs(filled, axis, mu.ijk_to_lps) for axis in range(3)]

    def line_integrals(
        self, camera_from_lps: RigidTransform, geometry: Geometry, size_px: tuple[int, int]
    ) -> np.ndarray:
        """The integral of mu along the ray from the source to every pixel centre: (rows, columns) float32, no unit.

        size_px: (columns, rows).
        """
        image = torch.zeros(size_px[::-1])
        boxes_mm = [camera_from_lps.apply(slabs.corners_lps) for slabs in self._slabs]
        if boxes_mm[0].size:
            u0, v0, u1, v1 = _rectangles(boxes_mm[0].reshape(1, -1, 3), geometry, size_px)[0]
            if u0 < u1:
                self._fill(image[v0:v1, u0:u1], boxes_mm, camera_from_lps, geometry.cropped(u0, v0))
        return image.numpy()

    def _fill(
        self, image: torch.Tensor, boxes_mm: list[np.ndarray], camera_from_lps: RigidTransform, geometry: Geometry
    ) -> None:
        """Adds the integrals to an image of zeros. boxes_mm: (s, 8, 3) corners of each axis' slabs, camera frame."""
        ijk_from_camera = np.linalg.inv(self._ijk_to_lps) @ camera_from_lps.inverse.matrix
        rays = rays_in_grid(ijk_from_camera, float(boxes_mm[0][..., 2].mean()), geometry, image)
        cut = boxes_mm[0][..., 2].min() < 0 or boxes_mm[0][..., 2].max() > geometry.sdd_mm
        for axis in rays.axes:
            lines = rays.across(axis, self._array.shape)
            rectangles = _rectangles(boxes_mm[axis], geometry, image.shape[::-1])
            for (first, end), (u0, v0, u1, v1) in zip(self._slabs[axis].planes, rectangles, strict=True):
                rows_at_once = max(1, _SAMPLES_AT_ONCE // max(1, (end - first) * (u1 - u0)))
                for v in range(v0, v1, rows_at_once):
                    part = (slice(v, min(v + rows_at_once, v1)), slice(u0, u1))
                    image[part].add_(self._integrals(lines, part, first, end, cut))

    def _integrals(self, lines: Lines, part: tuple[slice, slice], first: int, end: int, cut: bool) -> torch.Tensor:
        """What the planes from first up to end add to a part of the image. cut: whether rays may begin or end there."""
        plane = torch.arange(first, end, dtype=torch.float32)[:, None, None]
        at = torch.addcmul(lines.start[part], plane[..., None], lines.slope[part])
        samples = grid_sample(self._array.movedim(lines.axis, 0)[first:end, None], at, align_corners=False)[:, 0]
        if cut:
            samples = samples * (share_before(lines.detector[part] - plane) - share_before(lines.source - plane)).abs()
        return lines.step_mm[part] * samples.sum(0)


@dataclass(frozen=True)
class _Slabs:
    """The slabs across one axis of the grid that are not empty. planes: (s, 2) first and end of each. corners_lps:
    (s, 8, 3) of the boxes as far as what is filled in them reaches by interpolation, mm."""

    planes: np.ndarray
    corners_lps: np.ndarray


def _filled_slabs(filled: np.ndarray, axis: int, ijk_to_lps: np.ndarray) -> _Slabs:
    """The slabs across an axis of filled (i, j, k) bool."""
    shadows = {other: _shadow(filled, axis, other) for other in range(3) if other != axis}
    planes, corners = [], []
    for first in range(0, filled.shape[axis], _PLANES_AT_ONCE):
        parts = {other: shadow[first : first + _PLANES_AT_ONCE] for other, shadow in shadows.items()}
        sides = {other: np.flatnonzero(part.any(0)) for other, part in parts.items()}
        sides[axis] = first + np.flatnonzero(next(iter(parts.values())).any(1))
        if len(sides[axis]):
            planes.append((sides[axis][0], sides[axis][-1] + 1))
            corners.append(list(product(*((sides[a][0] - 1, sides[a][-1] + 1) for a in range(3)))))
    corners_ijk = np.reshape(corners, (-1, 8, 3))
    return _Slabs(np.reshape(planes, (-1, 2)), mapped(corners_ijk, ijk_to_lps))


def _shadow(filled: np.ndarray, axis: int, other: int) -> np.ndarray:
    """(along axis, along other) bool: whether anything is filled on the line along the third axis."""
    shadow = filled.any(3 - axis - other)
    return shadow if axis < other else shadow.T


def _rectangles(boxes_mm: np.ndarray, geometry: Geometry, size_px: tuple[int, int]) -> np.ndarray:
    """(s, 4) u0, v0, u1, v1: the pixels u0 <= u < u1, v0 <= v < v1 of the image whose rays can meet the hulls of s
    times n points (s, n, 3) in the camera frame, none where u0 = u1; all of them where a point is behind the source."""
    behind = boxes_mm[..., 2] <= 0
    depth_mm = np.where(behind, 1.0, boxes_mm[..., 2])
    pixels = geometry.principal_point_px + geometry.focal_px * boxes_mm[..., :2] / depth_mm[..., None]
    everywhere = behind.any(1)[:, None]
    lower = np.where(everywhere, 0, np.clip(np.ceil(pixels.min(1)), 0, size_px))
    upper = np.where(everywhere, size_px, np.clip(np.floor(pixels.max(1)) + 1, 0, size_px))
    upper = np.where((lower < upper).all(1)[:, None], upper, lower)
    return np.hstack([lower, upper]).astype(int)
