"""How the errors of a vertebra's landmarks go together, from what is expected of its vertices.

A surface that is off is off in parts that all of it shares (it is shifted, turned, too large) and in local ones, which
neighbours share. The expected error of the vertices says how much; the numbers below say which part has how much of it,
measured on synthetic people and images that no training had seen: `python Testing/studies/measurement_errors.py fit
NEW` prints them again. The local part falls off as a Gaussian of the distance. All are the deviations within which 68 %
lie.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ReVertLib.metrics.records import ErrorParts

from .landmarks import Landmarks

SHIFT_ACROSS, SHIFT_ALONG = 0.57, 1.29
"""Of all of it, for each mm that is expected of its vertices in the mean across the beam, and along it."""
TURN_DEG, TURN_ABOUT_BEAM_DEG = 1.71, 0.81
"""About axes across the beam and about the beam, for each mm that is expected in the mean."""
GROWTH = 0.025
"""Of the size of all of it, for each mm."""
LOCAL_ACROSS, LOCAL_ALONG = 1.29, 2.24
"""For each mm that is expected of the place across and along the beam: more than 1, because a point of the surface can
also lie beside where it should on the surface."""
REACH_MM = 8.9
"""Of the local part."""
_LEAST_SHARE = 0.003
"""Modes with a smaller share of the local variance are left out."""


@dataclass(frozen=True, eq=False)
class Expected:
    """Of one vertebra in the camera's frame. vertices: (n, 3) mm. mean_mm: mean of the distances to the true surface to
    be expected. parts: of the distances."""

    vertices: np.ndarray
    mean_mm: float
    parts: ErrorParts


def error_modes(expected: Expected, landmarks: Landmarks) -> np.ndarray:
    """(m, k, 3) displacements of the landmarks, mm, independent of each other and each one standard deviation."""
    points, centre = landmarks.points(expected.vertices), expected.vertices.mean(0)
    axes = _beam_axes(centre)
    sd = [[SHIFT_ACROSS * expected.parts.across_mm.mean()]] * 2 + [[SHIFT_ALONG * expected.parts.along_mm.mean()]]
    shifts = np.broadcast_to((np.array(sd) * axes)[:, None], (3, *points.shape))
    turns_deg = np.array([TURN_DEG, TURN_DEG, TURN_ABOUT_BEAM_DEG]) * expected.mean_mm
    turns = np.cross(np.radians(turns_deg)[:, None, None] * axes[:, None], points - centre)
    grown = GROWTH * expected.mean_mm * (points - centre)
    return np.concatenate([shifts, turns, grown[None], _local(expected, landmarks, axes)])


def _local(expected: Expected, landmarks: Landmarks, axes: np.ndarray) -> np.ndarray:
    """(m, k, 3) of the part that neighbours share."""
    apart_mm = np.linalg.norm(landmarks.mean_mm[:, None] - landmarks.mean_mm, axis=2)
    alike, parts = np.exp(-0.5 * (apart_mm / REACH_MM) ** 2), expected.parts
    sd_mm = LOCAL_ACROSS * (landmarks.weights @ parts.across_mm), LOCAL_ALONG * (landmarks.weights @ parts.along_mm)
    across, along = (_modes(sd[:, None] * alike * sd) for sd in sd_mm)
    return np.concatenate([modes[:, :, None] * axis for modes, axis in zip((across, across, along), axes, strict=True)])


def _modes(covariance: np.ndarray) -> np.ndarray:
    """(m, k) the directions of a covariance (k, k), each one standard deviation."""
    variances, directions = np.linalg.eigh(covariance)
    kept = variances > _LEAST_SHARE * variances.sum()
    return (np.sqrt(variances[kept]) * directions[:, kept]).T


def _beam_axes(centre: np.ndarray) -> np.ndarray:
    """(3, 3) rows: two directions across the ray from the source to a point (3,), and along it."""
    along = centre / np.linalg.norm(centre)
    first = np.cross(along, [0.0, 1.0, 0.0] if abs(along[1]) < 0.9 else [1.0, 0.0, 0.0])
    first /= np.linalg.norm(first)
    return np.stack([first, np.cross(along, first), along])
