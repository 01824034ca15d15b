"""A film as the finder sees it: resampled to FINDER_PIXEL_MM at the spine, on a canvas whose sides suit the network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from ReVertLib.network.film_cells import FINDER_PIXEL_MM, MULTIPLE_PX

LEAST_PX = 96


@dataclass(frozen=True)
class Sheet:
    """grey: (H, W) float32. there: (H, W) bool, where the film is. origin: (2,) and factor: (2,): pixel
    areas of the film begin at origin on the canvas and are factor times as large, along u and v."""

    grey: np.ndarray
    there: np.ndarray
    origin: np.ndarray
    factor: np.ndarray

    def on_film(self, points: np.ndarray) -> np.ndarray:
        """(..., 2) pixels of the film at points (..., 2) of the canvas."""
        return (points + 0.5 - self.origin) / self.factor - 0.5

    def turned(self) -> Sheet:
        """Upside down: a film's pixel then lies where the canvas turned by 180 degrees has it."""
        size = np.array(self.grey.shape[::-1])
        grey, there = (np.flip(part).copy() for part in (self.grey, self.there))
        return Sheet(grey, there, size - self.origin, -self.factor)

    def inverted(self) -> Sheet:
        """Dark for bright."""
        return Sheet(-self.grey, self.there, self.origin, self.factor)


def sheet_of(pixels: np.ndarray, pixel_mm: tuple[float, float]) -> Sheet:
    """A film (rows, columns) whose pixels are pixel_mm (u, v) large at the spine."""
    size = np.array(pixels.shape[::-1])
    wanted = np.maximum(np.rint(size * pixel_mm / FINDER_PIXEL_MM), 1).astype(int)
    shrunk = resized(pixels, tuple(map(int, wanted[::-1])))
    canvas = np.maximum(-(-(wanted + 2) // MULTIPLE_PX) * MULTIPLE_PX, LEAST_PX)
    before = (canvas - wanted) // 2
    after = canvas - wanted - before
    sides = tuple(zip(before[::-1].tolist(), after[::-1].tolist(), strict=True))
    there = np.pad(np.ones(shrunk.shape, bool), sides)
    grey = np.pad(shrunk, sides, constant_values=shrunk.min())
    return Sheet(grey, there, before.astype(float), wanted / size)


def resized(image: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """(rows, columns) float32 of an image in another shape: triangles over what each pixel covers, bilinear where it
    grows; as Pillow's BILINEAR and torch's antialiased one."""
    down, across = (_resizing(*sides) for sides in zip(image.shape, shape, strict=True))
    return np.ascontiguousarray((across @ (down @ np.asarray(image, np.float32)).T).T)


def _resizing(old: int, new: int) -> csr_array:
    """(new, old) float32 the share of each pixel of an axis in each new one."""
    scale = old / new
    reach = max(scale, 1.0)
    middle = (np.arange(new) + 0.5) * scale
    first = np.maximum((middle - reach + 0.5).astype(int), 0)
    at = first[:, None] + np.arange(2 * int(np.ceil(reach)) + 1)
    shares = np.clip(1.0 - np.abs(at + 0.5 - middle[:, None]) / reach, 0.0, None) * (at < old)
    shares /= shares.sum(1, keepdims=True)
    row = np.repeat(np.arange(new), at.shape[1])
    kept = shares.ravel() > 0
    entries = shares.ravel()[kept].astype(np.float32), (row[kept], at.ravel()[kept])
    return csr_array(entries, shape=(new, old))
