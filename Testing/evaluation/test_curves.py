"""What the study of wrong inputs does to an image and to what is told of it."""

from pathlib import Path

import curves
import numpy as np
import pytest
from curves import covered, noise, wrong_box, wrong_click, wrong_distance, wrong_level, wrong_view
from quick_figures import Shown

from ReVertLib.evaluation.measure import EvaluatedImage
from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.geometry.views import view_angles, view_rotation
from ReVertLib.training.augmentation import OPTICAL_DEPTH

VIEW = view_rotation(30.0, 10.0, -5.0)
GEOMETRY = Geometry(1000.0, 500.0, (0.5, 0.5), (99.5, 79.5), "L3", (50.0, 40.0, 150.0, 90.0), view_angles(VIEW))
IMAGE = EvaluatedImage("v", "c", "L3", "ap", Path("i.png"), Path("m.stl"), GEOMETRY, RigidTransform.turn(VIEW))
SHOWN = Shown(IMAGE, np.full((160, 200), 100.0), GEOMETRY, None)


def random(seed=3):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("change", [wrong_box, wrong_click, wrong_view, wrong_distance, covered, wrong_level])
def test_nothing_changes_by_nothing(change):
    same = change(SHOWN, 0, random())
    assert np.array_equal(same.pixels, SHOWN.pixels)
    assert (same.geometry.sod_mm, same.geometry.level) == (500.0, "L3")
    assert np.allclose(same.geometry.box_px, GEOMETRY.box_px)
    assert np.allclose(same.geometry.view_deg, GEOMETRY.view_deg)


def test_a_box_is_moved_and_scaled_by_a_share_of_its_sides():
    for seed in range(5):
        low, high = np.reshape(wrong_box(SHOWN, 10, random(seed)).geometry.box_px, (2, 2))
        assert ((high - low) / [100, 50]).tolist() in (pytest.approx([0.9, 0.9]), pytest.approx([1.1, 1.1]))
        assert np.linalg.norm(((low + high) / 2 - [100, 65]) / [100, 50]) == pytest.approx(0.1)


def test_a_click_is_off_by_mm_where_the_vertebra_is():
    """A pixel is 0.25 mm there: the vertebra is half as far away as the detector."""
    moved = np.subtract(wrong_click(SHOWN, 6, random()).geometry.box_px, GEOMETRY.box_px)
    assert np.linalg.norm(moved[:2]) == pytest.approx(24.0)
    assert moved[2:] == pytest.approx(moved[:2])


def test_a_view_is_turned_by_so_many_degrees():
    turn = view_rotation(*wrong_view(SHOWN, 15, random()).geometry.view_deg) @ VIEW.T
    assert np.degrees(np.arccos((np.trace(turn) - 1) / 2)) == pytest.approx(15.0)


def test_the_distance_is_off_either_way():
    found = {round(wrong_distance(SHOWN, 5, random(seed)).geometry.sod_mm, 6) for seed in range(20)}
    assert found == {475.0, 525.0}


def test_noise_is_that_of_so_many_photons():
    """Where the image is brightest exp(-OPTICAL_DEPTH) of them are left, and the noise of a logarithm is one over the
    root of their number."""
    grey = noise(SHOWN, 1e5, random()).pixels
    left = 1e5 * np.exp(-OPTICAL_DEPTH)
    assert grey.mean() == pytest.approx(100.0, abs=0.1)
    assert grey.std() * OPTICAL_DEPTH / 100 == pytest.approx(left**-0.5, rel=0.05)


def test_a_bar_covers_a_share_of_the_box():
    one = Shown(IMAGE, np.add.outer(np.arange(160.0), np.arange(200.0)), GEOMETRY, None)
    for seed in range(6):
        pixels = covered(one, 20, random(seed)).pixels
        assert (pixels[40:90, 50:150] == 358).mean() == pytest.approx(0.2, abs=0.02)
        assert np.array_equal(pixels[pixels != 358], one.pixels[pixels != 358])


def test_levels_are_withheld_or_one_off():
    assert wrong_level(SHOWN, np.nan, random()).geometry.level is None
    assert {wrong_level(SHOWN, 1, random(seed)).geometry.level for seed in range(20)} == {"L2", "L4"}
    last = curves.told(SHOWN, level="L5")
    assert {wrong_level(last, 1, random(seed)).geometry.level for seed in range(20)} == {"L4"}
