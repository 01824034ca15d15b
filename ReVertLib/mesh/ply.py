"""PLY files (Turk, Stanford 1994), ASCII and binary."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from .mesh import Mesh
from .polygons import CUT_OFF, MOST_NUMBERS, Damaged, triangles

_TYPES = {
    **dict.fromkeys(("char", "int8"), "b"),
    **dict.fromkeys(("uchar", "uint8"), "B"),
    **dict.fromkeys(("short", "int16"), "h"),
    **dict.fromkeys(("ushort", "uint16"), "H"),
    **dict.fromkeys(("int", "int32"), "i"),
    **dict.fromkeys(("uint", "uint32"), "I"),
    **dict.fromkeys(("float", "float32"), "f"),
    **dict.fromkeys(("double", "float64"), "d"),
}
"""By PLY's names, the letters of `struct`, which numpy takes, too."""

_ORDERS = {"ascii": "=", "binary_little_endian": "<", "binary_big_endian": ">"}
_INDEX_LISTS = ("vertex_indices", "vertex_index")


@dataclass(frozen=True)
class _Property:
    """length_type: of a list's length, None for a single value."""

    name: str
    type: str
    length_type: str | None = None


@dataclass(frozen=True)
class _Element:
    name: str
    count: int
    properties: list[_Property]


def read_ply(content: bytes) -> Mesh:
    """The triangles of a PLY file, larger polygons cut into triangles. Raises Damaged when it holds less than its
    header says, or no vertices with x, y and z."""
    end = content.find(b"end_header")
    body = content.find(b"\n", end) + 1
    if not content.startswith(b"ply") or end < 0 or not body:
        raise Damaged
    order, elements = _parsed(content[:end].decode("latin-1"))
    data = _Records(content[body:], order)
    vertices, faces = np.zeros((0, 3)), np.zeros((0, 3), np.int64)
    for element in elements:
        columns = data.columns(element)
        if element.name == "vertex":
            if not {"x", "y", "z"} <= columns.keys():
                raise Damaged("vertices with x, y and z", "others")
            vertices = np.stack([columns[axis] for axis in "xyz"], axis=1)
        elif element.name == "face":
            polygons = next((columns[name] for name in _INDEX_LISTS if name in columns), ([], np.zeros(0)))
            faces = triangles(*polygons)
            if not np.isfinite(faces).all():
                raise Damaged("faces of whole numbers", "NaN or infinity")
    return Mesh(vertices, faces)


def ply_bytes(mesh: Mesh, header: str, arrays: dict[str, np.ndarray]) -> bytes:
    """A binary PLY file; vertices and arrays, one value for each vertex, in single precision."""
    lines = ["ply", "format binary_little_endian 1.0", f"comment {header}", f"element vertex {len(mesh.vertices)}"]
    lines += [f"property float {name}" for name in ("x", "y", "z", *arrays)]
    lines += [f"element face {len(mesh.faces)}", "property list uchar int vertex_indices", "end_header", ""]
    columns = np.column_stack([mesh.vertices, *arrays.values()]).astype("<f4")
    faces = np.zeros(len(mesh.faces), [("length", "u1"), ("corners", "<i4", 3)])
    faces["length"], faces["corners"] = 3, mesh.faces
    return "\n".join(lines).encode("ascii") + columns.tobytes() + faces.tobytes()


def _parsed(header: str) -> tuple[str, list[_Element]]:
    """The byte order, of `struct`, and the elements. The numbers of ASCII files are all doubles."""
    order, elements, types = None, [], _TYPES
    for words in (line.split() for line in header.splitlines()):
        try:
            if words[:1] == ["format"]:
                order = _ORDERS[words[1]]
                types = dict.fromkeys(_TYPES, "d") if order == "=" else _TYPES
            elif words[:1] == ["element"]:
                elements.append(_Element(words[1], int(words[2]), []))
            elif words[:2] == ["property", "list"]:
                elements[-1].properties.append(_Property(words[4], types[words[3]], types[words[2]]))
            elif words[:1] == ["property"]:
                elements[-1].properties.append(_Property(words[2], types[words[1]]))
        except (IndexError, KeyError, ValueError):
            raise Damaged("a PLY header", f"the line {' '.join(words)[:60]!r}") from None
    if order is None or not all(0 <= element.count <= MOST_NUMBERS for element in elements):
        raise Damaged("a PLY header with a format and counts", "one without")
    return order, elements


class _Records:
    """The values behind a header, in the order of its elements."""

    def __init__(self, body: bytes, order: str) -> None:
        self._body, self._order, self._at = body, order, 0
        if order == "=":
            try:
                self._body = np.array(body.split(), float).tobytes()
            except ValueError:
                raise Damaged("numbers behind the header", "other text") from None

    def columns(self, element: _Element) -> dict:
        """By property, the next values: (count,), or of a list (lengths (count,), all values in a row).

        Nearly all files have lists of one length, which are read at once; others row by row.
        """
        if element.count == 0 or not element.properties:
            return {
                p.name: (np.zeros(0, int), np.zeros(0)) if p.length_type else np.zeros(0) for p in element.properties
            }
        start = self._at
        lengths = [len(values) for values in self._row(element)]
        self._at = start
        columns = self._rows_alike(element, lengths)
        if columns is None:
            rows = [self._row(element) for _ in range(element.count)]
            columns = {
                p.name: (np.array([len(v) for v in values]), np.array([x for v in values for x in v]))
                if p.length_type
                else np.array(values)[:, 0]
                for p, values in zip(element.properties, zip(*rows, strict=True), strict=True)
            }
        return columns

    def _rows_alike(self, element: _Element, lengths: list[int]) -> dict | None:
        """The columns if every list of a property is as long as its first one; None, and nothing is taken, if not."""
        fields = []
        for i, (one, length) in enumerate(zip(element.properties, lengths, strict=True)):
            fields += [(f"length{i}", self._order + one.length_type)] if one.length_type else []
            fields += [(f"value{i}", self._order + one.type, length)]
        dtype = np.dtype(fields)
        if element.count * dtype.itemsize > len(self._body) - self._at:
            if any(one.length_type for one in element.properties):
                return None
            raise Damaged(*CUT_OFF)
        found = np.frombuffer(self._body, dtype, element.count, self._at)
        columns = {}
        for i, (one, length) in enumerate(zip(element.properties, lengths, strict=True)):
            values = found[f"value{i}"]
            if one.length_type:
                if (found[f"length{i}"] != length).any():
                    return None
                columns[one.name] = (found[f"length{i}"], values.reshape(-1))
            else:
                columns[one.name] = values[:, 0]
        self._at += element.count * dtype.itemsize
        return columns

    def _row(self, element: _Element) -> list[tuple]:
        """The values of every property of the next record."""
        return [
            self._values(one.type, int(self._values(one.length_type, 1)[0]) if one.length_type else 1)
            for one in element.properties
        ]

    def _values(self, kind: str, count: int) -> tuple:
        size = count * struct.calcsize(kind)
        if not 0 <= size <= len(self._body) - self._at:
            raise Damaged(*CUT_OFF)
        self._at += size
        return struct.unpack_from(f"{self._order}{count}{kind}", self._body, self._at - size)
