"""The JSON sidecar beside a radiograph: its geometry as parameters, read, completed and written."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np

from ReVertLib.errors import InputError, one_line

from .camera import _LENGTHS, Geometry, _numbers
from .levels import LEVELS
from .plausible import check_lengths
from .views import VIEW_ANGLES

KEYS = tuple(name for name in Geometry.__dataclass_fields__ if name != "view_deg") + VIEW_ANGLES
"""What a sidecar may hold of one vertebra."""

VERTEBRAE_KEY = "vertebrae"
"""Beside these, the boxes of all vertebrae of a film: a list of objects with level and box_px."""

_OPTIONS = re.compile(r", DICOM or --[\w-]+(?:, --[\w-]+)*")


def checked_parameter(name: str, value: object) -> float | str | tuple[float, ...]:
    """The value of one sidecar key or view angle by itself, as `Geometry` holds it. Raises InputError for a value that
    it cannot have, whatever the others are."""
    if name == "level" and value in LEVELS:
        return value
    if name not in KEYS or name == "level":
        expected = f"one of {', '.join(LEVELS)}" if name == "level" else "a key of the geometry or of the view"
        raise InputError(f"{name[:40]}: expected {expected}, got {str(value)[:40]!r}")
    checked = _numbers(name, value, _LENGTHS.get(name, 0))
    if name in ("sdd_mm", "sod_mm", "pixel_spacing_mm") and np.min(checked) <= 0:
        raise InputError(f"{name}: expected more than 0, got {str(value)[:60]}")
    return checked


def complete_geometry(
    parameters: dict, size_px: tuple[int, int], reasons: Mapping[str, str] = MappingProxyType({})
) -> Geometry:
    """A Geometry from what is known of an image of size_px (columns, rows).

    parameters holds sidecar keys; None counts as absent. A missing principal point is the image's centre, and angles of
    the view that are missing beside others are 0; nothing else is guessed. A box that leaves the image is cut to it.
    reasons: by key, why something missing is so. Raises InputError naming what is missing, unknown, or a length that no
    system has, or a box beside the image.
    """
    known = {key: value for key, value in parameters.items() if value is not None}
    unknown = sorted(set(known) - set(KEYS))
    if unknown:
        raise InputError(f"geometry: expected the keys {', '.join(KEYS)}, got {unknown[0]!r}")
    missing = [key for key in ("sdd_mm", "sod_mm", "pixel_spacing_mm") if key not in known]
    if missing:
        options = ", ".join("--" + key.removesuffix("_mm").replace("_", "-") for key in missing)
        got = "none" + "".join(f"; {reasons[key]}" for key in missing if key in reasons)
        raise InputError(f"geometry: expected {', '.join(missing)} from a sidecar, DICOM or {options}, got {got}")
    columns, rows = size_px
    known.setdefault("principal_point_px", ((columns - 1) / 2, (rows - 1) / 2))
    angles = [known.pop(angle, None) for angle in VIEW_ANGLES]
    if any(angle is not None for angle in angles):
        known["view_deg"] = tuple(angle or 0.0 for angle in angles)
    geometry = Geometry(**known)
    check_lengths(geometry.sdd_mm, geometry.sod_mm, geometry.pixel_spacing_mm)
    if geometry.box_px is None:
        return geometry
    box = box_within(geometry.box_px, size_px)
    if not (box[0] < box[2] and box[1] < box[3]):
        got = list(geometry.box_px)
        raise InputError(f"box_px: expected a box inside the {columns} x {rows} image, got {got} beside it")
    return replace(geometry, box_px=box)


def without_options(message: str) -> str:
    """A message of `complete_geometry` for those who cannot give an option of the command line."""
    return _OPTIONS.sub(" or DICOM", message)


def box_within(box_px: tuple[float, ...], size_px: tuple[int, int]) -> tuple[float, float, float, float]:
    """What of a box (u0, v0, u1, v1) lies in an image of size_px (columns, rows); empty where nothing does."""
    (u0, v0, u1, v1), (columns, rows) = box_px, size_px
    return max(u0, 0.0), max(v0, 0.0), min(u1, float(columns)), min(v1, float(rows))


def sidecar_path(image_path: str | Path) -> Path:
    """Where an image's geometry lives: beside it, same stem, `.json`; also of a folder that is named by dots."""
    path = Path(image_path)
    if path.name in ("", ".."):
        path = Path(os.path.abspath(path))
        if not path.name:
            raise InputError(f"image: expected a file, or a folder with one DICOM image, got {str(path)!r}")
    stem = path.name.removesuffix(".gz") if path.name.endswith(".nii.gz") else path.name
    return path.with_name(Path(stem).stem + ".json")


def read_sidecar(path: str | Path) -> dict:
    """The parameters in a JSON sidecar, in UTF-8, UTF-16 or UTF-32, with or without a byte order mark. Raises
    InputError when it is not a JSON object."""
    try:
        parameters = json.loads(Path(path).read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f"sidecar {Path(path).name}: expected a JSON file, got {one_line(error)}") from error
    if not isinstance(parameters, dict):
        raise InputError(f"sidecar {Path(path).name}: expected a JSON object, got a {type(parameters).__name__}")
    return parameters


def sidecar_text(geometry: Geometry) -> str:
    """The JSON text of a sidecar; `read_sidecar` and `complete_geometry` give the same geometry back."""
    return json.dumps(sidecar_values(geometry), indent=1) + "\n"


def sidecar_values(geometry: Geometry) -> dict[str, object]:
    """A geometry by the keys of a sidecar, those of the view only where it is known."""
    values = asdict(geometry)
    view = values.pop("view_deg")
    return values | (dict(zip(VIEW_ANGLES, view, strict=True)) if view else {})
