"""Messages between two processes over a stream of bytes: a JSON header, then the arrays it names. No pickle: what
comes in can hold nothing but data.

    mark       8 bytes, "ReVert", format 2, 0
    length     4 bytes, unsigned, little endian: of the header
    header     JSON, UTF-8: {"kind": text, "content": object, "arrays": [bytes of each, ...]}
    arrays     each as a whole .npy file (numpy.lib.format), in order; what is one array in the content is sent once

The content is made of None, texts, numbers, lists, and dicts. What JSON lacks is an object with the key "@":
{"@": "array", "at": 0} the first array, {"@": "tuple", "items": [...]}, {"@": "set", "items": [...]} of texts,
{"@": "Mesh", "vertices": ...} a data class of `_CLASSES` by its fields. Nothing is rounded: floats are written so that
they are read as the same number.
"""

from __future__ import annotations

import json
import math
import struct
from dataclasses import dataclass, fields
from functools import lru_cache
from io import BytesIO
from typing import Literal

import numpy as np

from ReVertLib.ct_registration.records import CtRegistration, Judgement, PoseError, RegisteredVertebra
from ReVertLib.errors import one_line
from ReVertLib.finding.found import Answer, FoundSpine, FoundVertebra, Reading, SeenView
from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.layers import LayeredGeometry, SourcedValue, StatedGeometry
from ReVertLib.geometry.transform import RigidTransform, SimilarityTransform
from ReVertLib.inference.results import About, Outcome, Reconstruction, Refusal
from ReVertLib.measurement.records import Measurement, Measurements
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.metrics.records import Comparison, ErrorParts, Mask, SurfaceMetrics
from ReVertLib.spine.records import Disc, FilmLevel, FilmResult, LevelChange
from ReVertLib.spine.scale import Scale

from .film import FilmAnswer
from .registration import CtAnswer, CtGiven, FilmGiven

MAX_HEADER_BYTES = 1 << 24
MAX_ARRAY_BYTES = 1 << 31

_MARK = b"ReVert\x02\x00"
_START = struct.Struct(f"<{len(_MARK)}sI")
_DATA = (
    About,
    Answer,
    Comparison,
    CtAnswer,
    CtGiven,
    CtRegistration,
    Disc,
    ErrorParts,
    FilmAnswer,
    FilmGiven,
    FilmLevel,
    FilmResult,
    FoundSpine,
    FoundVertebra,
    Geometry,
    Judgement,
    LayeredGeometry,
    LevelChange,
    Mask,
    Measurement,
    Measurements,
    Mesh,
    Outcome,
    PoseError,
    Reading,
    Reconstruction,
    Refusal,
    RegisteredVertebra,
    RigidTransform,
    Scale,
    SeenView,
    SimilarityTransform,
    SourcedValue,
    StatedGeometry,
    SurfaceMetrics,
)
_CLASSES = {data_class.__name__: data_class for data_class in _DATA}
_TAG = "@"
_BEFORE_NPY_HEADER = 10
"""Bytes; the last two are its length."""


class WireError(ValueError):
    """The bytes that came are no message; one line says why. The stream cannot be read any further."""


@dataclass(frozen=True)
class Message:
    """kind: what the message is. content: None, bool, int, float, str, numpy array, or a data class of the module's
    text, and lists, tuples and dicts (keys are texts) of these, and frozen sets of texts."""

    kind: str
    content: dict


def encode(message: Message) -> bytes:
    """The message as bytes. Raises TypeError or ValueError for what no message can hold."""
    arrays: dict[int, memoryview] = {}
    content = _packed(message.content, arrays)
    sizes = [len(array) for array in arrays.values()]
    header = json.dumps({"kind": message.kind, "content": content, "arrays": sizes}).encode()
    return b"".join([_START.pack(_MARK, len(header)), header, *arrays.values()])


class Decoder:
    """Puts a stream together again, whatever pieces it comes in."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self._header: dict | None = None
        self._header_bytes: int | None = None

    def feed(self, data: bytes) -> list[Message]:
        """The messages that are complete with these bytes, in order; arrays can be written to.

        Raises WireError for anything that is no message.
        """
        self._pending += data
        messages = []
        while (message := self._next()) is not None:
            messages.append(message)
        return messages

    def _next(self) -> Message | None:
        if self._header_bytes is None and not self._read_start():
            return None
        if self._header is None and not self._read_header():
            return None
        if len(self._pending) < sum(self._header["arrays"]):
            return None
        arrays = [_array(self._taken(count)) for count in self._header["arrays"]]
        message = Message(self._header["kind"], _unpacked(self._header["content"], arrays))
        self._header = self._header_bytes = None
        return message

    def _read_start(self) -> bool:
        """Whether mark and length are there; a wrong mark is found with its first wrong byte."""
        begun = bytes(self._pending[: len(_MARK)])
        if not _MARK.startswith(begun):
            raise WireError(f"message: expected to begin with {_MARK!r}, got {begun!r}")
        if len(self._pending) < _START.size:
            return False
        _, count = _START.unpack(self._taken(_START.size))
        if count > MAX_HEADER_BYTES:
            raise WireError(f"message: expected a header of at most {MAX_HEADER_BYTES} bytes, got {count}")
        self._header_bytes = count
        return True

    def _read_header(self) -> bool:
        if len(self._pending) < self._header_bytes:
            return False
        try:
            header = json.loads(self._taken(self._header_bytes))
            counts = [int(count) for count in header["arrays"]]
            self._header = {"kind": str(header["kind"]), "content": header["content"], "arrays": counts}
        except (ValueError, KeyError, TypeError) as error:
            raise WireError(f"message: expected a header as JSON, got {one_line(error)}") from error
        if min(counts, default=0) < 0 or sum(counts) > MAX_ARRAY_BYTES:
            raise WireError(f"message: expected arrays of 0 to {MAX_ARRAY_BYTES} bytes, got {sum(counts)}")
        return True

    def _taken(self, count: int) -> bytearray:
        """The first count bytes that are pending, and no longer are."""
        taken = self._pending[:count]
        del self._pending[:count]
        return taken


def _array(data: bytearray) -> np.ndarray:
    """The array in a .npy file, in the same memory. Raises WireError for anything else, Python objects among it."""
    try:
        start = _BEFORE_NPY_HEADER + int.from_bytes(data[_BEFORE_NPY_HEADER - 2 : _BEFORE_NPY_HEADER], "little")
        dtype, shape, order = _layout(bytes(data[:start]))
        return np.frombuffer(data, dtype, math.prod(shape), start).reshape(shape, order=order)
    except (ValueError, OverflowError) as error:
        raise WireError(f"message: expected an array of numbers, got {one_line(error)[:200]}") from error


@lru_cache(maxsize=256)
def _layout(header: bytes) -> tuple[np.dtype, tuple[int, ...], Literal["C", "F"]]:
    """Type, shape and order that the header of a .npy file states, as few headers come over and over. Raises ValueError
    for anything else, Python objects among it."""
    file = BytesIO(header)
    version = np.lib.format.read_magic(file)
    if version != (1, 0):
        raise ValueError(f"version {version} of its format")
    shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(file)
    if dtype.hasobject or min(shape, default=0) < 0:
        raise ValueError("Python objects" if dtype.hasobject else shape)
    return dtype, shape, "F" if is_fortran else "C"


def _packed(value: object, arrays: dict[int, memoryview]) -> object:
    """The value as JSON holds it; its arrays are added to arrays, by their identity, as .npy files. Raises ValueError
    for Python objects in an array."""
    if isinstance(value, np.ndarray):
        if id(value) not in arrays:
            file = BytesIO()
            np.lib.format.write_array(file, np.asarray(value, order="C"), allow_pickle=False)
            arrays[id(value)] = file.getbuffer()
        return {_TAG: "array", "at": list(arrays).index(id(value))}
    if isinstance(value, list):
        return [_packed(item, arrays) for item in value]
    if isinstance(value, tuple | frozenset):
        tag, items = ("tuple", value) if isinstance(value, tuple) else ("set", sorted(value))
        return {_TAG: tag, "items": [_packed(item, arrays) for item in items]}
    if isinstance(value, dict):
        if _TAG in value:
            raise TypeError(f"message: expected no key {_TAG!r}, which has a meaning of its own")
        return {key: _packed(item, arrays) for key, item in value.items()}
    if type(value) in _DATA:
        packed = {field.name: _packed(getattr(value, field.name), arrays) for field in fields(value)}
        return {_TAG: type(value).__name__, **packed}
    return value


def _unpacked(value: object, arrays: list[np.ndarray]) -> object:
    """What `_packed` was given."""
    if isinstance(value, list):
        return [_unpacked(item, arrays) for item in value]
    if not isinstance(value, dict):
        return value
    tag = value.get(_TAG)
    try:
        if tag == "array":
            return arrays[value["at"]]
        inner = {key: _unpacked(item, arrays) for key, item in value.items() if key != _TAG}
        if tag is None:
            return inner
        listed = {"tuple": tuple, "set": frozenset}
        return listed[tag](inner["items"]) if tag in listed else _CLASSES[tag](**inner)
    except (LookupError, TypeError, ValueError) as error:
        raise WireError(f"message: expected a whole {str(tag)[:40]!r}, got {one_line(error)[:200]}") from error
