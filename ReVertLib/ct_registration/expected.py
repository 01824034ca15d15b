"""What a registered pose is to be expected to be off by, from how sharply the similarity falls around it."""

from __future__ import annotations

import numpy as np

from .records import PoseError
from .refine import NOISE, UNITS, Fit


def pose_covariance(fit: Fit) -> np.ndarray:
    """(6, 6) of mm across (X, Y), mm along the beam and radians about X, Y and Z, as that of a least-squares fit whose
    residuals are correlated."""
    return NOISE * np.linalg.pinv(fit.information, hermitian=True) * np.outer(UNITS, UNITS)


def pose_error(fit: Fit) -> PoseError:
    """The standard deviations of a fit."""
    covariance = pose_covariance(fit)
    across, along = np.sqrt(np.trace(covariance[:2, :2])), np.sqrt(covariance[2, 2])
    return PoseError(
        float(across), float(along), float(np.degrees(np.sqrt(np.linalg.eigvalsh(covariance[3:, 3:])[-1])))
    )


def projected_errors_mm(fit: Fit, centre_lps: np.ndarray, vertices_lps: np.ndarray) -> np.ndarray:
    """(n,) how far vertices (n, 3) are to be expected to be off across the first view's beam, at their own depth, mm:
    the root of the summed variances of both directions. centre_lps: (3,) the bone's middle, LPS as the vertices."""
    points, centre = fit.pose.apply(vertices_lps), fit.pose.apply(centre_lps[None])[0]
    rays = points / np.linalg.norm(points, axis=1, keepdims=True)
    across = np.eye(3) - rays[:, :, None] * rays[:, None, :]
    by_shift = np.stack([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], centre / centre[2]], axis=1)
    by_turn = -_cross_matrices(points - centre)  # r x (p - c) = -(p - c) x r
    by_pose = across @ np.concatenate([np.broadcast_to(by_shift, (len(points), 3, 3)), by_turn], axis=2)
    return np.sqrt(np.einsum("nai,ij,naj->n", by_pose, pose_covariance(fit), by_pose))


def _cross_matrices(vectors: np.ndarray) -> np.ndarray:
    """(n, 3, 3) that take w to v x w, of vectors v (n, 3)."""
    found = np.zeros((len(vectors), 3, 3))
    for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        found[:, k, j], found[:, j, k] = vectors[:, i], -vectors[:, i]
    return found
