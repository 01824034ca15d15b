"""Two answers to one vertebra made into one."""

from dataclasses import replace

import numpy as np
import pytest
from seen_vertebra import answered, camera_from_canonical, relative_pose, true_shape

from ReVertLib.errors import InputError
from ReVertLib.fusion.fuse import fused
from ReVertLib.mesh.mesh import Mesh, mesh_quality
from ReVertLib.registration.icp import best_motion

AP, LL = 0.0, -90.0


def off_mm(vertices, shape):
    """Root mean square distance of corresponding vertices after the best rigid motion."""
    moved = best_motion(vertices, shape, "rigid").apply(vertices)
    return float(np.sqrt(((moved - shape) ** 2).sum(1).mean()))


@pytest.fixture(scope="module")
def shape():
    return true_shape(3)


@pytest.fixture(scope="module")
def pair(shape):
    return answered(shape, AP, 2.5), answered(shape, LL, 2.5)


@pytest.mark.parametrize("pose", [relative_pose(AP, LL), None], ids=["known", "unknown"])
def test_what_each_image_does_not_see_the_other_one_tells(shape, pair, pose):
    found = fused(*pair, pose)
    alone = min(off_mm(one.mesh.vertices, shape) for one in pair)
    assert off_mm(found.reconstruction.mesh.vertices, shape) < 0.75 * alone
    quality = mesh_quality(found.reconstruction.mesh)
    assert (quality.closed, quality.euler_number) == (True, 0)
    assert quality.volume_mm3 > 0
    assert found.verdict.word == "trust"
    assert found.reconstruction.warnings == ()


def test_the_outlines_move_a_shape_that_both_answers_miss(shape):
    """Both answers are that of another vertebra; only what was seen is of this one."""
    other = 0.5 * shape + 0.5 * true_shape(4)
    pair = [replace(answered(other, yaw), seen_px=answered(shape, yaw).seen_px) for yaw in (AP, LL)]
    blind = [replace(one, seen_px=()) for one in pair]
    pose = relative_pose(AP, LL)
    seen, unseen = (off_mm(fused(*two, pose).reconstruction.mesh.vertices, shape) for two in (pair, blind))
    assert seen < 0.85 * unseen


@pytest.mark.parametrize("known", [True, False])
def test_the_order_changes_the_frame_only(pair, known):
    pose = relative_pose(AP, LL)
    one = fused(*pair, pose if known else None)
    other = fused(*pair[::-1], pose.inverse if known else None)
    there = one.relative_pose.second_from_first
    np.testing.assert_allclose(
        other.reconstruction.mesh.vertices, there.apply(one.reconstruction.mesh.vertices), atol=0.05
    )
    np.testing.assert_allclose(other.reconstruction.expected_error_mm, one.reconstruction.expected_error_mm, atol=0.02)
    assert one.agreement.size_ratio == pytest.approx(1 / other.agreement.size_ratio)


def test_an_unknown_pose_is_found(pair):
    found = fused(*pair).relative_pose
    off = found.second_from_first @ relative_pose(AP, LL).inverse
    assert not found.given
    assert found.moved_mm is None
    assert off.angle_deg < 4
    assert found.turned_deg < 6


def test_the_vertebra_lies_in_the_first_camera_s_frame(shape, pair):
    found = fused(*pair, relative_pose(AP, LL)).reconstruction
    there = camera_from_canonical(AP).apply(shape)
    assert np.linalg.norm(found.mesh.vertices - there, axis=1).mean() < 1.5
    assert found.geometry == pair[0].geometry


def test_what_is_left_to_be_expected_is_less_and_as_much_in_both_parts(pair):
    found = fused(*pair, relative_pose(AP, LL))
    parts, expected_mm = found.reconstruction.error_parts, found.reconstruction.expected_error_mm
    assert found.gain_mm == pytest.approx(1 - expected_mm.mean())
    assert found.gain_mm > 0.05
    np.testing.assert_allclose(np.hypot(parts.across_mm, parts.along_mm), expected_mm)
    assert parts.along_mm.mean() < 0.8 * pair[0].error_parts.along_mm.mean()
    np.testing.assert_allclose(parts.bound_mm, 2 * expected_mm)


def test_weights_that_say_nothing_of_errors_still_fuse(shape, pair):
    blind = [replace(one, expected_error_mm=None, error_parts=None, seen_px=()) for one in pair]
    found = fused(*blind, relative_pose(AP, LL))
    assert found.reconstruction.point_arrays == {}
    assert (found.gain_mm, found.agreement.shape_ratio) == (None, None)
    assert found.agreement.outline_mm == (None, None)
    assert found.verdict.word == "check"
    assert off_mm(found.reconstruction.mesh.vertices, shape) < off_mm(blind[0].mesh.vertices, shape)


def test_warnings_say_of_which_image_they_are(pair):
    first, second = (replace(one, warnings=("both", name)) for one, name in zip(pair, ("a", "b"), strict=True))
    assert fused(first, second).reconstruction.warnings == ("both", "first image: a", "second image: b")


def test_two_levels_are_refused(pair):
    second = replace(pair[1], geometry=replace(pair[1].geometry, level="L4"))
    with pytest.raises(InputError, match="expected one vertebra on both images, got L3 and L4"):
        fused(pair[0], second)


def test_the_level_that_one_image_says_is_that_of_both(pair):
    first = replace(pair[0], geometry=replace(pair[0].geometry, level=None))
    assert fused(first, pair[1]).reconstruction.geometry.level == "L3"


def test_surfaces_of_other_networks_are_refused(pair):
    small = Mesh(pair[1].mesh.vertices[:10], np.array([[0, 1, 2]]))
    with pytest.raises(InputError, match="expected surfaces of the template's 3000 vertices, got 10"):
        fused(pair[0], replace(pair[1], mesh=small))
