"""Line integrals through a volume that moves: the integrals against Joseph's, their derivatives against differences."""

import numpy as np
import pytest
from projections import CAMERA, SIZE_PX, blob, pose
from scipy import ndimage
from scipy.spatial.transform import Rotation

from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.imaging.volume import Volume
from ReVertLib.projection.pose_projector import PoseProjector
from ReVertLib.projection.projector import line_integrals

CENTRE_LPS = np.array([20.0, 0.0, 40.0])


@pytest.fixture(scope="module")
def volume():
    sharp = blob()
    smooth = ndimage.gaussian_filter(np.pad(sharp.array, 10), 3.0)  # as bone is smoothed before it is laid on a film
    return Volume(smooth, sharp.ijk_to_lps)


@pytest.mark.parametrize("angles", [(0, 0, 0), (70, 20, -30)])
def test_integrals_are_those_of_the_other_projector(volume, angles):
    where = pose(angles, CENTRE_LPS)
    image = PoseProjector(volume).image(where, CAMERA, SIZE_PX).numpy()
    other = line_integrals(volume, where, CAMERA, SIZE_PX)
    assert other.max() > 0.2
    assert np.abs(image - other).max() < 0.01 * other.max()


@pytest.mark.parametrize("step", range(6))
def test_the_derivative_by_a_step_of_the_pose_is_the_difference_of_images(volume, step):
    where, projector = pose((30, -20, 10), CENTRE_LPS), PoseProjector(volume)
    centre = where.apply(CENTRE_LPS[None])[0] + [3.0, -2.0, 8.0]  # turned about another point than the middle
    found = projector.moved_image(where, centre, CAMERA, SIZE_PX).by_pose[step].numpy()
    size = (0.5, 0.5, 2.0, 0.01, 0.01, 0.01)[step]  # along the beam little changes
    images = []
    for sign in (1, -1):
        motion = np.zeros(6)
        motion[step] = sign * size
        turn = Rotation.from_rotvec(motion[3:]).as_matrix()
        moved = RigidTransform.about(centre, turn, centre + motion[:3]) @ where
        images.append(projector.image(moved, CAMERA, SIZE_PX).numpy())
    difference = (images[0] - images[1]) / (2 * size)
    assert np.linalg.norm(difference) > 0.01
    assert np.linalg.norm(found - difference) < 0.06 * np.linalg.norm(difference)


def test_an_empty_volume_has_no_integrals(volume):
    empty = PoseProjector(Volume(0 * volume.array, volume.ijk_to_lps))
    moved = empty.moved_image(pose((0, 0, 0), CENTRE_LPS), np.array([0, 0, 500.0]), CAMERA, SIZE_PX)
    assert not moved.integrals.any()
    assert not moved.by_pose.any()
