"""TIFF tags, and the TIFF files that ITK cannot read as they are.

ITK reads strips of 8, 16 and 32 bits that begin at the upper left. Everything else it hands to a reader of libtiff that
makes 8-bit RGBA of it: 12-bit values become 16 grey levels, and signed ones garbage. So its result is compared with the
tags. A stated orientation is taken out before it reads (`orientation` applies it), and tiles are decoded by Pillow.
"""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np

from ReVertLib.errors import InputError

WIDTH, HEIGHT, BITS, COMPRESSION, ORIENTATION, SAMPLES, TILE_WIDTH, FORMAT = 256, 257, 258, 259, 274, 277, 322, 339
_PLACES = ((273, 279), (324, 325))
"""Where strips and tiles begin, and how long they are."""
_KINDS = {1: "u", 2: "i", 3: "f"}
"""Kinds of numpy's types by SampleFormat."""
_NUMBERS = {3: "H", 4: "I", 16: "Q"}
"""Formats of struct by type of tag; others are not looked at."""


def read_tags(data: bytes) -> dict[int, tuple[int, ...]]:
    """The whole-numbered tags of the first image in the bytes of a TIFF or BigTIFF file, or of EXIF; {} where it is
    none."""
    try:
        return {tag: values for tag, _, values in _entries(data)}
    except struct.error:
        return {}


def _entries(data: bytes) -> list[tuple[int, int, tuple[int, ...]]]:
    """(tag, place of its first value in data, values)."""
    order = {b"II": "<", b"MM": ">"}.get(bytes(data[:2]))
    version = struct.unpack_from(order + "H", data, 2)[0] if order else 0
    if version not in (42, 43):
        return []
    big = version == 43
    head, count, entry, number = (8, "Q", 20, "Q") if big else (4, "H", 12, "I")
    (at,) = struct.unpack_from(order + number, data, head)
    (entries,) = struct.unpack_from(order + count, data, at)
    found, at = [], at + struct.calcsize(count)
    for i in range(min(entries, 1000)):
        tag, kind, length = struct.unpack_from(order + "HH" + number, data, at + i * entry)
        if kind not in _NUMBERS or not 0 < length < 10_000:
            continue
        place, size = at + i * entry + 4 + struct.calcsize(number), struct.calcsize(_NUMBERS[kind]) * length
        if size > struct.calcsize(number):
            (place,) = struct.unpack_from(order + number, data, place)
        found.append((tag, place, struct.unpack_from(f"{order}{length}{_NUMBERS[kind]}", data, place)))
    return found


def read_tiff(path: Path, read: Callable[[Path], np.ndarray]) -> np.ndarray:
    """The pixels of a TIFF file as they are stored, of its own depth. read: ITK's reader of a file.

    Raises InputError when no decoder gives them, and RuntimeError, as ITK does, for a file that is cut off.
    """
    data = path.read_bytes()
    tags = read_tags(data)
    if tags.get(ORIENTATION, (1,))[0] != 1:
        with tempfile.TemporaryDirectory() as folder:
            plain = Path(folder) / "plain.tif"
            plain.write_bytes(_without_orientation(data))
            return _decoded(plain, tags, read, path.name)
    return _decoded(path, tags, read, path.name)


def tiff_size(path: Path) -> tuple[int, int]:
    """(columns, rows) of the first image of a TIFF file; 0 where its tags do not say."""
    tags = read_tags(path.read_bytes())
    return tags.get(WIDTH, (0,))[0], tags.get(HEIGHT, (0,))[0]


def _decoded(path: Path, tags: dict, read: Callable[[Path], np.ndarray], name: str) -> np.ndarray:
    size = path.stat().st_size
    if any(
        at + length > size for a, b in _PLACES for at, length in zip(tags.get(a, ()), tags.get(b, ()), strict=False)
    ):
        raise RuntimeError("cut off")
    array = None
    if TILE_WIDTH not in tags:
        with suppress(RuntimeError):  # ITK's, which does not say why
            array = read(path)
    if array is None or not _keeps_depth(array, tags):
        array = _by_pillow(path)
    if array is None or not _keeps_depth(array, tags):
        bits, kind = max(tags.get(BITS, (1,))), {"u": "", "i": "signed ", "f": "float "}[_kind(tags)]
        layout = "tiles" if TILE_WIDTH in tags else "strips"
        samples, compression = (tags.get(tag, (1,))[0] for tag in (SAMPLES, COMPRESSION))
        got = f"{layout} of {samples} x {bits} {kind}bits, compression {compression}"
        raise InputError(f"image {name}: expected a TIFF image of a kind that can be decoded, got {got}")
    return array


def _kind(tags: dict) -> str:
    return _KINDS.get(tags.get(FORMAT, (1,))[0], "u")


def _keeps_depth(array: np.ndarray, tags: dict) -> bool:
    """Whether decoded values can be those of the file: as many bits, signs and fractions where it has them, and several
    channels where it has them (ITK reads grey with alpha as if all were grey)."""
    if tags.get(SAMPLES, (1,))[0] > 1 and array.ndim < 3:
        return False
    bits, kind = max(tags.get(BITS, (1,))), _kind(tags)
    fits = 8 * array.itemsize >= bits and array.dtype.kind in {"u": "biu", "i": "i", "f": "f"}[kind]
    return fits and not (kind == "u" and array.dtype.kind == "i" and 8 * array.itemsize == bits)


def _by_pillow(path: Path) -> np.ndarray | None:
    """(rows, columns) or with channels; None where Pillow cannot, or there are several pages."""
    try:
        from PIL import Image

        with Image.open(path) as image:
            return None if getattr(image, "n_frames", 1) != 1 else np.array(image)
    except (ImportError, OSError, SyntaxError, ValueError):
        return None


def _without_orientation(data: bytes) -> bytes:
    """The bytes of the file with its orientation set to "not turned"."""
    data = bytearray(data)
    order = "<" if data[:2] == b"II" else ">"
    place = next(place for tag, place, _ in _entries(data) if tag == ORIENTATION)
    struct.pack_into(order + "H", data, place, 1)
    return bytes(data)
