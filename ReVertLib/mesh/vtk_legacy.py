"""VTK's legacy files, .vtk, ASCII and binary, read here because VTK's own reader ends the process on damaged ones."""

from __future__ import annotations

import re

import numpy as np

from .mesh import Mesh
from .polygons import CUT_OFF, Damaged, checked, strips, triangles

_TYPES = {"float": "f4", "double": "f8", "int": "i4", "long": "i8", "vtktypeint64": "i8", "vtktypeint32": "i4"}
_CUTS = {"POLYGONS": triangles, "TRIANGLE_STRIPS": strips}


def read_vtk(content: bytes) -> Mesh:
    """The triangles of polygonal data, larger polygons and strips cut into triangles. Raises Damaged when it is cut
    off or holds another kind of data."""
    lines = content[:1024].splitlines()
    if not content.startswith(b"# vtk DataFile") or len(lines) < 3:
        raise Damaged
    if not re.search(rb"^DATASET\s+POLYDATA", content, re.MULTILINE | re.IGNORECASE):
        raise Damaged("DATASET POLYDATA", "another kind of data")
    data = _Sections(content, binary=lines[2].strip().upper() == b"BINARY")
    vertices = data.points()
    faces = [cut(*cells) for name, cut in _CUTS.items() for cells in data.cells(name)]
    return Mesh(vertices, np.vstack([np.zeros((0, 3), int), *faces]))


class _Sections:
    """The parts of a file, each found by the line that begins it."""

    def __init__(self, content: bytes, binary: bool) -> None:
        self._content, self._binary = content, binary

    def points(self) -> np.ndarray:
        found = self._line(rb"POINTS\s+(\d{1,15})\s+(\w+)")
        if found is None:
            raise Damaged
        return self._numbers(found.end(), 3 * int(found[1]), found[2]).reshape(-1, 3)

    def cells(self, name: str) -> list[tuple[np.ndarray, np.ndarray]]:
        """(lengths, all corners in a row) of the section of a name, if there is one."""
        found = self._line(name.encode() + rb"\s+(\d{1,15})\s+(\d{1,15})")
        if found is None:
            return []
        count, size = int(found[1]), int(found[2])
        offsets = self._line(rb"OFFSETS\s+(\w+)", found.end(), at_once=True)
        if offsets is not None:  # files of version 5
            ends = self._numbers(offsets.end(), count, offsets[1])
            corners = self._line(rb"CONNECTIVITY\s+(\w+)", offsets.end())
            if corners is None:
                raise Damaged(*CUT_OFF)
            return [checked(np.diff(ends), self._numbers(corners.end(), size, corners[1]))]
        numbers = self._numbers(found.end(), size, b"int")
        lengths, corners, at = [], np.ones(size, bool), 0
        for _ in range(count):
            if at >= size:
                raise Damaged(*CUT_OFF)
            lengths.append(int(numbers[at]))
            corners[at] = False
            at += max(lengths[-1], 0) + 1
        return [checked(np.array(lengths, int), numbers[corners])]

    def _line(self, pattern: bytes, begin: int = 0, at_once: bool = False) -> re.Match | None:
        """The line of a pattern from a place on, or, at once, right there."""
        form = re.compile(rb"^[ \t]*" + pattern + rb"[^\n]*\n", re.MULTILINE | re.IGNORECASE)
        return form.match(self._content, begin) if at_once else form.search(self._content, begin)

    def _numbers(self, begin: int, count: int, kind: bytes) -> np.ndarray:
        """So many numbers from a place on."""
        dtype = np.dtype(_TYPES.get(kind.decode("latin-1").lower(), "V0"))
        if not dtype.itemsize:
            raise Damaged(f"numbers of {', '.join(_TYPES)}", repr(kind.decode("latin-1")[:20]))
        least_bytes = dtype.itemsize if self._binary else 2
        if count * least_bytes > len(self._content) - begin + 1:
            raise Damaged(*CUT_OFF)
        if self._binary:
            return np.frombuffer(self._content, dtype.newbyteorder(">"), count, begin).astype(dtype)
        try:
            found = np.array(self._content[begin:].split(None, count)[:count]).astype(float)
        except ValueError:
            raise Damaged("numbers", "other text") from None
        if len(found) < count:
            raise Damaged(*CUT_OFF)
        return found if dtype.kind == "f" else _whole(found)


def _whole(numbers: np.ndarray) -> np.ndarray:
    if not (np.abs(numbers) < 2**53).all():
        raise Damaged("whole numbers", "others")
    return numbers.astype(np.int64)
