"""Two radiographs at the distance that both together tell."""

from dataclasses import replace

import numpy as np
import pytest
from seen_vertebra import CAMERA, answered, relative_pose, true_shape

from ReVertLib.errors import InputError
from ReVertLib.fusion.pair import about_isocentre, crossing, fused_pair
from ReVertLib.geometry.transform import RigidTransform, SimilarityTransform
from ReVertLib.geometry.views import rotation_about
from ReVertLib.imaging.radiograph import radiograph_from_array
from ReVertLib.inference.inputs import ReconstructionInput
from ReVertLib.mesh.mesh import volume_centroid


class Reader:
    """Answers with a true vertebra as it looks at the distance that it is told: as much larger as that is farther."""

    def __init__(self, shape):
        self.shape, self.asked_mm = shape, []

    def reconstruct(self, pixels, geometry):
        self.asked_mm.append(geometry.sod_mm)
        true = answered(self.shape, geometry.view_deg[0])
        scale = geometry.sod_mm / volume_centroid(true.mesh)[2]
        return replace(
            true, mesh=true.mesh.moved(SimilarityTransform(np.eye(3), np.zeros(3), scale)), geometry=geometry
        )


def given(yaw_deg, sod_mm):
    geometry = replace(CAMERA, sod_mm=sod_mm, level="L3", view_deg=(yaw_deg, 0.0, 0.0))
    return ReconstructionInput(radiograph_from_array(np.eye(32), name="array"), geometry, {}, ())


def test_rays_cross_where_both_cameras_look():
    """Two cameras whose principal rays meet at a right angle 700 mm before both; a point 10 mm on."""
    pose = relative_pose(0.0, 90.0)
    point = np.array([10.0, 5.0, 730.0])
    first, second = crossing(0.5 * point, 1.7 * pose.apply(point[None])[0], pose)
    np.testing.assert_allclose(first, point, atol=1e-9)
    np.testing.assert_allclose(second, pose.apply(point[None])[0], atol=1e-9)


def test_rays_that_miss_each_other_give_the_nearest_points():
    beside = RigidTransform(rotation_about("y", 90.0), np.array([-600.0, 4.0, 600.0]))
    first, second = crossing(np.array([0.0, 0.0, 1.0]), np.array([0.0, 0.0, 1.0]), beside)
    np.testing.assert_allclose(first, [0.0, 0.0, 600.0], atol=1e-9)
    np.testing.assert_allclose(second, [0.0, 0.0, 600.0], atol=1e-9)


def test_parallel_beams_tell_no_distance():
    z = np.array([0.0, 0.0, 1.0])
    assert crossing(z, z, RigidTransform.shift([100.0, 0.0, 0.0])) is None
    assert crossing(z, z, RigidTransform(rotation_about("y", 180.0), np.array([0.0, 0.0, 1400.0]))) is None


def test_with_a_known_pose_the_distance_need_only_be_near():
    shape = true_shape(3)
    reader = Reader(shape)
    found = fused_pair(reader, [given(0.0, 735.0), given(-90.0, 665.0)], relative_pose(0.0, -90.0))
    assert reader.asked_mm[:2] == [735.0, 665.0]
    np.testing.assert_allclose(reader.asked_mm[2:], volume_depths(shape), atol=0.5)
    assert abs(volume_centroid(found.reconstruction.mesh)[2] - volume_depths(shape)[0]) < 1.5


def volume_depths(shape):
    return [volume_centroid(answered(shape, yaw).mesh)[2] for yaw in (0.0, -90.0)]


def test_with_an_unknown_pose_the_distance_is_taken_as_given():
    reader = Reader(true_shape(3))
    found = fused_pair(reader, [given(0.0, 735.0), given(-90.0, 735.0)], None)
    assert reader.asked_mm == [735.0, 735.0]
    assert abs(volume_centroid(found.reconstruction.mesh)[2] - 735.0) < 1.0


def test_a_right_distance_is_not_asked_for_again():
    reader = Reader(true_shape(3))
    fused_pair(reader, [given(0.0, 700.0), given(-90.0, 700.0)], relative_pose(0.0, -90.0))
    assert len(reader.asked_mm) == 2


def test_a_pose_about_an_isocentre_is_that_of_the_views():
    views = [replace(CAMERA, sod_mm=sod, view_deg=(yaw, 0.0, 0.0)) for yaw, sod in ((0.0, 700.0), (90.0, 650.0))]
    pose = about_isocentre(*views)
    np.testing.assert_allclose(pose.apply(np.array([[0.0, 0.0, 700.0]])), [[0.0, 0.0, 650.0]], atol=1e-9)
    # the patient's left, +X of an AP view, is towards the source of one at yaw 90
    np.testing.assert_allclose(pose.apply(np.array([[10.0, 0.0, 700.0]])), [[0.0, 0.0, 640.0]], atol=1e-9)
    with pytest.raises(InputError, match="for a pose about an isocentre, got no second one"):
        about_isocentre(views[0], replace(views[1], view_deg=None))


def test_two_images_it_must_be():
    with pytest.raises(InputError, match="expected two of one vertebra, got 1"):
        fused_pair(Reader(true_shape(3)), [given(0.0, 700.0)], None)
