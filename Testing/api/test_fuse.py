"""`revert.fuse`."""

import numpy as np
import pytest
from few_points import few_points  # noqa: F401

import ReVertLib as revert
from ReVertLib.api.fuse import relative_pose
from ReVertLib.geometry.camera import Geometry
from ReVertLib.resources import SAMPLE_FOLDER

AP, LATERAL = (SAMPLE_FOLDER / f"verse008_L3_{view}.png" for view in ("ap", "lateral"))


def test_two_images_do_better_than_either():
    found = revert.fuse(AP, LATERAL, pose="isocentre")
    one = found.reconstruction
    labels = SAMPLE_FOLDER / "segmentation.nii.gz"
    alone, together = (
        [revert.compare(mesh, labels, label=22).metrics for mesh in meshes]
        for meshes in ([a.mesh for a in found.alone], [one.mesh])
    )
    assert together[0].dice > max(m.dice for m in alone) + 0.003
    assert together[0].hd95_mm < min(m.hd95_mm for m in alone) - 0.1
    assert found.verdict.word == "trust"
    assert found.gain_mm > 0
    assert (found.relative_pose.given, found.relative_pose.moved_mm < 3) == (True, True)
    assert one.geometry.level == "L3"


@pytest.mark.parametrize(
    ("pose", "message"),
    [
        ("iso", r"pose: expected 'isocentre' or a matrix \(4, 4\), got 'iso'"),
        (np.eye(3), r"pose: expected 'isocentre' or a matrix \(4, 4\), got"),
        ([["a"]], r"pose: expected 'isocentre' or a matrix \(4, 4\), got"),
        (np.diag([1.0, 1.0, -1.0, 1.0]), "pose: expected a rotation in the first three rows and columns"),
        (2 * np.eye(4), "pose: expected a rotation in the first three rows and columns"),
    ],
)
def test_other_poses_are_refused(pose, message):
    geometry = Geometry(1000.0, 700.0, (0.5, 0.5), (0.0, 0.0), view_deg=(0.0, 0.0, 0.0))
    with pytest.raises(revert.InputError, match=message):
        relative_pose(pose, geometry, geometry)


def test_no_pose_and_a_matrix_are_taken_as_they_are():
    geometry = Geometry(1000.0, 700.0, (0.5, 0.5), (0.0, 0.0))
    assert relative_pose(None, geometry, geometry) is None
    matrix = np.eye(4)
    matrix[:3, 3] = [1.0, 2.0, 3.0]
    np.testing.assert_array_equal(relative_pose(matrix.tolist(), geometry, geometry).matrix, matrix)
