"""VTK's XML files of surfaces, .vtp, read here because VTK's own reader ends the process on damaged ones."""

from __future__ import annotations

import base64
import binascii
import lzma
import zlib
from collections.abc import Iterator
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import numpy as np

from .mesh import Mesh
from .polygons import CUT_OFF, Damaged, checked, strips, triangles

_TYPES = {f"{word}{bits}": f"{letter}{bits // 8}" for word, letter, sizes in (
    ("Int", "i", (8, 16, 32, 64)), ("UInt", "u", (8, 16, 32, 64)), ("Float", "f", (32, 64))
) for bits in sizes}  # fmt: skip
_TYPES["String"] = "i1"
_ORDERS = {"LittleEndian": "<", "BigEndian": ">"}
_MOST_PACKED = 1100
"""zlib makes no byte from less than this many."""


def read_vtp(content: bytes) -> tuple[Mesh, str]:
    """The triangles of polygonal data, larger polygons and strips cut into triangles, and the frame that the file names
    in its field "SPACE", or "". Raises Damaged when it is cut off or packed in a way that Python does not know."""
    file = _File(content)
    vertices, faces = [np.zeros((0, 3))], [np.zeros((0, 3), int)]
    for piece in file.root.iter("Piece"):
        first = sum(map(len, vertices))
        points = file.numbers(piece.find("Points/DataArray"))
        if len(points) % 3:
            raise Damaged(*CUT_OFF)
        vertices.append(points.reshape(-1, 3))
        for name, cut in (("Polys", triangles), ("Strips", strips)):
            found = {array.get("Name"): array for array in piece.findall(f"{name}/DataArray")}
            if {"offsets", "connectivity"} <= found.keys():
                lengths = np.diff(file.numbers(found["offsets"]), prepend=0)
                faces.append(cut(*checked(lengths, file.numbers(found["connectivity"]))) + first)
    space = file.root.find(".//FieldData/Array[@Name='SPACE']")
    text = "" if space is None else bytes(file.numbers(space).astype(np.uint8)).split(b"\0")[0].decode("latin-1")
    return Mesh(np.vstack(vertices), np.vstack(faces)), text


def vtp_bytes(mesh: Mesh, header: str, space: str, arrays: dict[str, np.ndarray]) -> bytes:
    """A .vtp file, vertices in double, arrays, one value for each vertex, in single precision. space: "LPS", "RAS" or
    "", as Slicer reads it."""
    note = _array("SPACE", np.frombuffer(f"{space}\0".encode(), "i1"), "String", "Array", ' NumberOfTuples="1"')
    ends = 3 * np.arange(1, len(mesh.faces) + 1)
    lines = (
        '<?xml version="1.0"?>',
        f"<!-- {escape(header)} -->",
        '<VTKFile type="PolyData" version="1.0" byte_order="LittleEndian" header_type="UInt64">',
        "<PolyData>",
        *(["<FieldData>", note, "</FieldData>"] if space else []),
        f'<Piece NumberOfPoints="{len(mesh.vertices)}" NumberOfVerts="0" NumberOfLines="0" NumberOfStrips="0" '
        f'NumberOfPolys="{len(mesh.faces)}">',
        "<PointData>",
        *(_array(name, np.asarray(values, "<f4"), "Float32") for name, values in arrays.items()),
        "</PointData>",
        "<Points>",
        _array("Points", mesh.vertices.astype("<f8"), "Float64", more=' NumberOfComponents="3"'),
        "</Points>",
        "<Polys>",
        _array("connectivity", mesh.faces.astype("<i8"), "Int64"),
        _array("offsets", ends.astype("<i8"), "Int64"),
        "</Polys>",
        "</Piece>",
        "</PolyData>",
        "</VTKFile>",
        "",
    )
    return "\n".join(lines).encode("ascii")


def _array(name: str, values: np.ndarray, kind: str, tag: str = "DataArray", more: str = "") -> str:
    content = values.tobytes()
    packed = base64.b64encode(np.array([len(content)], "<u8").tobytes() + content).decode("ascii")
    return f'<{tag} type="{kind}" Name="{escape(name)}"{more} format="binary">{packed}</{tag}>'


class _File:
    """A file's elements and their numbers, wherever they lie: in the element, or all together at the file's end."""

    def __init__(self, content: bytes) -> None:
        self._size = len(content)
        head, mark, tail = content.partition(b"<AppendedData")
        try:
            self.root = ElementTree.fromstring(head + b"</VTKFile>" if mark else content)
        except (ElementTree.ParseError, ValueError):
            raise Damaged(*(CUT_OFF if b"<VTKFile" in content[:2000] else ())) from None
        if self.root.get("type") != "PolyData":
            raise Damaged("VTKFile of type PolyData", repr(str(self.root.get("type"))[:40]))
        self._in_base64 = b"base64" in tail.partition(b">")[0]
        self._appended = tail.partition(b"_")[2]
        self._order = _ORDERS.get(self.root.get("byte_order", "LittleEndian"), "<")
        self._word = np.dtype(self._order + ("u8" if self.root.get("header_type") == "UInt64" else "u4"))
        self._packed = self.root.get("compressor", "")

    def numbers(self, array: ElementTree.Element | None) -> np.ndarray:
        """The numbers of a DataArray in a row."""
        if array is None:
            raise Damaged
        kind = _TYPES.get(array.get("type", ""))
        if kind is None:
            raise Damaged("numbers of VTK's types", repr(str(array.get("type"))[:20]))
        try:
            if array.get("format") == "ascii":
                return _text_numbers(array.text or "", kind)
            if array.get("format") == "appended":
                source = self._appended[int(array.get("offset", "")) :]
                content = self._content(source, self._in_base64)
            else:
                content = self._content((array.text or "").strip().encode("latin-1"), True)
            return np.frombuffer(content, self._order + kind)
        except (ValueError, OverflowError, binascii.Error, zlib.error, lzma.LZMAError):
            raise Damaged(*CUT_OFF) from None

    def _content(self, source: bytes, in_base64: bool) -> bytes:
        """The bytes of an array behind its header: their number or, packed, how many blocks of which sizes."""
        if not self._packed:
            head = _taken(source, 0, self._word.itemsize, in_base64)
            length = int(np.frombuffer(head, self._word)[0])
            return _taken(source, 0, self._word.itemsize + length, in_base64)[self._word.itemsize :]
        words = [int(n) for n in np.frombuffer(_taken(source, 0, 3 * self._word.itemsize, in_base64), self._word)]
        head_size = (3 + words[0]) * self._word.itemsize
        sizes = np.frombuffer(_taken(source, 0, head_size, in_base64), self._word)[3:].tolist()
        begin = -(-head_size // 3) * 4 if in_base64 else head_size  # base64 of the header ends by itself
        packed = _taken(source, begin, sum(sizes), in_base64)
        return b"".join(self._unpacked(packed, sizes, max(words[1], words[2])))

    def _unpacked(self, packed: bytes, sizes: list[int], most: int) -> Iterator[bytes]:
        if most > _MOST_PACKED * self._size:
            raise Damaged(*CUT_OFF)
        ends = np.cumsum(sizes).tolist()
        for end, size in zip(ends, sizes, strict=True):
            block = packed[end - size : end]
            if self._packed == "vtkZLibDataCompressor":
                yield zlib.decompressobj().decompress(block, most)
            elif self._packed == "vtkLZMADataCompressor":
                yield lzma.LZMADecompressor().decompress(block, most)
            else:
                raise Damaged("data packed by zlib or LZMA, or not at all", self._packed[:40])


def _taken(source: bytes, begin: int, count: int, in_base64: bool) -> bytes:
    """So many bytes from a place on."""
    if count > len(source):
        raise Damaged(*CUT_OFF)
    part = source[begin : begin + (-(-count // 3) * 4 if in_base64 else count)]
    found = base64.b64decode(part)[:count] if in_base64 else part
    if len(found) < count:
        raise Damaged(*CUT_OFF)
    return found


def _text_numbers(text: str, kind: str) -> np.ndarray:
    found = np.array(text.split(), float)
    if not np.isfinite(found).all() and kind[0] != "f":
        raise ValueError(kind)
    return found.astype(kind)
