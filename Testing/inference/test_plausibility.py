"""The statistics of a crop, by hand; which images cause a warning and why."""

import json

import numpy as np
import pytest
from imports import unwanted_imports

from ReVertLib.errors import InputError
from ReVertLib.inference.plausibility import (
    UNLIKE,
    CropStatistics,
    TrainingRange,
    crop_statistics,
    input_warnings,
    range_metadata,
    read_training_range,
    training_range,
)

LIMITS = TrainingRange(CropStatistics(10.0, 0.0, 0.0, 0.0), CropStatistics(40.0, 0.04, 0.1, 0.02))


def square(side_px=64, size=128):
    """A bright square in the middle of darkness: 64 of 128 pixels of a field of 112 mm are 56 mm."""
    image = np.zeros((size, size), np.float32)
    first = (size - side_px) // 2
    image[first : first + side_px, first : first + side_px] = 0.8
    return image


def test_the_statistics_by_hand():
    seen = crop_statistics(square())
    assert seen.bone_cm2 == pytest.approx(5.6**2)
    assert (seen.border, seen.full, seen.noise) == (0.0, 0.0, 0.0)
    frame = np.ones((128, 128))
    frame[4:-4, 4:-4] = 0.0
    seen = crop_statistics(frame)
    assert seen.border == 1.0
    assert seen.full == pytest.approx((128**2 - 120**2) / 128**2)
    checkers = np.indices((128, 128)).sum(0) % 2 * 0.1
    assert crop_statistics(checkers).noise == pytest.approx(0.1)
    assert crop_statistics(checkers).bone_cm2 == 0.0  # 2 x 2 pixels are 0.05


def test_what_counts_as_bone_and_as_full_brightness():
    """The grey values that shipped weights were measured with."""
    levels = np.full((128, 128), 0.11)
    levels[:64, :32] = 0.13  # an eighth of 11.2 cm squared
    assert crop_statistics(levels).bone_cm2 == pytest.approx(11.2**2 / 8)
    levels[:64, :32] = 0.97
    levels[:32, :32] = 0.99
    assert crop_statistics(levels).full == 1 / 16


def test_limits_are_the_quantiles():
    """1001 crops of 0, 1, ... 1000: all but one in a thousand lie within 1 and 999."""
    found = training_range(CropStatistics(float(i), 2.0 * i, 3.0 * i, 4.0 * i) for i in range(1001))
    assert found == TrainingRange(CropStatistics(1.0, 2.0, 3.0, 4.0), CropStatistics(999.0, 1998.0, 2997.0, 3996.0))


def test_metadata_round_trip():
    assert set(range_metadata(LIMITS)) == {"domain"}  # as older weights files have it
    assert read_training_range(range_metadata(LIMITS)) == LIMITS
    assert read_training_range({"licence": "MIT"}) is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"lowest": {}, "highest": {}}', json.dumps({"lowest": 3})])
def test_damaged_limits(text):
    with pytest.raises(InputError, match="weights: expected the limits of their training images as JSON"):
        read_training_range({"domain": text})


REASONS = {
    "nothing is seen in the box": np.zeros((128, 128)),
    "too small for a lumbar vertebra, 1 cm² where 10 is the least": square(12),
    "too large for a lumbar vertebra, 59 cm² where 40 is the most": square(88),
    "its edge is brighter than that of any": square(128),
    "as bright as its brightest place; inverted, or is there metal?": 1.0 - 0.5 * square(),
    "its noise is": np.random.default_rng(0).random((128, 128)),
}


@pytest.mark.parametrize("reason", REASONS)
def test_each_warning_has_its_reason(reason):
    found = input_warnings(REASONS[reason], 5.0, LIMITS)
    assert any(reason in line for line in found), found
    assert all(line.startswith(UNLIKE) for line in found)
    assert not any("network" in line for line in found)


def test_the_score_of_the_network_is_the_last_reason():
    assert input_warnings(square(), 0.99, LIMITS) == ()
    assert input_warnings(square(), 1.31, LIMITS) == (
        f"{UNLIKE}the network has seen nothing like it, 1.31 times as far off as it allows",
    )


def test_plausibility_needs_neither_torch_nor_scipy(root):
    assert unwanted_imports(root, ["ReVertLib.inference.plausibility"], ("torch", "scipy")) == []


def test_the_area_is_that_of_what_the_network_takes_for_the_vertebra():
    """Amid a body all of the crop is bright; what counts is the silhouette."""
    silhouette = np.zeros((128, 128), bool)
    silhouette[:64, :32] = True
    bright = np.full((128, 128), 0.5)
    assert crop_statistics(bright).bone_cm2 == pytest.approx(112 * 112 / 100)
    assert crop_statistics(bright, silhouette).bone_cm2 == pytest.approx(112 * 112 / 100 / 8)
