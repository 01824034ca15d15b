"""The camera model by hand-computed cases."""

import math

import numpy as np
import pytest

from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.levels import LEVELS, VERSE_LABELS
from ReVertLib.geometry.views import LPS_FROM_RAS, camera_from_lps, rotation_about, rotation_to_ray, view_rotation

GOOD = {"sdd_mm": 1000.0, "sod_mm": 800.0, "pixel_spacing_mm": (0.5, 0.25), "principal_point_px": (100.0, 50.0)}
CAMERA = Geometry(**GOOD)
POINTS = np.random.default_rng(0).uniform((-90, -60, 500), (90, 60, 900), (50, 3))
LEFT, POSTERIOR, SUPERIOR = np.eye(3)


def camera_axes(**angles: float) -> np.ndarray:
    """Rows: the camera's X, Y, Z in the patient's LPS frame, by where the rotation sends the patient's own axes."""
    rotation = view_rotation(**angles)
    return np.array([np.linalg.solve(rotation, axis) for axis in np.eye(3)])


def test_pixel_of_a_point():
    """u = 100 + 1000 / 0.5 * 10 / 500 = 140; v = 50 + 1000 / 0.25 * -20 / 500 = -110."""
    np.testing.assert_allclose(CAMERA.project([[10, -20, 500]]), [[140, -110]])
    np.testing.assert_allclose(CAMERA.project([[0, 0, 500], [0, 0, 900]]), [[100, 50], [100, 50]])


def test_point_on_the_detector_is_one_pixel_spacing_away():
    np.testing.assert_allclose(CAMERA.project([[0.5, 0, 1000], [0, 0.25, 1000]]), [[101, 50], [100, 51]])


def test_matrix_by_hand_and_against_project():
    np.testing.assert_allclose(CAMERA.matrix, [[2000, 0, 100], [0, 4000, 50], [0, 0, 1]])
    homogeneous = POINTS @ CAMERA.matrix.T
    np.testing.assert_allclose(homogeneous[:, :2] / homogeneous[:, 2:], CAMERA.project(POINTS))


def test_backproject_by_hand():
    np.testing.assert_allclose(CAMERA.backproject([[140, -110]], 500), [[10, -20, 500]])


def test_project_and_backproject_are_inverse():
    np.testing.assert_allclose(CAMERA.backproject(CAMERA.project(POINTS), POINTS[:, 2]), POINTS)
    pixels = np.array([[0.0, 0.0], [17.5, 211.0]])
    np.testing.assert_allclose(CAMERA.project(CAMERA.backproject(pixels, 700.0)), pixels)


def test_crop_moves_pixels_and_box():
    camera = Geometry(**GOOD, box_px=(30, 40, 80, 90))
    cropped = camera.cropped(20, 35)
    np.testing.assert_allclose(cropped.project(POINTS), camera.project(POINTS) - [20, 35])
    assert cropped.box_px == (10, 5, 60, 55)
    assert cropped.cropped(-20, -35) == camera


def test_resize_keeps_corners_of_pixel_areas():
    """Halving a 4 px row: its left edge -0.5 stays -0.5, its right edge 3.5 becomes 1.5, its centre 1.5 becomes 0.5."""
    camera = Geometry(1000, 800, (0.5, 0.5), (1.5, 1.5), box_px=(0, 0, 4, 4))
    half = camera.resized(0.5, 0.5)
    assert half == Geometry(1000, 800, (1, 1), (0.5, 0.5), box_px=(0, 0, 2, 2))
    edges = camera.backproject([[-0.5, -0.5], [3.5, 3.5]], 800)
    np.testing.assert_allclose(half.project(edges), [[-0.5, -0.5], [1.5, 1.5]])


def test_resize_keeps_the_place_of_points():
    factors = np.array([0.4, 3.0])
    resized = CAMERA.resized(*factors)
    np.testing.assert_allclose((resized.project(POINTS) + 0.5) / factors, CAMERA.project(POINTS) + 0.5)
    assert resized.pixel_spacing_mm == pytest.approx((1.25, 0.25 / 3))
    np.testing.assert_allclose(resized.focal_px * resized.pixel_spacing_mm, 1000)


def test_resize_agrees_with_averaging_pixels():
    """The centre of mass of a picture, in mm on the detector, is the same for one made of 2 x 2 times the pixels."""
    small = np.random.default_rng(1).uniform(size=(4, 4))
    image = np.kron(small, np.ones((2, 2)))

    def centre_mm(pixels: np.ndarray, camera: Geometry) -> np.ndarray:
        v, u = np.indices(pixels.shape)
        centre = [[(u * pixels).sum(), (v * pixels).sum()]] / pixels.sum()
        return camera.backproject(centre, camera.sdd_mm)

    np.testing.assert_allclose(centre_mm(small, CAMERA.resized(0.5, 0.5)), centre_mm(image, CAMERA))


def test_frontal_view():
    np.testing.assert_allclose(camera_axes(), [LEFT, -SUPERIOR, POSTERIOR], atol=1e-12)


@pytest.mark.parametrize(
    ("angles", "axes"),
    [
        ({"yaw_deg": 90}, [POSTERIOR, -SUPERIOR, -LEFT]),
        ({"yaw_deg": -90}, [-POSTERIOR, -SUPERIOR, LEFT]),
        ({"yaw_deg": 180}, [-LEFT, -SUPERIOR, -POSTERIOR]),
        ({"pitch_deg": 90}, [LEFT, POSTERIOR, SUPERIOR]),
        ({"roll_deg": 90}, [-SUPERIOR, -LEFT, POSTERIOR]),
        ({"yaw_deg": 90, "pitch_deg": 90}, [POSTERIOR, -LEFT, SUPERIOR]),
        ({"pitch_deg": 90, "roll_deg": 90}, [POSTERIOR, -LEFT, SUPERIOR]),
        ({"yaw_deg": 90, "roll_deg": 90}, [-SUPERIOR, -POSTERIOR, -LEFT]),
    ],
    ids=str,
)
def test_views_at_right_angles(angles, axes):
    """Yaw +90: the beam runs to the right, so the source is on the left. Pitch +90: the beam runs cranially."""
    np.testing.assert_allclose(camera_axes(**angles), axes, atol=1e-12)


def test_small_angles_turn_the_beam_the_documented_way():
    beam = camera_axes(pitch_deg=10)[2]
    np.testing.assert_allclose(beam, [0, math.cos(math.radians(10)), math.sin(math.radians(10))])
    beam = camera_axes(yaw_deg=10)[2]
    np.testing.assert_allclose(beam, [-math.sin(math.radians(10)), math.cos(math.radians(10)), 0])


@pytest.mark.parametrize("angles", [(0, 0, 0), (30, 0, 0), (-75, 20, 10), (200, -40, 170)])
def test_rotations_are_proper(angles):
    rotation = view_rotation(*angles)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1)


def test_rotation_about_each_axis_is_right_handed():
    x, y, z = np.eye(3)
    for axis, start, end in (("x", y, z), ("y", z, x), ("z", x, y)):
        np.testing.assert_allclose(rotation_about(axis, 90) @ start, end, atol=1e-12)


def test_ras_and_lps_are_each_others_inverse():
    np.testing.assert_array_equal([[1, 2, 3]] @ LPS_FROM_RAS, [[-1, -2, 3]])
    np.testing.assert_array_equal(LPS_FROM_RAS @ LPS_FROM_RAS, np.eye(3))


def test_labels_of_levels():
    assert VERSE_LABELS == {"L1": 20, "L2": 21, "L3": 22, "L4": 23, "L5": 24}
    assert tuple(VERSE_LABELS) == LEVELS


def test_camera_from_lps_frontal():
    """Centre on the principal ray at sod; 3 mm to the left is +X, 5 mm up is -Y, 7 mm to the back is farther away."""
    centre = np.array([10.0, -20.0, 300.0])
    points = centre + np.array([[0, 0, 0], [3, 0, 0], [0, 0, 5], [0, 7, 0]])
    placed = camera_from_lps(view_rotation(), centre, 700).apply(points)
    np.testing.assert_allclose(placed, [[0, 0, 700], [3, 0, 700], [0, -5, 700], [0, 0, 707]], atol=1e-9)


def test_camera_from_lps_lateral():
    """Source on the left: 3 mm to the left is nearer to it, 7 mm to the back is to the right of the picture."""
    placed = camera_from_lps(view_rotation(90), np.zeros(3), 700).apply(np.array([[3, 0, 0], [0, 7, 0]]))
    np.testing.assert_allclose(placed, [[0, 0, 697], [7, 0, 700]], atol=1e-9)


@pytest.mark.parametrize("direction", [(0, 0, 1), (0, 0, 5), (1, 0, 1), (-0.3, 0.2, 0.9), (1, 2, -0.5)])
def test_rotation_to_ray(direction):
    unit = np.array(direction) / np.linalg.norm(direction)
    rotation = rotation_to_ray(direction)
    np.testing.assert_allclose(rotation @ [0, 0, 1], unit, atol=1e-12)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1)
    assert np.trace(rotation) == pytest.approx(1 + 2 * unit[2])  # the smallest rotation: its angle is that of the ray
