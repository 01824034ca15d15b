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
