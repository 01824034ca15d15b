"""Cylinders of metal: their exact line integrals, and their voxels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.imaging.volume import Volume


@dataclass(frozen=True)
class Cylinder:
    """A solid of start, end (3,) LPS mm, radius_mm and attenuation mu per mm."""

    start: np.ndarray
    end: np.ndarray
    radius_mm: float
    mu: float

    def line_integrals(
        self, camera_from_lps: RigidTransform, geometry: Geometry, size_px: tuple[int, int]
    ) -> np.ndarray:
        """(rows, columns) attenuation times the length of each ray inside."""
        columns, rows = size_px
        start, end = camera_from_lps.apply(np.stack([self.start, self.end]))
        v, u = np.mgrid[:rows, :columns].reshape(2, -1)
        rays = geometry.backproject(np.stack([u, v], 1), 1.0)
        rays /= np.linalg.norm(rays, axis=1, keepdims=True)
        return (self.mu * self._chords(rays, start, end)).reshape(rows, columns)

    def _chords(self, rays: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
        """(n,) mm of unit rays (n, 3) from the origin within the cylinder from start to end, same frame."""
        length = np.linalg.norm(end - start)
        axis = (end - start) / length
        along, offset = rays @ axis, -start @ axis
        across, beside = rays - along[:, None] * axis, -start - offset * axis
        a, b = np.maximum((across**2).sum(1), 1e-12), across @ beside
        root = b**2 - a * (beside @ beside - self.radius_mm**2)
        with np.errstate(divide="ignore", invalid="ignore"):
            half = np.sqrt(np.maximum(root, 0)) / a
            first, last = np.sort([-offset / along, (length - offset) / along], axis=0)
            chord = np.minimum(-b / a + half, last) - np.maximum(-b / a - half, first)
        return np.where((root > 0) & (chord > 0), chord, 0.0)

    def drawn_on(self, mu: Volume) -> None:
        """Sets the voxels of an axis-aligned volume within the cylinder to its attenuation."""
        ends = np.stack([self.start, self.end])
        part = mu.cropped(*mu.box_around(np.vstack([ends - self.radius_mm, ends + self.radius_mm])))
        points = np.stack(np.broadcast_arrays(*part.coordinates_lps()), -1) - self.start
        length = np.linalg.norm(self.end - self.start)
        axis = (self.end - self.start) / length
        along = points @ axis
        off = np.linalg.norm(points - along[..., None] * axis, axis=-1)
        near = off <= max(self.radius_mm, mu.spacing_mm.max() / 2)
        part.array[near & (along >= 0) & (along <= length)] = self.mu
