"""Line integrals of attenuation through a volume, by nanodrr's ray marcher; rays that meet nothing are not sampled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from nanodrr.data import Subject
from nanodrr.data.preprocess import hu_to_mu
from nanodrr.drr import render
from scipy import ndimage

from .geometry import Geometry, place_in_camera
from .volume import Volume

_SAMPLES_AT_ONCE = 4_000_000


@dataclass(frozen=True)
class Pose:
    """Where the patient stands in the camera frame: camera point = rotation @ (lps - centre_lps) + position_mm."""

    rotation: np.ndarray
    centre_lps: np.ndarray
    position_mm: np.ndarray

    @property
    def camera_from_lps(self) -> np.ndarray:
        """(4, 4) from LPS to camera, mm."""
        matrix = np.eye(4)
        matrix[:3, :3] = self.rotation
        matrix[:3, 3] = self.position_mm - self.rotation @ self.centre_lps
        return matrix

    @property
    def lps_from_camera(self) -> np.ndarray:
        """(4, 4) from camera to LPS, mm."""
        matrix = np.eye(4)
        matrix[:3, :3] = self.rotation.T
        matrix[:3, 3] = self.centre_lps - self.rotation.T @ self.position_mm
        return matrix


def attenuation(ct: Volume, inside: np.ndarray | None = None) -> Volume:
    """Attenuation per mm at about 70 keV from Hounsfield units; zero outside the (k, j, i) bool mask when given."""
    mu = hu_to_mu(torch.as_tensor(ct.array.astype(np.float32))).numpy()
    return Volume(mu if inside is None else mu * inside, ct.ijk_to_lps)


def line_integrals(
    mu: Volume, pose: Pose, geometry: Geometry, size_px: tuple[int, int], step_mm: float = 0.5
) -> np.ndarray:
    """`Projector.line_integrals` for a volume that is seen once."""
    return Projector(mu).line_integrals(pose, geometry, size_px, step_mm)


class Projector:
    """An attenuation volume made ready once for many views.

    mu: per mm, zero outside the volume, trilinear between voxel centres.
    """

    def __init__(self, mu: Volume) -> None:
        self._subject = _subject(mu)
        self._spacing_mm = mu.spacing_mm
        self._reach_mm = float(np.linalg.norm(mu.spacing_mm * (np.array(mu.array.shape[::-1]) + 2)))
        filled = mu.array != 0
        skin = filled & ~ndimage.binary_erosion(filled, np.ones((3, 3, 3)))
        k, j, i = np.nonzero(skin)
        self._skin_lps = np.stack([i, j, k], 1) @ mu.ijk_to_lps[:3, :3].T + mu.ijk_to_lps[:3, 3]

    def line_integrals(
        self, pose: Pose, geometry: Geometry, size_px: tuple[int, int], step_mm: float = 0.5
    ) -> np.ndarray:
        """The integral of mu along the ray to every pixel centre: (rows, columns) float32, no unit.

        size_px: (columns, rows). step_mm bounds the distance between samples on a ray inside the volume.
        """
        columns, rows = size_px
        image = np.zeros((rows, columns), np.float32)
        v, u = np.nonzero(self._touched(pose, geometry, size_px))
        targets = geometry.backproject(np.stack([u, v], 1), geometry.sdd_mm)
        samples = max(2, int(np.ceil(self._reach_mm / step_mm)))
        for part in np.array_split(np.arange(len(u)), 1 + len(u) * samples // _SAMPLES_AT_ONCE):
            image[v[part], u[part]] = self._integrals(pose, geometry, targets[part], samples)
        return image

    def _integrals(self, pose: Pose, geometry: Geometry, targets: np.ndarray, samples: int) -> np.ndarray:
        """(n,) integrals along the rays from the source to targets (n, 3) in the camera frame."""
        matrices = (np.linalg.inv(geometry.matrix)[None], pose.lps_from_camera[None], [geometry.sdd_mm])
        k_inverse, lps_from_camera, sdd = (torch.as_tensor(np.asarray(m), dtype=torch.float32) for m in matrices)
        rays = torch.as_tensor(targets[None], dtype=torch.float32)
        image = render(self._subject, k_inverse, lps_from_camera, sdd, 1, len(targets), samples, tgt=rays)
        return image[0, 0, 0].numpy()

    def _touched(self, pose: Pose, geometry: Geometry, size_px: tuple[int, int]) -> np.ndarray:
        """(rows, columns) bool: False only where the ray meets nothing but zeros, so that it need not be sampled.

        A ray through anything passes the outermost filled voxels within one voxel's diagonal; all pixels that close
        to the image of such a voxel are kept.
        """
        columns, rows = size_px
        points = place_in_camera(self._skin_lps, pose.centre_lps, pose.rotation, 0.0) + pose.position_mm
        reach_mm = float(np.linalg.norm(self._spacing_mm))
        if len(points) == 0:
            return np.zeros((rows, columns), bool)
        nearest_mm = points[:, 2].min() - reach_mm
        if nearest_mm <= 0:  # the source stands inside the volume
            return np.ones((rows, columns), bool)
        pixels = geometry.project(points)
        slope = np.linalg.norm(points[:, :2], axis=1).max() / nearest_mm
        reach_px = 1 + int(np.ceil(geometry.focal_px.max() * reach_mm / nearest_mm * (1 + slope)))
        u, v = np.rint(pixels).astype(int).T + reach_px
        canvas = np.ones((rows + 2 * reach_px, columns + 2 * reach_px), bool)
        seen = (u >= 0) & (v >= 0) & (u < canvas.shape[1]) & (v < canvas.shape[0])
        canvas[v[seen], u[seen]] = False
        near = ndimage.distance_transform_edt(canvas) <= reach_px if seen.any() else ~canvas
        return near[reach_px : reach_px + rows, reach_px : reach_px + columns]


def _subject(mu: Volume) -> Subject:
    """The renderer's own form of a volume, its world being LPS."""
    array = torch.as_tensor(np.ascontiguousarray(mu.array, np.float32))[None, None]
    size = np.array(mu.array.shape[::-1])
    voxel_to_grid = np.eye(4)  # voxel i's centre at (2 i + 1) / size - 1, as grid_sample without aligned corners
    voxel_to_grid[:3, :3] = np.diag(2.0 / size)
    voxel_to_grid[:3, 3] = 1.0 / size - 1.0
    matrices = (mu.ijk_to_lps, np.linalg.inv(mu.ijk_to_lps), voxel_to_grid, np.zeros(3))
    to_world, to_voxel, to_grid, isocentre = (torch.as_tensor(m, dtype=torch.float32) for m in matrices)
    return Subject(array, torch.zeros_like(array), to_world, to_voxel, to_grid, isocentre, 0, convert_to_mu=False)
