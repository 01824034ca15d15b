"""A film as the finder sees it: resampled to FINDER_PIXEL_MM at the spine, on a canvas whose sides suit the network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ReVertLib.network.finder_network import FINDER_PIXEL_MM, MULTIPLE_PX

LEAST_PX = 96


@dataclass(frozen=True)
class Sheet:
    """grey: (1, 1, H, W) float32. there: (1, 1, H, W) bool, where the film is. origin: (2,) and factor: (2,): pixel
    areas of the film begin at origin on the canvas and are factor times as large, along u and v."""

    grey: Tensor
    there: Tensor
    origin: np.ndarray
    factor: np.ndarray

    def on_film(self, points: np.ndarray) -> np.ndarray:
        """(..., 2) pixels of the film at points (..., 2) of the canvas."""
        return (points + 0.5 - self.origin) / self.factor - 0.5

    def turned(self) -> Sheet:
        """Upside down: a film's pixel then lies where the canvas turned by 180 degrees has it."""
        size = np.array(self.grey.shape[:1:-1])
        grey, there = (part.flip((2, 3)) for part in (self.grey, self.there))
        return Sheet(grey, there, size - self.origin, -self.factor)

    def inverted(self) -> Sheet:
        """Dark for bright."""
        return Sheet(-self.grey, self.there, self.origin, self.factor)


def sheet_of(pixels: np.ndarray, pixel_mm: tuple[float, float]) -> Sheet:
    """A film (rows, columns) whose pixels are pixel_mm (u, v) large at the spine."""
    size = np.array(pixels.shape[::-1])
    wanted = np.maximum(np.rint(size * pixel_mm / FINDER_PIXEL_MM), 1).astype(int)
    image = torch.as_tensor(np.ascontiguousarray(pixels, np.float32))[None, None]
    shrunk = F.interpolate(image, tuple(map(int, wanted[::-1])), mode="bilinear", antialias=True)
    canvas = np.maximum(-(-(wanted + 2) // MULTIPLE_PX) * MULTIPLE_PX, LEAST_PX)
    before = (canvas - wanted) // 2
    after = canvas - wanted - before
    sides = tuple(map(int, (before[0], after[0], before[1], after[1])))
    there = F.pad(torch.ones_like(shrunk), sides) > 0
    return Sheet(F.pad(shrunk, sides, value=float(shrunk.min())), there, before.astype(float), wanted / size)
