"""How a second camera lies to the first, from bones that were laid into the beam of each by itself.

Every bone tells it, badly along both beams; all together are weighed by what their fits say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from ReVertLib.geometry.transform import RigidTransform

from .bone import CtBone
from .expected import pose_covariance
from .refine import Fit


def second_from_poses(first: Mapping[str, Fit], second: Mapping[str, Fit], bones: Sequence[CtBone]) -> RigidTransform:
    """From the first camera's frame to the second's, mm: least squares over the six errors of each bone's two poses,
    weighed by their covariances."""
    best = max(bones, key=lambda bone: first[bone.level].similarity + second[bone.level].similarity)
    begin = second[best.level].pose @ first[best.level].pose.inverse
    whiteners = {bone.level: _whitener(first[bone.level], second[bone.level], begin, bone) for bone in bones}

    def moved(step: np.ndarray) -> RigidTransform:
        centre = second[best.level].pose.apply(best.centre_lps[None])[0]
        turn = Rotation.from_rotvec(step[3:]).as_matrix()
        return RigidTransform.about(centre, turn, centre + step[:3]) @ begin

    def residuals(step: np.ndarray) -> np.ndarray:
        motion = moved(step)
        found = []
        for bone in bones:
            expected, pose = motion @ first[bone.level].pose, second[bone.level].pose
            apart = (expected.apply(bone.centre_lps[None]) - pose.apply(bone.centre_lps[None]))[0]
            turned = Rotation.from_matrix(expected.rotation @ pose.rotation.T).as_rotvec()
            found.append(whiteners[bone.level] @ np.concatenate([apart, turned]))
        return np.concatenate(found)

    return moved(least_squares(residuals, np.zeros(6), loss="soft_l1").x)


def _whitener(first: Fit, second: Fit, begin: RigidTransform, bone: CtBone) -> np.ndarray:
    """(6, 6) that takes errors of a bone's place and rotation in the second camera's frame to deviation 1."""
    turn = np.kron(np.eye(2), begin.rotation)
    covariance = turn @ _in_axes(first, bone) @ turn.T + _in_axes(second, bone)
    return np.linalg.inv(np.linalg.cholesky(covariance + 1e-9 * np.eye(6)))


def _in_axes(fit: Fit, bone: CtBone) -> np.ndarray:
    """(6, 6) covariance of a pose along the axes of its camera: what is along the beam is along the ray."""
    centre = fit.pose.apply(bone.centre_lps[None])[0]
    axes = np.eye(6)
    axes[:3, 2] = centre / centre[2]
    return axes @ pose_covariance(fit) @ axes.T
