"""STL files, ASCII and binary, whose triangles share no vertices."""

from __future__ import annotations

import re

import numpy as np

from .mesh import Mesh, face_normals
from .polygons import CUT_OFF, Damaged
from .solid import joined

_HEADER_BYTES = 80
_TRIANGLE = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attributes", "<u2")])
_TEXT = re.compile(rb"(?:\xef\xbb\xbf)?\s*solid\b", re.IGNORECASE)
_NAME = re.compile(rb"^.*solid\b.*$", re.IGNORECASE | re.MULTILINE)
_CORNER = re.compile(rb"\bvertex\s+(\S+)\s+(\S+)\s+(\S+)", re.IGNORECASE)
_PLAUSIBLE_SHARE = 50
"""A count that promises so many times the bytes there are is not one of a file that was cut off."""


def read_stl(content: bytes) -> Mesh:
    """The triangles of an STL file, with vertices at one place as one. Raises Damaged when it holds less than it
    says."""
    promised = _HEADER_BYTES + 4 + _TRIANGLE.itemsize * _count(content)
    if _TEXT.match(content) and promised != len(content):
        return _joined(_corners_in_text(content))
    if promised > _PLAUSIBLE_SHARE * len(content):
        raise Damaged
    if promised > len(content):
        raise Damaged(*CUT_OFF)
    return _joined(np.frombuffer(content, _TRIANGLE, _count(content), _HEADER_BYTES + 4)["corners"])


def stl_bytes(mesh: Mesh, header: str) -> bytes:
    """A binary STL file. header: must not begin with "solid", and is cut to 80 bytes."""
    found = np.zeros(len(mesh.faces), _TRIANGLE)
    normals = face_normals(mesh)
    found["normal"] = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-30)
    found["corners"] = mesh.vertices[mesh.faces]
    count = np.array([len(found)], "<u4").tobytes()
    return header.encode("ascii")[:_HEADER_BYTES].ljust(_HEADER_BYTES) + count + found.tobytes()


def _count(content: bytes) -> int:
    return int.from_bytes(content[_HEADER_BYTES : _HEADER_BYTES + 4], "little")


def _corners_in_text(content: bytes) -> np.ndarray:
    found = _CORNER.findall(_NAME.sub(b"", content))  # a name may be of any words
    if not found:
        raise Damaged
    if len(found) % 3 or b"endsolid" not in content[-200:].lower():
        raise Damaged(*CUT_OFF)
    try:
        return np.array(found).astype(float)
    except ValueError:
        raise Damaged("coordinates as numbers", "other text") from None


def _joined(corners: np.ndarray) -> Mesh:
    return joined(Mesh(corners.reshape(-1, 3), np.arange(corners.size // 3).reshape(-1, 3)))
