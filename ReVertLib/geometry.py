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

import json
import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from .errors import InputError, one_line

LEVELS = ("L1", "L2", "L3", "L4", "L5")
VERSE_LABELS = {level: 20 + i for i, level in enumerate(LEVELS)}
"""Label of each level in VerSe segmentations (T12 is 19, the sacrum 26)."""

LEVEL_OF_LABEL = {label: level for level, label in VERSE_LABELS.items()}

VIEW_ANGLES = ("yaw_deg", "pitch_deg", "roll_deg")
"""The arguments of `camera_from_lps`, which are no part of a `Geometry`."""

LPS_FROM_RAS = np.diag([-1.0, -1.0, 1.0])
"""Turns RAS points into LPS and, being its own inverse, LPS into RAS: `points @ LPS_FROM_RAS`."""

_CAMERA_FROM_LPS_AP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])


@dataclass(frozen=True)
class Geometry:
    """How one radiograph was taken, and which vertebra of it is meant. These are the keys of the JSON sidecar.

    sdd_mm: source-detector distance. sod_mm: depth of the vertebra's centre from the source.
    pixel_spacing_mm: (u, v) at the detector. principal_point_px: (u, v) where the principal ray meets the detector.
    level: "L1".."L5", or None when unknown. box_px: (u0, v0, u1, v1), pixels u0 <= u < u1 and v0 <= v < v1 hold
    the vertebra, or None.

    Raises InputError for values no real system can have.
    """

    sdd_mm: float
    sod_mm: float
    pixel_spacing_mm: tuple[float, float]
    principal_point_px: tuple[float, float]
    level: str | None = None
    box_px: tuple[float, float, float, float] | None = None

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


def checked_parameter(name: str, value: object) -> float | str | tuple[float, ...]:
    """The value of one sidecar key or view angle by itself, as `Geometry` holds it. Raises InputError for a value that
    it cannot have, whatever the others are."""
    if name == "level" and value in LEVELS:
        return value
    if name not in _LENGTHS and name not in VIEW_ANGLES:
        expected = f"one of {', '.join(LEVELS)}" if name == "level" else "a key of the geometry or of the view"
        raise InputError(f"{name[:40]}: expected {expected}, got {str(value)[:40]!r}")
    checked = _numbers(name, value, _LENGTHS.get(name, 0))
    if name in ("sdd_mm", "sod_mm", "pixel_spacing_mm") and np.min(checked) <= 0:
        raise InputError(f"{name}: expected more than 0, got {str(value)[:60]}")
    return checked


_LENGTHS = {"sdd_mm": 0, "sod_mm": 0, "pixel_spacing_mm": 2, "principal_point_px": 2, "box_px": 4}


def _numbers(name: str, value: object, count: int) -> float | tuple[float, ...] | None:
    """value as a finite float (count 0) or a tuple of count of them; None stays None for box_px."""
    if value is None and name == "box_px":
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


def complete_geometry(parameters: dict, size_px: tuple[int, int]) -> Geometry:
    """A Geometry from what is known of an image of size_px (columns, rows).

    parameters holds sidecar keys; None counts as absent. A missing principal point is the image's centre; nothing
    else is guessed. Raises InputError naming what is missing or unknown, or a box that leaves the image.
    """
    known = {key: value for key, value in parameters.items() if value is not None}
    unknown = sorted(set(known) - set(Geometry.__dataclass_fields__))
    if unknown:
        raise InputError(f"geometry: expected the keys {', '.join(Geometry.__dataclass_fields__)}, got {unknown[0]!r}")
    missing = [key for key in ("sdd_mm", "sod_mm", "pixel_spacing_mm") if key not in known]
    if missing:
        options = ", ".join("--" + key.removesuffix("_mm").replace("_", "-") for key in missing)
        raise InputError(f"geometry: expected {', '.join(missing)} from a sidecar, DICOM or {options}, got none")
    columns, rows = size_px
    known.setdefault("principal_point_px", ((columns - 1) / 2, (rows - 1) / 2))
    geometry = Geometry(**known)
    if geometry.box_px is not None:
        u0, v0, u1, v1 = geometry.box_px
        if u0 < 0 or v0 < 0 or u1 > columns or v1 > rows:
            raise InputError(f"box_px: expected a box inside the {columns} x {rows} image, got {list(geometry.box_px)}")
    return geometry


def sidecar_path(image_path: str | Path) -> Path:
    """Where an image's geometry lives: beside it, same stem, `.json`."""
    path = Path(image_path)
    stem = path.name.removesuffix(".gz") if path.name.endswith(".nii.gz") else path.name
    return path.with_name(Path(stem).stem + ".json")


def read_sidecar(path: str | Path) -> dict:
    """The parameters in a JSON sidecar. Raises InputError when it is not a JSON object of known keys."""
    try:
        parameters = json.loads(Path(path).read_text())
    except (OSError, ValueError) as error:
        raise InputError(f"sidecar {Path(path).name}: expected a JSON file, got {one_line(error)}") from error
    if not isinstance(parameters, dict):
        raise InputError(f"sidecar {Path(path).name}: expected a JSON object, got a {type(parameters).__name__}")
    return parameters


def sidecar_text(geometry: Geometry) -> str:
    """The JSON text of a sidecar; `read_sidecar` and `complete_geometry` give the same geometry back."""
    return json.dumps(asdict(geometry), indent=1) + "\n"


def rotation_about(axis: str, degrees: float) -> np.ndarray:
    """(3, 3) right-handed rotation about a coordinate axis "x", "y" or "z"."""
    i = "xyz".index(axis)
    j, k = (i + 1) % 3, (i + 2) % 3
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    rotation = np.eye(3)
    rotation[j, j] = rotation[k, k] = c
    rotation[k, j], rotation[j, k] = s, -s
    return rotation


def camera_from_lps(yaw_deg: float = 0.0, pitch_deg: float = 0.0, roll_deg: float = 0.0) -> np.ndarray:
    """(3, 3) rotation from patient LPS axes to camera axes for a view; see the module's text for the signs."""
    axes_in_lps = rotation_about("z", yaw_deg) @ _CAMERA_FROM_LPS_AP.T
    axes_in_lps = axes_in_lps @ rotation_about("x", pitch_deg) @ rotation_about("z", roll_deg)
    return axes_in_lps.T


def place_in_camera(points_lps: np.ndarray, centre_lps: np.ndarray, rotation: np.ndarray, sod_mm: float) -> np.ndarray:
    """Points (n, 3) in LPS moved into the camera frame so that centre_lps lies on the principal ray at sod_mm.

    rotation: (3, 3) from `camera_from_lps`.
    """
    return (np.asarray(points_lps, float) - centre_lps) @ rotation.T + [0.0, 0.0, sod_mm]


def rotation_to_ray(direction: np.ndarray) -> np.ndarray:
    """(3, 3) smallest rotation that turns +Z into direction (3,); direction must not point along -Z."""
    x, y, z = np.asarray(direction, float) / np.linalg.norm(direction)
    skew = np.array([[0.0, 0.0, x], [0.0, 0.0, y], [-x, -y, 0.0]])
    return np.eye(3) + skew + skew @ skew / (1.0 + z)
