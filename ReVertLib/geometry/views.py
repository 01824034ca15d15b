"""Frames and views: from patient axes (LPS, RAS) to camera axes; `camera` draws the camera frame."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ReVertLib.errors import InputError

from .transform import RigidTransform

VIEW_ANGLES = ("yaw_deg", "pitch_deg", "roll_deg")
"""The arguments of `view_rotation`, in order."""

YAW_OF_VIEW = {
    "AP": 0.0,
    "PA": 180.0,
    "LL": -90.0,
    "RL": 90.0,
    "LPO": -45.0,
    "RPO": 45.0,
    "LAO": -135.0,
    "RAO": 135.0,
}
"""By DICOM's ViewPosition (0018,5101) and the obliques that radiographers add; each names the side of the patient that
is at the detector: the left one in a left lateral, the left of the back in a left posterior oblique."""

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


def view_angles(rotation: np.ndarray) -> tuple[float, float, float]:
    """(yaw, pitch, roll) in degrees of a view (3, 3), pitch within 90 degrees: `view_rotation` gives it back."""
    x, y, z = rotation[2]
    yaw, pitch = math.degrees(math.atan2(-x, y)), math.degrees(math.asin(np.clip(z, -1.0, 1.0)))
    rolled = view_rotation(yaw, pitch) @ rotation.T
    return yaw, pitch, math.degrees(math.atan2(rolled[1, 0], rolled[0, 0]))


def parse_view(words: Sequence[object]) -> dict[str, float]:
    """The angles of a view by their names, of one of YAW_OF_VIEW, or of one to three numbers, yaw, pitch and roll in
    degrees. Raises InputError for anything else."""
    name = str(words[0]).upper()
    if len(words) == 1 and name in YAW_OF_VIEW:
        return dict(zip(VIEW_ANGLES, (YAW_OF_VIEW[name], 0.0, 0.0), strict=True))
    try:
        angles = [float(word) for word in words]
    except (TypeError, ValueError):
        angles = []
    if not 1 <= len(angles) <= len(VIEW_ANGLES) or not all(map(math.isfinite, angles)):
        expected = f"one of {', '.join(YAW_OF_VIEW)}, or yaw, pitch and roll in degrees"
        raise InputError(f"view: expected {expected}, got {' '.join(map(str, words))[:40]!r}")
    return dict(zip(VIEW_ANGLES, [*angles, 0.0, 0.0], strict=False))


def view_name(yaw_deg: float) -> str:
    """A view around the patient as a radiographer calls it, or by its yaw."""
    off = {name: abs((yaw_deg - yaw + 180) % 360 - 180) for name, yaw in YAW_OF_VIEW.items()}
    nearest = min(off, key=off.__getitem__)
    return nearest if off[nearest] <= 15 else f"yaw {yaw_deg:.0f} degrees"


def camera_from_lps(rotation: np.ndarray, centre_lps: np.ndarray, sod_mm: float) -> RigidTransform:
    """The view in which centre_lps (3,) lies on the principal ray at depth sod_mm. rotation: of `view_rotation`."""
    return RigidTransform.about(centre_lps, rotation, np.array([0.0, 0.0, sod_mm]))


def rotation_to_ray(direction: np.ndarray) -> np.ndarray:
    """(3, 3) smallest rotation that turns +Z into direction (3,); direction must not point along -Z."""
    x, y, z = np.asarray(direction, float) / np.linalg.norm(direction)
    skew = np.array([[0.0, 0.0, x], [0.0, 0.0, y], [-x, -y, 0.0]])
    return np.eye(3) + skew + skew @ skew / (1.0 + z)
