"""Spheres on a grid, and the bones that are strings of them."""

import numpy as np
import pytest

from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.geometry.views import rotation_about
from ReVertLib.imaging.volume import Volume
from ReVertLib.synthesis.ribs_and_pelvis import MARGIN_MM, Spheres, hips, ribs, tube


def grid(size=(30, 26, 22), spacing_mm=2.0, origin=(-20.0, -25.0, -30.0)) -> Volume:
    matrix = np.diag([spacing_mm] * 3 + [1.0])
    matrix[:3, 3] = origin
    return Volume(np.zeros(size, np.float32), matrix)


def test_depths_in_balls_against_every_voxel_and_every_ball():
    rng = np.random.default_rng(0)
    balls = Spheres(rng.uniform(-18, 15, (7, 3)), rng.uniform(3, 8, 7))
    volume = grid()
    part, depth = balls.depth_on(volume)
    k, j, i = np.indices(volume.array.shape)
    points = np.stack([i, j, k], -1) * 2.0 + [-20.0, -25.0, -30.0]
    away = np.linalg.norm(points[..., None, :] - balls.centres, axis=-1)
    expected = (balls.radii_mm - away).max(-1)
    found = np.full(volume.array.shape, -1e3)
    found[part] = depth
    near = expected > -MARGIN_MM + 0.01
    assert near.sum() > 500
    assert np.abs(found - expected)[near].max() < 1e-4
    assert found[~near].max() <= -MARGIN_MM + 0.02


def test_balls_beside_the_grid_touch_nothing():
    part, depth = Spheres(np.array([[500.0, 0, 0]]), np.array([5.0])).depth_on(grid())
    assert depth.size == 0
    assert grid().array[part].size == 0


def test_a_straight_tube_is_a_capsule():
    capsule = tube(np.array([[0.0, 0, -40], [0, 0, 0], [0, 0, 40]]), [6.0, 6.0, 3.0], 0.5)
    assert np.abs(capsule.centres[:, :2]).max() < 1e-9
    assert capsule.centres[:, 2] == pytest.approx(np.linspace(-40, 40, len(capsule.centres)))
    assert np.interp([-20, 20], capsule.centres[:, 2], capsule.radii_mm) == pytest.approx([6.0, 4.5], abs=0.1)


def test_left_and_right_are_mirror_images():
    left, right = ribs(RigidTransform.identity(), 150.0, 160.0, 0.9, 90.0)
    parts = hips(RigidTransform.identity(), 1.0, 1.3)
    half = len(parts) // 2
    for a, b in [(left, right), *zip(parts[:half], parts[half:], strict=True)]:
        assert np.allclose(a.centres * [-1, 1, 1], b.centres, atol=1e-9)
        assert np.array_equal(a.radii_mm, b.radii_mm)
    assert left.centres[0, 0] == pytest.approx(20.0)
    assert left.centres[:, 0].max() == pytest.approx(150.0 - 30 * np.sin(np.radians(15)), rel=0.25)
    assert left.centres[-1, 2] == pytest.approx(-6 - 90 * 0.9**1.3)


def test_the_pelvis_hangs_where_a_pelvis_hangs():
    """S1's endplate slopes by 40 degrees: then the crests are about level with L4/5 and the hip joints are below and
    before it (pelvic incidence about 50 degrees)."""
    slope = RigidTransform.turn(rotation_about("x", 40.0))
    wing, head, *_ = hips(slope, 1.0, 1.0)
    assert 30 < wing.centres[:, 2].max() < 60
    joint = head.centres.mean(0)
    tilt = np.degrees(np.arctan2(-joint[1], -joint[2]))
    assert 35 < tilt + 40 < 75
    assert 80 < np.linalg.norm(joint[1:]) < 130
