"""Whether two images show one vertebra."""

from dataclasses import replace

import numpy as np
import pytest
from seen_vertebra import answered, relative_pose, true_shape

from ReVertLib.fusion.fuse import fused
from ReVertLib.geometry.transform import RigidTransform

AP, LL = 0.0, -90.0


@pytest.fixture(scope="module")
def shape():
    return true_shape(3)


def test_one_vertebra_agrees_with_itself(shape):
    found = fused(answered(shape, AP), answered(shape, LL), relative_pose(AP, LL))
    assert found.verdict.word == "trust"
    assert found.agreement.shape_ratio < 0.1
    assert found.agreement.size_ratio == pytest.approx(1.0, abs=1e-6)
    assert (found.relative_pose.turned_deg, found.relative_pose.moved_mm) == pytest.approx((0.0, 0.0), abs=0.5)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (RigidTransform.shift([0.0, 35.0, 0.0]), "by the relative pose given, the vertebra lies 35 mm off"),
        (RigidTransform(relative_pose(0.0, 20.0).rotation, np.zeros(3)), "the vertebra is turned by 20 degrees"),
    ],
    ids=["another level", "turned"],
)
def test_another_place_than_the_pose_says_is_told(shape, change, said):
    found = fused(answered(shape, AP), answered(shape, LL), change @ relative_pose(AP, LL))
    assert found.verdict.word == "do not use"
    assert found.verdict.reason == found.reconstruction.warnings[0]
    assert any(said in line for line in found.reconstruction.warnings)


def test_another_size_is_told_without_a_pose(shape):
    found = fused(answered(shape, AP), answered(1.2 * shape, LL))
    assert found.agreement.size_ratio == pytest.approx(1.2, abs=0.01)
    assert any("it is 1.20 times as large in the second one" in line for line in found.reconstruction.warnings)
    assert found.verdict.word == "do not use"


def test_another_shape_is_told_when_it_differs_by_more_than_the_errors(shape):
    pair = answered(shape, AP), answered(true_shape(4), LL)
    unsure = [replace(one, expected_error_mm=3 * one.expected_error_mm) for one in pair]
    assert any("the shapes differ" in line for line in fused(*pair).reconstruction.warnings)
    assert not any("the shapes differ" in line for line in fused(*unsure).reconstruction.warnings)


def test_views_that_the_vertebrae_contradict_are_told(shape):
    """The second image is said to be from the right, and shows the vertebra from the left."""
    second = answered(shape, LL)
    wrong = replace(second, geometry=replace(second.geometry, view_deg=(90.0, 0.0, 0.0)))
    found = fused(answered(shape, AP), wrong)
    assert any("against the relative pose of their views" in line for line in found.reconstruction.warnings)
    guessed = replace(wrong, probability=0.9)
    assert fused(answered(shape, AP), guessed).relative_pose.turned_deg is None
