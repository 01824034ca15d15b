"""How two cameras lie to each other, from the poses of bones in both."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from ReVertLib.ct_registration.refine import Fit
from ReVertLib.ct_registration.two_views import second_from_poses
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.geometry.views import camera_from_lps, view_rotation

LEVELS = ("L2", "L3", "L4")
INFORMATION = np.diag([400.0, 400.0, 10.0, 200.0, 200.0, 200.0])
"""Little of what lies along the beam."""


def poses(yaw_deg: float, along_mm=(0.0, 0.0, 0.0)) -> tuple[dict, list]:
    """Bones above each other, at 700 mm from a camera, each wrong by so much along the beam."""
    fits, bones, view = {}, [], camera_from_lps(view_rotation(yaw_deg), np.zeros(3), 700.0)
    for i, level in enumerate(LEVELS):
        centre = np.array([0.0, 5.0 * i, 35.0 * (1 - i)])
        seen = view.apply(centre[None])[0]
        pose = RigidTransform.shift(along_mm[i] * seen / seen[2]) @ view
        fits[level] = Fit(pose, 0.95, 1.0, INFORMATION)
        bones.append(SimpleNamespace(level=level, centre_lps=centre))
    return fits, bones


def test_right_poses_give_the_true_motion():
    (first, bones), (second, _) = poses(0.0), poses(80.0)
    found = second_from_poses(first, second, bones)
    true = second["L2"].pose @ first["L2"].pose.inverse
    assert found.matrix == pytest.approx(true.matrix, abs=1e-3)


def test_errors_along_the_beams_cost_little_of_what_the_other_sees_across():
    (first, bones), (second, _) = poses(0.0, (6.0, -4.0, 1.0)), poses(80.0, (-3.0, 5.0, 2.0))
    found = second_from_poses(first, second, bones)
    true = poses(80.0)[0]["L2"].pose @ poses(0.0)[0]["L2"].pose.inverse
    assert np.degrees(Rotation.from_matrix(found.rotation @ true.rotation.T).magnitude()) < 1.5
    middle = np.array([[0.0, 0.0, 700.0]])
    assert np.linalg.norm(found.apply(middle) - true.apply(middle)) < 5.0
