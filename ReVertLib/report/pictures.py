"""The pictures of a page: the film around the vertebrae, and a surface from three sides, as PNG in memory."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.mesh.colours import shades
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.mesh.render import Canvas, rendered

SIDES = {
    "as the X-ray source sees it": np.eye(3),
    "from the right of the picture": np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]]),
    "from above the picture": np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]]),
}
"""Rotations from the camera frame to a view frame (+X right, +Y down, +Z away from the viewer). These sides there are
whether the view of the film is known or not."""
BONE_RGB = (0.95, 0.84, 0.57)
SIDE_PX, MARGIN = 320, 1.08
FILM_PX = 760
"""The longer side of the film's picture, at most."""
AROUND = 0.3
"""The film is shown so far around its vertebrae, as a share of their size: what is written in its corners stays out."""
_GAMMA = 0.75


@dataclass(frozen=True)
class FilmPicture:
    """png: of the cut-out. On the film, origin_px: (u, v) of its upper left pixel; size_px: its columns and rows."""

    png: bytes
    origin_px: tuple[int, int]
    size_px: tuple[int, int]


def film_picture(pixels: np.ndarray, shown_px: Sequence[np.ndarray]) -> FilmPicture:
    """The part of a film (rows, columns) around points (k, 2), (u, v), in grey."""
    points, size = np.vstack(shown_px), np.array(pixels.shape[::-1])
    margin = AROUND * np.ptp(points, axis=0).max()
    low = np.clip(np.floor(points.min(0) - margin), 0, size - 1).astype(int)
    high = np.clip(np.ceil(points.max(0) + margin) + 1, low + 1, size).astype(int)
    part = pixels[low[1] : high[1], low[0] : high[0]].astype(np.float32)
    darkest, brightest = np.percentile(part, [0.5, 99.8])
    grey = np.clip((part - darkest) / max(brightest - darkest, 1e-6), 0, 1) ** _GAMMA
    return FilmPicture(png(_bytes(_smaller(grey))[..., None]), tuple(low.tolist()), tuple((high - low).tolist()))


def surface_pictures(
    mesh: Mesh, values: np.ndarray | None, stops: tuple[str, ...], limits: tuple[float, float]
) -> dict[str, bytes]:
    """PNGs by SIDES of a mesh in the camera frame, at one scale, transparent around it. values: (n,) per vertex, mm;
    None: bone."""
    turned = {side: mesh.moved(RigidTransform.turn(rotation)) for side, rotation in SIDES.items()}
    field_mm = MARGIN * max(np.ptp(view.vertices[:, :2], axis=0).max() for view in turned.values())

    def colour(found: np.ndarray) -> np.ndarray:
        return np.tile(BONE_RGB, (len(found), 1)) if values is None else shades(found, stops, limits)

    pictures = {}
    for side, view in turned.items():
        corners = view.vertices[:, :2]
        canvas = Canvas(SIDE_PX, field_mm, tuple((corners.min(0) + corners.max(0)) / 2))
        shown = np.zeros(len(view.vertices)) if values is None else values
        pictures[side] = png(_bytes(rendered(view, shown, colour, canvas)))
    return pictures


def png(picture: np.ndarray) -> bytes:
    """A PNG of (rows, columns, channels) uint8: 1 grey, 3 RGB, 4 RGBA. Nothing but the picture is in it."""
    rows, columns, channels = picture.shape
    header = struct.pack(">IIBBBBB", columns, rows, 8, {1: 0, 3: 2, 4: 6}[channels], 0, 0, 0)
    lines = np.column_stack([np.zeros((rows, 1), np.uint8), picture.reshape(rows, -1)])
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines.tobytes(), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _smaller(grey: np.ndarray) -> np.ndarray:
    """Means over blocks, so that the longer side has at most FILM_PX."""
    step = -(-max(grey.shape) // FILM_PX)
    rows, columns = (max(size // step, 1) for size in grey.shape)
    step_v, step_u = (min(step, size) for size in grey.shape)
    return grey[: rows * step_v, : columns * step_u].reshape(rows, step_v, columns, step_u).mean((1, 3))


def _bytes(picture: np.ndarray) -> np.ndarray:
    return np.round(255 * picture).astype(np.uint8)
