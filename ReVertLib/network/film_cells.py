"""What the network that finds vertebrae takes and says of a film, without torch: the film at FINDER_PIXEL_MM per pixel
of the spine, and answers for cells of STRIDE x STRIDE pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

FINDER_PIXEL_MM = 1.5
STRIDE = 4
MULTIPLE_PX = 32
"""Of which the sides of what the network takes must be multiples."""
NAMED = (*range(12, 20), *range(20, 25), 25, 26)
"""VerSe's labels that it tells apart: T5 (and all above it) to T12, L1 to L5, L6, S1."""
YAWS = 24
CHANNELS = (1, len(NAMED), 2, 4, 8, YAWS, 3)
"""Of the fields of `Seen`."""
REACH_PX = 16.0
"""A step of boxes and corners."""
CUT = 0.005
"""The share of a film's pixels that is cut at either end of the greys."""
FLAT = 0.01
"""Greys so near to either end of the range are not exposed to a patient, or to nothing else, where they are many."""
MANY = 0.03

Array = TypeVar("Array")


@dataclass(frozen=True)
class Seen(Generic[Array]):
    """Arrays of numpy or tensors of torch. heat: (B, 1, h, w) logits of a vertebra's middle. names: (B, NAMED, h, w)
    logits. offset: (B, 2, h, w) from the cell's middle to the vertebra's, in cells. box: (B, 4, h, w) from there to
    left, top, right and bottom, and corners: (B, 8, h, w) to the four corners (u, v), both in REACH_PX. yaw: (B, YAWS,
    h, w) logits of -180, -165, ... degrees. flags: (B, 3, h, w) logits of inverted, upside down, mirrored."""

    heat: Array
    names: Array
    offset: Array
    box: Array
    corners: Array
    yaw: Array
    flags: Array

    def single(self) -> Seen[Array]:
        """Tensors of torch in single precision."""
        return Seen(**{name: values.float() for name, values in vars(self).items()})


def seen_of(cells: np.ndarray) -> Seen[np.ndarray]:
    """What the channels (B, all of CHANNELS, h, w) of cells say."""
    return Seen(*np.split(cells, np.cumsum(CHANNELS)[:-1], axis=1))


def cell_middles(rows: int, columns: int) -> np.ndarray:
    """(2, rows, columns) float32 pixels (u, v) of the film in the middles of cells."""
    v, u = (STRIDE * np.arange(count, dtype=np.float32) + (STRIDE - 1) / 2 for count in (rows, columns))
    return np.stack(np.meshgrid(u, v))


def film_grey(grey: np.ndarray, there: np.ndarray) -> np.ndarray:
    """(H, W) float32 greys from 0 to 1 between the quantiles CUT of what is exposed of a film, 0 where there is none.
    grey: (H, W) float32. there: (H, W) bool, where the film is."""
    low, high = np.quantile(exposed(grey[there]), [CUT, 1 - CUT]).astype(np.float32)
    return np.clip((grey - low) / max(high - low, np.float32(1e-6)), 0.0, 1.0) * there


def exposed(greys: np.ndarray) -> np.ndarray:
    """The greys (n,) of a film without those at either end of the range where these are many: collimated, or never
    behind the patient; all of them where too few are left."""
    low, high = greys.min(), greys.max()
    kept, near = np.ones(greys.shape, bool), np.float32(FLAT) * (high - low)
    for end in (greys <= low + near, greys >= high - near):
        if end.mean() > MANY:
            kept &= ~end
    return greys[kept] if kept.mean() > 0.1 else greys
