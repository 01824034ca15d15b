"""From a radiograph to what the network sees: a virtual camera that looks straight at the vertebra.

A vertebra looks the same to the network wherever on the detector, and on whatever detector, it was seen; only the
geometry knows the difference. `geometry.crop_camera` defines that camera.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from ReVertLib.errors import InputError
from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.crop_camera import CROP_SIZE_PX, crop_geometry
from ReVertLib.geometry.transform import RigidTransform

from .grey_values import normalised


@dataclass(frozen=True)
class Crop:
    """pixels: (S, S) float32 in 0..1, bone bright. geometry: of the crop, in the crop camera's frame.
    camera_from_crop: the rotation from the crop camera's frame to the radiograph's camera frame."""

    pixels: np.ndarray
    geometry: Geometry
    camera_from_crop: RigidTransform


def foreground_box(pixels: np.ndarray) -> tuple[float, float, float, float]:
    """The box (u0, v0, u1, v1) around the vertebra in a DRR of it alone: pixels above 5 % of the range over a black
    border. Raises InputError when the border is not black, so that there is no telling vertebra from background, and
    for a constant image."""
    low, high = float(pixels.min()), float(pixels.max())
    bright = pixels > low + 0.05 * (high - low)
    if not bright.any():
        raise InputError("box: expected an image with a vertebra in it, got a constant one")
    border = np.concatenate([bright[0], bright[-1], bright[:, 0], bright[:, -1]])
    if border.mean() > 0.2:
        raise InputError(
            "box: expected --box or box_px around the vertebra, got an image that is not of an isolated vertebra"
        )
    regions, count = ndimage.label(bright)
    sizes = ndimage.sum_labels(bright, regions, np.arange(1, count + 1))
    rows, columns = ndimage.find_objects(regions)[int(np.argmax(sizes))]
    return float(columns.start), float(rows.start), float(columns.stop), float(rows.stop)


def boxed(pixels: np.ndarray, geometry: Geometry) -> Geometry:
    """The geometry with a box: its own, or the one `foreground_box` finds."""
    return geometry if geometry.box_px else replace(geometry, box_px=foreground_box(pixels))


def crop_vertebra(pixels: np.ndarray, geometry: Geometry, size_px: int = CROP_SIZE_PX) -> Crop:
    """The normalised crop of size_px around geometry.box_px of pixels (rows, columns), bone bright."""
    crop, camera_from_crop = crop_geometry(geometry, size_px)
    part, at = _around(
        pixels, _places(geometry.matrix @ camera_from_crop.rotation @ np.linalg.inv(crop.matrix), size_px)
    )
    return Crop(normalised(_shrunk(part, at, size_px)), crop, camera_from_crop)


def _places(homography: np.ndarray, size: int) -> np.ndarray:
    """(size * size, 2) where a homography (3, 3) takes the pixels of a square image, row by row; all u, then all v in
    memory."""
    along = np.arange(size)
    u, v, depth = (row[0] * along + row[1] * along[:, None] + row[2] for row in homography)
    return np.stack([u / depth, v / depth]).reshape(2, -1).T


def _around(pixels: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The part of the image that the places at (n, 2) touch, and the places within it, so that a large detector costs
    no more than the field of view."""
    margin = 8
    limit = np.array(pixels.shape[::-1])
    lower = np.clip(np.floor(at.min(0)).astype(int) - margin, 0, limit - 1)
    upper = np.clip(np.ceil(at.max(0)).astype(int) + margin + 1, lower + 1, limit)
    return pixels[lower[1] : upper[1], lower[0] : upper[0]].astype(np.float32), at - lower


def _shrunk(part: np.ndarray, at: np.ndarray, size: int) -> np.ndarray:
    """(size, size) values at the places at; smoothed first where several pixels fall into one, zero outside."""
    part, at = _binned(part, at, _steps(at, size))
    sigma = np.minimum(0.5 * np.sqrt(np.maximum(_steps(at, size) ** 2 - 1.0, 0.0)), part.shape)
    low = part.min()
    smooth = ndimage.gaussian_filter(part - low, sigma, mode="nearest") if sigma.max() > 0.1 else part - low
    return ndimage.map_coordinates(smooth, at.T[::-1], order=1, cval=0.0).reshape(size, size)


def _steps(at: np.ndarray, size: int) -> np.ndarray:
    """(2,) pixels along v and along u from one place to the next."""
    return np.linalg.norm([at[size] - at[0], at[1] - at[0]], axis=1)


def _binned(part: np.ndarray, at: np.ndarray, steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The means of blocks of pixels, and the places among them, where so many pixels fall into one that smoothing all
    of them would take longer than looking at each; at least 8 blocks remain in a step, or one block in the image."""
    factor = np.minimum(np.where(steps >= 2 * 8, steps // 8, 1), part.shape).astype(int)
    if (factor == 1).all():
        return part, at
    rows, columns = part.shape // factor
    blocks = part[: rows * factor[0], : columns * factor[1]].reshape(rows, factor[0], columns, factor[1])
    return blocks.mean((1, 3)), (at + 0.5) / factor[::-1] - 0.5
