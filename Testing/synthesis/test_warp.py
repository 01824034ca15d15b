"""Warps by landmarks, by hand: affine maps are exact, and a volume is read where the map says."""

import numpy as np
import pytest

from ReVertLib.geometry.views import rotation_about
from ReVertLib.imaging.volume import Volume
from ReVertLib.synthesis.warp import ThinPlateWarp

LANDMARKS = np.random.default_rng(0).uniform(-20, 20, (30, 3))


@pytest.fixture
def volume():
    """40 mm in voxels of 2 mm, 3 x + 5 y - 2 z in each, in a turned frame of its own."""
    matrix = np.eye(4)
    matrix[:3, :3] = 2.0 * rotation_about("z", 30.0)
    matrix[:3, 3] = [-40.0, -60.0, -30.0]
    values = Volume(np.zeros((40, 50, 60), np.float32), matrix)
    x, y, z = values.coordinates_lps()
    return Volume((3 * x + 5 * y - 2 * z).astype(np.float32), matrix)


def test_landmarks_go_where_they_should_and_a_smooth_map_may_miss_them():
    bent = LANDMARKS + np.sin(LANDMARKS / 5)
    exact, smooth = (np.abs(ThinPlateWarp(LANDMARKS, bent, s)(LANDMARKS) - bent).max() for s in (0.0, 50.0))
    assert exact < 1e-6
    assert 0.01 < smooth < 2.0


@pytest.mark.parametrize("mirrored", [False, True])
def test_an_affine_map_reads_the_volume_where_it_goes(volume, mirrored):
    turn, shift = 0.9 * rotation_about("x", 20.0), np.array([1.0, -2.0, 3.0])
    end = LANDMARKS @ turn.T + shift
    sides = np.array([-1.0, 1.0, 1.0]) if mirrored else np.ones(3)
    warp = ThinPlateWarp(LANDMARKS, end, 0.0, mirrored)
    matrix = np.diag([1.5, 1.0, 2.0, 1.0])
    matrix[:3, 3] = [-9.0, -8.0, -7.0]
    grid = Volume(np.zeros((8, 14, 12), np.float32), matrix)
    found = warp.sampled(volume, grid, 6.0)
    at = np.stack([np.broadcast_to(c, grid.array.shape) for c in grid.coordinates_lps()], -1) @ turn.T + shift
    assert np.abs(found - (at * sides) @ [3.0, 5.0, -2.0]).max() < 1e-2


def test_beyond_the_volume_its_nearest_voxel_is_repeated():
    array = np.arange(8, dtype=np.float32).reshape(2, 2, 2)
    still = ThinPlateWarp(LANDMARKS, LANDMARKS, 0.0)
    matrix = np.diag([20.0, 20.0, 20.0, 1.0])
    matrix[:3, 3] = -10.0
    grid = Volume(np.zeros((2, 2, 2), np.float32), matrix)
    assert still.sampled(Volume(array, np.eye(4)), grid, 5.0) == pytest.approx(array, abs=1e-4)
