"""The camera of a crop: homographies by hand, the box on the principal ray, and points on the plane of the vertebra."""

import numpy as np
import pytest
import tiny
import torch

from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.crop_camera import (
    CROP_FIELD_MM,
    CROP_PIXEL_MM,
    CROP_SIZE_PX,
    GRID_PER_MM,
    crop_camera,
    crop_geometry,
    projected,
)

SOD_MM = 700.0
SMALL = Geometry(1020.0, SOD_MM, (3.0, 3.0), (63.5, 63.5))
LARGE = Geometry(1020.0, SOD_MM, (0.2, 0.2), (1023.5, 1023.5))
ANISOTROPIC = Geometry(1020.0, SOD_MM, (0.5, 0.25), (400.0, 900.0))
detectors = pytest.mark.parametrize("geometry", [SMALL, LARGE, ANISOTROPIC], ids=["128", "2048", "unequal"])


def with_box(geometry, centre_mm):
    """The geometry with a box whose centre lies on the ray through centre_mm (x, y) at depth SOD_MM."""
    u, v = geometry.project(np.array([[*centre_mm, SOD_MM]]))[0]
    box = (u + 0.5 - 20, v + 0.5 - 20, u + 0.5 + 20, v + 0.5 + 20)
    return Geometry(geometry.sdd_mm, SOD_MM, geometry.pixel_spacing_mm, geometry.principal_point_px, "L3", box)


@detectors
def test_homography_by_hand(geometry):
    """What the radiograph shows of a point at pixel p, the crop shows at K_crop R^T K^-1 p."""
    geometry = with_box(geometry, (40.0, -55.0))
    crop, camera_from_crop = crop_geometry(geometry)
    points = np.random.default_rng(0).uniform([10, -85, 660], [70, -25, 740], (50, 3))
    homogeneous = np.hstack([geometry.project(points), np.ones((50, 1))])
    moved = homogeneous @ np.linalg.inv(geometry.matrix).T @ camera_from_crop.rotation @ crop.matrix.T
    assert np.abs(moved[:, :2] / moved[:, 2:] - crop.project(camera_from_crop.inverse.apply(points))).max() < 1e-9
    assert np.allclose(camera_from_crop.rotation @ camera_from_crop.rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(camera_from_crop.rotation) == pytest.approx(1.0)


@detectors
def test_the_box_centre_lies_on_the_principal_ray_and_the_field_of_view_at_its_depth(geometry):
    centre = np.array([40.0, -55.0, SOD_MM])
    crop, camera_from_crop = crop_geometry(with_box(geometry, centre[:2]))
    assert centre @ camera_from_crop.rotation == pytest.approx([0.0, 0.0, np.linalg.norm(centre)], abs=1e-9)
    assert crop.sod_mm == pytest.approx(np.linalg.norm(centre))
    half = CROP_FIELD_MM / 2
    edges = crop.project(np.array([[-half, -half, crop.sod_mm], [half, half, crop.sod_mm]]))
    assert edges == pytest.approx(np.array([[-0.5, -0.5], [CROP_SIZE_PX - 0.5] * 2]), abs=1e-9)
    assert crop.level == "L3"
    assert np.allclose(crop.matrix, tiny.crop_camera(crop.sod_mm).matrix)


def test_the_field_of_view_does_not_depend_on_the_detector():
    for sod_mm in (450.0, 700.0):
        for camera in (crop_camera(sod_mm), crop_camera(sod_mm, 1020.0), crop_camera(sod_mm, 3000.0)):
            assert np.allclose(camera.matrix, tiny.crop_camera(sod_mm).matrix)
    fine = crop_camera(700.0, size_px=256, level="L2")
    half = CROP_FIELD_MM / 2
    edges = fine.project(np.array([[-half, -half, 700.0], [half, half, 700.0]]))
    assert edges == pytest.approx(np.array([[-0.5, -0.5], [255.5, 255.5]]))
    assert fine.level == "L2"


def test_points_fall_on_the_plane_at_the_depth_of_the_vertebra():
    """In mm, and in the units of `grid_sample`: alike for numpy and torch, and as the camera projects them."""
    points = np.random.default_rng(0).uniform([-30, -30, 620], [30, 30, 690], (2, 5, 3))
    sod_mm = np.array([650.0, 660.0])
    mm = projected(points, sod_mm)
    grid = projected(torch.as_tensor(points), torch.as_tensor(sod_mm), GRID_PER_MM).numpy()
    for i in range(2):
        pixels = tiny.crop_camera(sod_mm[i]).project(points[i])
        assert np.allclose(mm[i] / CROP_PIXEL_MM + 63.5, pixels)
        assert np.allclose((grid[i] + 1) * CROP_SIZE_PX / 2 - 0.5, pixels)
