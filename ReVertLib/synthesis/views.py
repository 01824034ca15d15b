"""From where samples are seen: the views of a clinic and, at times, any other."""

from __future__ import annotations

import numpy as np

from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.views import view_rotation

SOD_MM = (450.0, 850.0)
"""Between these lies the distance of the source from the vertebra."""


def sample_view(rng: np.random.Generator) -> np.ndarray:
    """(3, 3) camera from LPS: mostly near AP, lateral or oblique, at times from anywhere on the published circles."""
    roll = rng.normal(0, 6)
    kind = rng.random()
    if kind < 0.8:
        return view_rotation(_clinical_yaw_deg(rng) + rng.normal(0, 7), rng.normal(0, 10), roll)
    if kind < 0.9:
        return view_rotation(rng.uniform(-180, 180), rng.normal(0, 8), roll)
    return view_rotation(rng.normal(0, 6), rng.uniform(-180, 180), roll)


def aligned_view(axes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(3, 3) camera from LPS of a clinical view along the axes of a CT, as DRRs of CTs are taken: their slices then
    show as columns. axes: (3, 3) rotation from LPS to those axes (`scan.patient_axes`)."""
    return view_rotation(_clinical_yaw_deg(rng)) @ axes


def _clinical_yaw_deg(rng: np.random.Generator) -> float:
    return float(rng.choice([0, 0, 0, 90, -90, 90, -90, 25, -25, 25, -25]))


def sample_sod_mm(rng: np.random.Generator) -> float:
    """The distance of the source from the vertebra."""
    return rng.uniform(*SOD_MM)


def sample_position(vertices: np.ndarray, sod_mm: float, camera: Geometry, rng: np.random.Generator) -> np.ndarray:
    """(3,) where the origin of rotated vertices (n, 3) goes so that their image is centred in the crop to within the
    error of a hand-drawn box."""
    centre = np.array(camera.principal_point_px) + rng.normal(0, 2.5, 2)
    position = np.array([0.0, 0.0, sod_mm])
    for _ in range(3):
        image = camera.project(vertices + position)
        off = centre - (image.min(0) + image.max(0)) / 2
        position[:2] += off / camera.focal_px * sod_mm
    return position
