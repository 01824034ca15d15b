"""The error to be expected of a vertebra after fusion, from what the two answers say of theirs.

Each answer's error is an ellipsoid at every vertex, flat across its beam. Were both independent, their inverses would
add up; but they have much in common, since both come from one network. So the result is multiplied by a factor that was
measured on synthetic people whom no training has seen.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.inference.results import Reconstruction
from ReVertLib.metrics.records import ErrorParts

COMMON = {True: 1.29, False: 1.46}
"""By whether the relative pose was given: the errors after fusion over those of independent answers, where each
answer's own error is as it says."""


def fused_errors(
    found: Sequence[Reconstruction], poses: Sequence[RigidTransform], shape: np.ndarray, given: bool
) -> tuple[np.ndarray | None, ErrorParts | None]:
    """(expected_error_mm, error_parts) in the first camera's frame of the vertices shape (n, 3), canonical frame.
    poses: the cameras from canonical. None as far as either answer does not say."""
    if any(one.expected_error_mm is None for one in found):
        return None, None
    certain = np.zeros((len(shape), 3, 3))
    for one, pose in zip(found, poses, strict=True):
        rays = pose.apply(shape) @ pose.rotation
        certain += np.linalg.inv(_ellipsoids(one, rays / np.linalg.norm(rays, axis=1, keepdims=True)))
    left = COMMON[given] ** 2 * np.linalg.inv(certain)
    rays = poses[0].apply(shape) @ poses[0].rotation
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    all_2, along_2 = np.trace(left, axis1=1, axis2=2), np.einsum("ni,nij,nj->n", rays, left, rays)
    expected_mm = np.sqrt(all_2)
    if any(one.error_parts is None for one in found):
        return expected_mm, None
    bound = float(np.mean([np.mean(one.error_parts.bound_mm / one.expected_error_mm) for one in found]))
    return expected_mm, ErrorParts(np.sqrt(all_2 - along_2), np.sqrt(along_2), bound * expected_mm)


def _ellipsoids(one: Reconstruction, rays: np.ndarray) -> np.ndarray:
    """(n, 3, 3) mm2, canonical axes, of the error at each vertex; a ball where its parts are not known."""
    along = np.einsum("ni,nj->nij", rays, rays)
    if one.error_parts is None:
        return np.eye(3) * (one.expected_error_mm**2 / 3)[:, None, None]
    across_2, along_2 = one.error_parts.across_mm**2, one.error_parts.along_mm**2
    return (np.eye(3) - along) * (across_2 / 2)[:, None, None] + along * along_2[:, None, None]
