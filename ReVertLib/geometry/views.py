"""Frames and views: from patient axes (LPS, RAS) to camera axes; `camera` draws the camera frame."""

from __future__ import annotations

import math

import numpy as np

from .transform import RigidTransform

VIEW_ANGLES = ("yaw_deg", "pitch_deg", "roll_deg")
"""The arguments of `view_rotation`, which are no part of a `Geometry`."""

LPS_FROM_RAS = np.diag([-1.0, -1.0, 1.0])
"""Turns RAS points into LPS and, being its own inverse, LPS into RAS: `points @ LPS_FROM_RAS`."""

_CAMERA_FROM_LPS_AP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])


def rotation_about(axis: str, degrees: float) -> np.ndarray:
    """(3, 3) right-handed rotation about a coordinate axis "x", "y" or "z"."""
    i = "xyz".index(axis)
    j, k = (i + 1) % 3, (i + 2) % 3
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    rotation = np.eye(3)
    rotation[j, j] = rotation[k, k] = c
    rotation[k, j], rotation[j, k] = s, -s
    return rotation


def view_rotation(yaw_deg: float = 0.0, pitch_deg: float = 0.0, roll_deg: float = 0.0) -> np.ndarray:
    """(3, 3) rotation from patient LPS axes to camera axes for a view; see the module's text for the signs."""
    axes_in_lps = rotation_about("z", yaw_deg) @ _CAMERA_FROM_LPS_AP.T
    axes_in_lps = axes_in_lps @ rotation_about("x", pitch_deg) @ rotation_about("z", roll_deg)
    return axes_in_lps.T


def camera_from_lps(rotation: np.ndarray, centre_lps: np.ndarray, sod_mm: float) -> RigidTransform:
    """The view in which centre_lps (3,) lies on the principal ray at depth sod_mm. rotation: of `view_rotation`."""
    return RigidTransform.about(centre_lps, rotation, np.array([0.0, 0.0, sod_mm]))


def rotation_to_ray(direction: np.ndarray) -> np.ndarray:
    """(3, 3) smallest rotation that turns +Z into direction (3,); direction must not point along -Z."""
    x, y, z = np.asarray(direction, float) / np.linalg.norm(direction)
    skew = np.array([[0.0, 0.0, x], [0.0, 0.0, y], [-x, -y, 0.0]])
    return np.eye(3) + skew + skew @ skew / (1.0 + z)
