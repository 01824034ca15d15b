"""TIFF files for tests, written byte by byte, so that no library's idea of TIFF is in between."""

import struct
from pathlib import Path

import numpy as np

TILE = 16


def tiff(path: Path, array: np.ndarray, *, orientation=None, tiled=False, order="<", bits=None, first=False) -> Path:
    """A grey image (rows, columns), or one of several channels (rows, columns, n) of which the last are alpha,
    uncompressed, in one strip or, grey, in tiles of 16 x 16 pixels. orientation: its tag; the array is what is stored.
    bits: what the header says, if not the array's. first: the directory stands before the values."""
    (rows, columns), samples = array.shape[:2], array.shape[2] if array.ndim == 3 else 1
    kind = {"u": 1, "i": 2, "f": 3}[array.dtype.kind]
    stored = array.astype(array.dtype.newbyteorder(order))
    if tiled:
        stored = np.pad(stored, ((0, -rows % TILE), (0, -columns % TILE)))
        blocks = [stored[v : v + TILE, u : u + TILE] for v in range(0, rows, TILE) for u in range(0, columns, TILE)]
    else:
        blocks = [stored]
    data = [block.tobytes() for block in blocks]
    begin = 8 + (1000 if first else 0)
    starts = [begin + sum(map(len, data[:i])) for i in range(len(data))]
    sizes = [len(one) for one in data]
    tags = {
        256: columns,
        257: rows,
        258: bits or 8 * array.itemsize,
        259: 1,
        262: 1,
        277: samples,
        339: [kind] * samples,
    }
    tags |= {322: TILE, 323: TILE, 324: starts, 325: sizes} if tiled else {273: starts, 278: rows, 279: sizes}
    tags[258] = [tags[258]] * samples
    if samples == 2:
        tags[338] = 2
    if orientation:
        tags[274] = orientation
    if first:
        path.write_bytes(_header(order, 0) + _directory(tags, order, 8).ljust(1000, b"\0") + b"".join(data))
    else:
        path.write_bytes(_header(order, sum(sizes)) + b"".join(data) + _directory(tags, order, 8 + sum(sizes)))
    return path


def orientation_tags(orientation: int, order: str = "<") -> bytes:
    """A TIFF directory of nothing but an orientation, as EXIF holds it."""
    return _header(order, 0) + _directory({274: orientation}, order, 8)


def _header(order: str, length: int) -> bytes:
    return (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 8 + length)


def _directory(tags: dict, order: str, at: int) -> bytes:
    """Short numbers as SHORT, lists as LONG behind the directory."""
    head, behind = [], b""
    for tag, value in sorted(tags.items()):
        if isinstance(value, int):
            head.append(struct.pack(order + "HHIHxx", tag, 3, 1, value))
        elif len(value) == 1:
            head.append(struct.pack(order + "HHII", tag, 4, 1, value[0]))
        else:
            place = at + 2 + 12 * len(tags) + 4 + len(behind)
            head.append(struct.pack(order + "HHII", tag, 4, len(value), place))
            behind += struct.pack(f"{order}{len(value)}I", *value)
    return struct.pack(order + "H", len(tags)) + b"".join(head) + struct.pack(order + "I", 0) + behind
