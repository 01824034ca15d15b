"""NIfTI files as they are: ITK's reader turns NaN into 0, does not miss bytes that are not there, and refuses axes that
are rounded."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ReVertLib.errors import InputError

_TYPES = {2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4", 1024: "i8", 1280: "u8"}
_MM_PER_UNIT = {1: 1000.0, 3: 0.001}
_LPS_FROM_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
_FORMS = {1: (348, "8h", 40, "h", 70, "8f", 76, "3f", 108, 252, "6f12f", 256, "B", 123),
          2: (540, "8q", 16, "h", 12, "8d", 104, "qdd", 168, 344, "6d12d", 352, "i", 500)}  # fmt: skip
"""By version: bytes of the header, then form and place of dim, datatype, pixdim, (vox_offset, scl_slope, scl_inter),
the place of qform_code and sform_code, form and place of the quaternion and the matrix, form and place of the units."""
_MOST_OFF_RIGHT = 0.05
"""A cosine between two axes up to here is rounding."""


@dataclass(frozen=True)
class Nifti:
    """array: (k, j, i) values after slope and intercept. sform, qform: (4, 4) from (i, j, k, 1) to LPS mm, None where
    the file gives none. spacing_mm: (3,) steps along (i, j, k) as stated beside them."""

    array: np.ndarray
    sform: np.ndarray | None
    qform: np.ndarray | None
    spacing_mm: tuple[float, float, float]


def is_nifti(path: Path) -> bool:
    """By its name: a file of its own, or one of a pair of header and values."""
    return path.name.lower().endswith((".nii", ".nii.gz", ".hdr", ".img"))


def read_nifti(path: Path, what: str, axes: int = 3) -> Nifti:
    """A NIfTI file of one volume, version 1 or 2, packed or not. what: its kind, for messages. axes: how many it has at
    least; the forms of one with two have three all the same.

    Raises InputError when it is damaged, cut off, or has more than one volume or colour.
    """
    name = f"{what} {path.name}"
    content = _pair(path, name) if path.suffix.lower() in (".hdr", ".img") else path.read_bytes()
    if content[:2] == b"\x1f\x8b":
        try:
            content = gzip.decompress(content)
        except (EOFError, OSError, zlib.error) as error:
            got = "one that is cut off" if isinstance(error, EOFError) else "one that is damaged"
            raise InputError(f"{name}: expected a whole NIfTI file, got {got}") from None
    version, order = _version(content, name)
    _, dim_form, dim_at, type_form, type_at, step_form, step_at, scale_form, scale_at, *placing = _FORMS[version]

    def values(form: str, at: int) -> tuple:
        return struct.unpack_from(order + form, content, at)

    count, *size = values(dim_form, dim_at)
    size = size[: max(count, 0)] if count <= 7 else []
    kind = _TYPES.get(values(type_form, type_at)[0])
    if len(size) < axes or min(size) < 1 or any(n != 1 for n in size[3:]) or kind is None:
        shape = " x ".join(map(str, size)) or "none"
        colour = "" if kind else f" and data type {values(type_form, type_at)[0]}"
        kind_expected = "a 3D volume" if axes == 3 else "an image"
        raise InputError(f"{name}: expected {kind_expected} of one component, got size {shape}{colour}")
    offset, slope, intercept = values(scale_form, scale_at)
    dtype, offset = np.dtype(order + kind), int(max(offset, _FORMS[version][0])) if np.isfinite(offset) else 0
    voxels = math.prod(size[:3])
    if voxels * dtype.itemsize > len(content) - offset:
        raise InputError(f"{name}: expected a whole NIfTI file, got one that is cut off")
    array = np.frombuffer(content, dtype, voxels, offset).reshape(size[2::-1]).astype(dtype.newbyteorder("="))
    if np.isfinite([slope, intercept]).all() and slope != 0 and (slope, intercept) != (1, 0):
        array = array.astype(np.float64 if kind == "f8" else np.float32) * slope + intercept
    steps = values(step_form, step_at)
    unit_mm = _MM_PER_UNIT.get(values(*placing[3:])[0] & 7, 1.0)
    return Nifti(array, *_forms(values, steps, placing, unit_mm), tuple(unit_mm * step for step in steps[1:4]))


def read_nifti_image(path: Path) -> Nifti:
    """An image in a NIfTI file. Raises InputError as `read_nifti`, and for NaN, which ITK's reader turns into zeros."""
    found = read_nifti(path, "image", axes=2)
    if not np.isfinite(found.array).all():
        raise InputError(f"image {path.name}: expected finite grey values, got NaN or infinity")
    return found


def nifti_version(path: Path) -> int | None:
    """1 or 2 by the first bytes of a file, packed or not; None of another."""
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    try:
        with gzip.open(path) if packed else path.open("rb") as file:
            return _version(file.read(_FORMS[2][0]), path.name)[0]
    except (InputError, EOFError, OSError, zlib.error):
        return None


def _pair(path: Path, name: str) -> bytes:
    """The header of a .hdr file with the values of the .img file behind it, whichever of both is named."""
    files = [path.with_suffix(suffix) for suffix in (".hdr", ".img")]
    if not all(file.is_file() for file in files):
        raise InputError(f"{name}: expected a .hdr and an .img file side by side, got one of them")
    header, values = (file.read_bytes() for file in files)
    return header[:348] + values


def _version(content: bytes, name: str) -> tuple[int, str]:
    """Version and byte order of a file."""
    for version, (size, *_) in _FORMS.items():
        for order in "<>":
            if len(content) >= size and struct.unpack_from(f"{order}i", content)[0] == size:
                return version, order
    raise InputError(f"{name}: expected a readable volume, got no NIfTI header")


def _forms(values, steps: tuple, placing: list, unit_mm: float) -> tuple[np.ndarray | None, np.ndarray | None]:
    """(sform, qform)."""
    codes_at, placing_form, placing_at, *_ = placing
    q_code, s_code = values("hh" if codes_at == 252 else "ii", codes_at)
    b, c, d, *rest = values(placing_form, placing_at)
    scale = np.diag([unit_mm, unit_mm, unit_mm, 1.0])
    sform = qform = None
    if s_code > 0:
        sform = _LPS_FROM_RAS @ scale @ np.vstack([np.reshape(rest[3:], (3, 4)), [0, 0, 0, 1]])
    if q_code > 0:
        a = np.sqrt(max(0.0, 1 - b * b - c * c - d * d))
        turn = [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
        matrix = np.eye(4)
        matrix[:3, :3] = np.array(turn) * [steps[1], steps[2], steps[3] * (-1 if steps[0] < 0 else 1)]
        matrix[:3, 3] = rest[:3]
        qform = _LPS_FROM_RAS @ scale @ matrix
    return sform, qform


def stated_axes(form: np.ndarray, name: str) -> np.ndarray:
    """A form whose axes are not quite at right angles, as it is. Raises InputError for one that is sheared or has no
    volume, as after a tilted gantry."""
    lengths = np.linalg.norm(form[:3, :3], axis=0)
    if not np.isfinite(form).all() or lengths.min() <= 0:
        raise InputError(f"{name}: expected voxels with a size, got none")
    cosines = form[:3, :3] / lengths
    off = np.abs(cosines.T @ cosines - np.eye(3)).max()
    if off > _MOST_OFF_RIGHT:
        angle = np.degrees(np.arcsin(min(off, 1.0)))
        raise InputError(f"{name}: expected axes at right angles, got some {angle:.0f} degrees off: resample it first")
    return form
