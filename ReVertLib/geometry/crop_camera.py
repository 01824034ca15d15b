"""The camera of every crop: the one through which the network sees a vertebra, whatever the detector was.

A pinhole at the same source, turned so that its principal ray passes through the centre of the vertebra's box. Its
square field of view is CROP_FIELD_MM wide at the vertebra's depth and fills the crop.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import numpy as np

from .camera import Geometry
from .transform import RigidTransform
from .views import rotation_to_ray

CROP_SIZE_PX = 128
CROP_FIELD_MM = 112.0
CROP_PIXEL_MM = CROP_FIELD_MM / CROP_SIZE_PX
"""The size of a pixel of the crop at the vertebra's depth."""

GRID_PER_MM = 2.0 / CROP_FIELD_MM
"""From mm at the vertebra's depth to the coordinates of `grid_sample`, which run from -1 to 1 across the crop."""

Array = TypeVar("Array")


def crop_camera(
    sod_mm: float, sdd_mm: float | None = None, size_px: int = CROP_SIZE_PX, level: str | None = None
) -> Geometry:
    """The camera of a crop of size_px whose vertebra has depth sod_mm. sdd_mm: the detector's depth, on which no crop
    depends; 1.5 sod_mm if None."""
    sdd_mm = 1.5 * sod_mm if sdd_mm is None else sdd_mm
    spacing_mm = CROP_FIELD_MM / size_px * sdd_mm / sod_mm
    return Geometry(sdd_mm, sod_mm, (spacing_mm,) * 2, ((size_px - 1) / 2,) * 2, level)


def crop_geometry(geometry: Geometry, size_px: int = CROP_SIZE_PX) -> tuple[Geometry, RigidTransform]:
    """(crop geometry, camera_from_crop) of a radiograph whose box_px is known: its crop's camera, and the rotation from
    that camera's frame to the radiograph's."""
    u0, v0, u1, v1 = geometry.box_px
    ray = geometry.backproject(np.array([[(u0 + u1 - 1) / 2, (v0 + v1 - 1) / 2]]), 1.0)[0]
    length = np.linalg.norm(ray)  # both distances are along the crop's principal ray
    camera = crop_camera(geometry.sod_mm, geometry.sdd_mm, size_px, geometry.level)
    camera = replace(camera, sdd_mm=geometry.sdd_mm * length, sod_mm=geometry.sod_mm * length)
    return camera, RigidTransform.turn(rotation_to_ray(ray))


def projected(points: Array, sod_mm: Array, scale: float = 1.0) -> Array:
    """(B, n, 2) where points (B, n, 3) of crop cameras, mm, fall on the planes at the vertebrae's depths sod_mm (B,):
    mm from the principal ray times scale. Arrays of numpy or tensors of torch."""
    return points[..., :2] / points[..., 2:] * (scale * sod_mm[:, None, None])
