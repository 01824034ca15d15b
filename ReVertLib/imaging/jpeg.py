"""What the segments of a JPEG file say, before any decoder."""

from __future__ import annotations

import struct
from collections.abc import Iterator

_FRAMES = {
    **dict.fromkeys((0xC0, 0xC1, 0xC2, 0xC5, 0xC6), "JPEG"),
    **dict.fromkeys((0xC3, 0xC7), "lossless JPEG"),
    **dict.fromkeys((0xC9, 0xCA, 0xCD, 0xCE), "arithmetic JPEG"),
    **dict.fromkeys((0xCB, 0xCF), "lossless arithmetic JPEG"),
}
"""Kinds of coding by the marker of the frame."""
_EXIF, _SCAN = 0xE1, 0xDA


def jpeg_exif(data: bytes) -> bytes:
    """The contents of the Exif segment of the bytes of a file; b"" if it has none."""
    found = (body for marker, body in _segments(data) if marker == _EXIF and body.startswith(b"Exif\0\0"))
    return next(found, b"")[6:]


def jpeg_coding(data: bytes) -> tuple[str, int]:
    """(kind of coding, bits a sample) of the bytes of a file; ("JPEG", 8) is the usual one, and where none is said."""
    return next(
        ((_FRAMES[marker], body[0]) for marker, body in _segments(data) if marker in _FRAMES and body), ("JPEG", 8)
    )


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(marker, contents) before the first scan."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != _SCAN:
        (length,) = struct.unpack_from(">H", data, at + 2)
        yield data[at + 1], data[at + 4 : at + 2 + length]
        at += 2 + max(length, 2)


def is_whole_jpeg(data: bytes) -> bool:
    """Whether an end marker follows the last start of a scan; the decoder would fill the missing part with grey."""
    return data.rfind(b"\xff\xd9") > data.rfind(b"\xff\xda")
