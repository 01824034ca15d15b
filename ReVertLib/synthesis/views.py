"""From where samples are seen: the views of a clinic and, at times, any other."""

from __future__ import annotations

import numpy as np

from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.views import view_rotation

SOD_MM = (450.0, 850.0)
"""Between these lies the distance of the source from the vertebra."""

FILM_SOD_MM = (450.0, 950.0)
FAR_SHARE, FAR_SOD_MM = 0.05, 4000.0
"""Of the films, those whose rays are nearly parallel, and the most that the source is away then."""
WRONG_SOD_SHARE, WRONG_SOD = 0.3, 0.025
"""Of the films, those whose stated distance is wrong, and the standard deviation of its logarithm then."""
BOX_PX, LOOSE_BOX_PX, LOOSE_SHARE = 2.5, 7.0, 0.3
"""Standard deviation of where the crop is centred: by a box drawn by hand, and by a click or a hasty box."""


def sample_view(rng: np.random.Generator) -> np.ndarray:
    """(3, 3) camera from LPS: mostly near AP, lateral or oblique, at times from anywhere on the published circles."""
    roll = rng.normal(0, 6)
    kind = rng.random()
    if kind < 0.8:
        return view_rotation(_clinical_yaw_deg(rng) + rng.normal(0, 7), rng.normal(0, 10), roll)
    if kind < 0.9:
        return view_rotation(rng.uniform(-180, 180), rng.normal(0, 8), roll)
    return view_rotation(rng.normal(0, 6), rng.uniform(-180, 180), roll)


def film_view(rng: np.random.Generator) -> np.ndarray:
    """(3, 3) camera from LPS of a film: near AP, PA, either lateral or oblique, at times from anywhere around the
    patient, and rarely from anywhere on the published circle of pitches."""
    kind, roll = rng.random(), rng.normal(0, 6)
    if kind < 0.5:
        return view_rotation(_film_yaw_deg(rng) + rng.normal(0, 8), rng.normal(0, 10), roll)
    if kind < 0.92:
        return view_rotation(rng.uniform(-180, 180), rng.normal(0, 12), roll)
    return view_rotation(rng.normal(0, 6), rng.uniform(-180, 180), roll)


def aligned_view(axes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(3, 3) camera from LPS of a clinical view along the axes of a CT, as DRRs of CTs are taken: their slices then
    show as columns. axes: (3, 3) rotation from LPS to those axes (`scan.patient_axes`)."""
    return view_rotation(_clinical_yaw_deg(rng)) @ axes


def _clinical_yaw_deg(rng: np.random.Generator) -> float:
    return float(rng.choice([0, 0, 0, 90, -90, 90, -90, 25, -25, 25, -25]))


def _film_yaw_deg(rng: np.random.Generator) -> float:
    return float(rng.choice([0, 0, 0, 180, 180, 90, 90, -90, -90, 25, -25, 45, -45, 155, -155]))


def sample_sod_mm(rng: np.random.Generator) -> float:
    """The distance of the source from the vertebra."""
    return rng.uniform(*SOD_MM)


def film_sod_mm(rng: np.random.Generator) -> tuple[float, float]:
    """(true, stated) distance of the source from a vertebra on a film."""
    true_mm = rng.uniform(*FILM_SOD_MM)
    if rng.random() < FAR_SHARE:
        true_mm = rng.uniform(FILM_SOD_MM[1], FAR_SOD_MM)
    wrong = rng.normal(0, WRONG_SOD) if rng.random() < WRONG_SOD_SHARE else 0.0
    return true_mm, true_mm * np.exp(wrong)


def sample_position(
    vertices: np.ndarray, sod_mm: float, camera: Geometry, rng: np.random.Generator, off_px: float = BOX_PX
) -> np.ndarray:
    """(3,) where the origin of rotated vertices (n, 3) goes so that their image is centred in the crop to within the
    error off_px of the box."""
    centre = np.array(camera.principal_point_px) + rng.normal(0, off_px, 2)
    position = np.array([0.0, 0.0, sod_mm])
    for _ in range(3):
        image = camera.project(vertices + position)
        off = centre - (image.min(0) + image.max(0)) / 2
        position[:2] += off / camera.focal_px * sod_mm
    return position
