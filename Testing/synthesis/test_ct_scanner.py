"""The grid of a CT and what is cut out of it."""

import numpy as np
import pytest

from ReVertLib.anatomy.template import load_template
from ReVertLib.imaging.volume import Volume
from ReVertLib.mesh.mesh import mesh_volume_mm3
from ReVertLib.projection.attenuation import attenuation
from ReVertLib.synthesis import ct_scanner
from ReVertLib.synthesis.ct_scanner import _scanned, isolated, scan_grid, white_noise

SHAPE = load_template().mean("L3")


def water(grid):
    return Volume(np.zeros(grid.array.shape, np.float32), grid.ijk_to_lps)


def test_grids_hold_the_shape_and_are_mostly_of_sagittal_slices():
    rng = np.random.default_rng(0)
    thickest = []
    for _ in range(200):
        grid = scan_grid(SHAPE, rng)
        ijk_from_mm = np.linalg.inv(grid.ijk_to_lps)
        at = SHAPE.vertices @ ijk_from_mm[:3, :3].T + ijk_from_mm[:3, 3]
        free_mm = np.minimum(at, np.array(grid.array.shape[::-1]) - 1 - at).min(0) * grid.spacing_mm
        assert (free_mm > 3.0).all()
        axes = grid.ijk_to_lps[:3, :3] / grid.spacing_mm
        assert np.linalg.det(axes) == pytest.approx(1.0)
        assert np.diag(axes).min() > 0.7
        if np.ptp(grid.spacing_mm) > 0.1:
            thickest.append(int(grid.spacing_mm.argmax()))
    assert 0.7 < np.mean(np.array(thickest) == 0) < 0.95
    assert set(thickest) == {0, 2}


@pytest.mark.parametrize("at_voxels", [0.0, 1.0])
def test_of_water_a_mask_keeps_the_volume_of_the_shape(monkeypatch, at_voxels):
    monkeypatch.setattr(ct_scanner, "CUT_AT_VOXELS", at_voxels)
    monkeypatch.setattr(ct_scanner, "_scanned", lambda hu, rng, sharpest: hu.array)
    rng = np.random.default_rng(1)
    grid = scan_grid(SHAPE, rng)
    mu = isolated(water(grid), SHAPE, rng)
    of_water = attenuation(water(grid)).array.max()
    assert mu.array.sum() / of_water * grid.spacing_mm.prod() == pytest.approx(mesh_volume_mm3(SHAPE), rel=0.03)
    shared = (mu.array > 0.01 * of_water) & (mu.array < 0.99 * of_water)
    assert shared.any() == (at_voxels == 0.0)


def test_a_scanner_keeps_the_mean_and_sharpens_within_slices():
    """A step of 1000 HU within slices 3 mm apart: the kernel overshoots beside it, nothing leaks between slices."""
    step = np.zeros((12, 40, 40), np.float32)
    step[6:, :, 20:] = 1000.0
    scanned = _scanned(Volume(step, np.diag([1.0, 1.0, 3.0, 1.0])), np.random.default_rng(2), 1.5)
    assert scanned.mean() == pytest.approx(step.mean(), rel=0.02)
    rows = scanned.mean(1)
    assert rows[6:, 20].mean() > 1050 > rows[6:, 30].mean()
    assert rows[6:, 19].mean() < -50
    assert abs(rows[5].mean()) < 20


def test_equal_states_stay_equal_whatever_the_size_of_a_grid():
    one, other = np.random.default_rng(4), np.random.default_rng(4)
    assert white_noise((20, 30, 40), one).std() == pytest.approx(1.0, abs=0.02)
    white_noise((2, 3, 4), other)
    assert one.random() == other.random()
