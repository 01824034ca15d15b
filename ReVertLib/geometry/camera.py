"""The camera model that every other file shares.

    source (0, 0, 0)                                      detector
      * - - - - - - - - - - - - - - - - - - - - - - - - - - -|   pixel (0, 0) is the centre of the first pixel
      |\\                vertebra's centre at depth sod_mm    |
      | \\  - - - - - - - - - - - (o) - - - - - - - - - - - - |-> +Z   principal ray meets principal_point_px
      |                                                      |
      v +Y (image rows, down)        (.) +X (image columns, out of the page)
      |<------------------- sdd_mm ------------------------->|

Camera frame: origin at the X-ray source, +Z toward the detector, +X along image columns, +Y along image rows, mm,
right-handed. Pixel coordinates are (u, v) = (column, row), and

    u = cx + (sdd_mm / spacing_u_mm) * X / Z        v = cy + (sdd_mm / spacing_v_mm) * Y / Z

Patient frames: LPS (+X left, +Y posterior, +Z superior; DICOM, ITK) and RAS (Slicer), mm. An AP view (yaw 0, pitch 0,
roll 0) has +Z posterior, +Y inferior, +X patient left. Yaw turns the beam about the patient's superior axis
(right-handed: at +90 degrees the source is on the patient's left and the beam runs to the right), pitch then about
the camera's +X (positive sends the beam cranially), roll then about the camera's +Z.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from ReVertLib.errors import InputError

from .levels import LEVELS


@dataclass(frozen=True)
class Geometry:
    """How one radiograph was taken, and which vertebra of it is meant. These are the keys of the JSON sidecar, but for
    the view, whose three angles are keys of their own there.

    sdd_mm: source-detector distance. sod_mm: depth of the vertebra's centre from the source.
    pixel_spacing_mm: (u, v) at the detector. principal_point_px: (u, v) where the principal ray meets the detector.
    level: "L1".."L5", or None when unknown. box_px: (u0, v0, u1, v1), pixels u0 <= u < u1 and v0 <= v < v1 hold
    the vertebra, or None. view_deg: (yaw, pitch, roll) as in the module's text, as far as they are known, to some ten
    degrees; None when the view is not known.

    Raises InputError for values no real system can have.
    """

    sdd_mm: float
    sod_mm: float
    pixel_spacing_mm: tuple[float, float]
    principal_point_px: tuple[float, float]
    level: str | None = None
    box_px: tuple[float, float, float, float] | None = None
    view_deg: tuple[float, float, float] | None = None

    def __post_init__(self) -> None:
        for name, count in _LENGTHS.items():
            object.__setattr__(self, name, _numbers(name, getattr(self, name), count))
        if not 0 < self.sod_mm < self.sdd_mm:
            raise InputError(f"sod_mm: expected 0 < sod_mm < sdd_mm = {self.sdd_mm:g}, got {self.sod_mm:g}")
        if min(self.pixel_spacing_mm) <= 0:
            raise InputError(f"pixel_spacing_mm: expected two positive numbers, got {list(self.pixel_spacing_mm)}")
        if self.level is not None and self.level not in LEVELS:
            raise InputError(f"level: expected one of {', '.join(LEVELS)}, got {str(self.level)[:40]!r}")
        if self.box_px is not None and not (self.box_px[0] < self.box_px[2] and self.box_px[1] < self.box_px[3]):
            raise InputError(f"box_px: expected u0 < u1 and v0 < v1, got {list(self.box_px)}")

    @property
    def focal_px(self) -> np.ndarray:
        """(2,) focal length in pixels along u and v: sdd_mm / pixel_spacing_mm."""
        return self.sdd_mm / np.asarray(self.pixel_spacing_mm)

    @property
    def matrix(self) -> np.ndarray:
        """(3, 3) intrinsic matrix K: homogeneous pixel = K @ point in the camera frame."""
        (fu, fv), (cu, cv) = self.focal_px, self.principal_point_px
        return np.array([[fu, 0.0, cu], [0.0, fv, cv], [0.0, 0.0, 1.0]])

    def project(self, points_mm: np.ndarray) -> np.ndarray:
        """Pixels (n, 2) as (u, v) of points (n, 3) in the camera frame, mm; Z must be positive."""
        points = np.asarray(points_mm, float)
        return self.principal_point_px + self.focal_px * points[:, :2] / points[:, 2:]

    def backproject(self, pixels: np.ndarray, depth_mm: np.ndarray | float) -> np.ndarray:
        """Points (n, 3) in the camera frame, mm, that lie at depth Z = depth_mm and project to pixels (n, 2)."""
        slopes = (np.asarray(pixels, float) - self.principal_point_px) / self.focal_px
        depth = np.broadcast_to(np.asarray(depth_mm, float), len(slopes))[:, None]
        return np.hstack([slopes * depth, depth])

    def cropped(self, u0: float, v0: float) -> Geometry:
        """The geometry of the image whose first pixel is pixel (u0, v0) of this one."""
        cu, cv = self.principal_point_px
        return replace(self, principal_point_px=(cu - u0, cv - v0), box_px=_moved(self.box_px, u0, v0))

    def resized(self, factor_u: float, factor_v: float) -> Geometry:
        """The geometry after resampling to factor times as many pixels along u and v (pixel areas keep their place)."""
        (su, sv), (cu, cv) = self.pixel_spacing_mm, self.principal_point_px
        box = self.box_px and tuple(b * f for b, f in zip(self.box_px, (factor_u, factor_v) * 2, strict=True))
        centre = ((cu + 0.5) * factor_u - 0.5, (cv + 0.5) * factor_v - 0.5)
        return replace(self, pixel_spacing_mm=(su / factor_u, sv / factor_v), principal_point_px=centre, box_px=box)


_LENGTHS = {"sdd_mm": 0, "sod_mm": 0, "pixel_spacing_mm": 2, "principal_point_px": 2, "box_px": 4, "view_deg": 3}
_OPTIONAL = ("box_px", "view_deg")


def _numbers(name: str, value: object, count: int) -> float | tuple[float, ...] | None:
    """value as a finite float (count 0) or a tuple of count of them; None stays None where it may."""
    if value is None and name in _OPTIONAL:
        return None
    try:
        items = [value] if count == 0 else list(value)
        values = [] if any(isinstance(x, str | bool) for x in items) else [float(x) for x in items]
    except (TypeError, ValueError, OverflowError):
        values = []
    if len(values) != (count or 1) or not all(map(math.isfinite, values)):
        raise InputError(f"{name}: expected {count or 'one'} finite number{'s' * (count > 0)}, got {str(value)[:60]}")
    return tuple(values) if count else values[0]


def _moved(box: tuple | None, u0: float, v0: float) -> tuple | None:
    return box and (box[0] - u0, box[1] - v0, box[2] - u0, box[3] - v0)
