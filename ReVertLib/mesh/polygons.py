"""What readers of surface files share: what a damaged one is, and cutting polygons into triangles."""

from __future__ import annotations

import numpy as np

MOST_NUMBERS = 2**31 - 1
"""Counts above this are damage: no surface has so many vertices."""


class Damaged(Exception):
    """A file does not hold what its format or its header says."""

    def __init__(self, expected: str = "a surface with triangles", got: str = "none") -> None:
        super().__init__(expected, got)
        self.expected, self.got = expected, got


CUT_OFF = ("a whole file", "one that is cut off")
"""What Damaged says of a file with fewer bytes than its header promises."""


def triangles(lengths: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """(m, 3) the triangles, as fans, of polygons of `lengths` (n,) corners, whose indices follow each other in
    `corners`."""
    lengths = np.asarray(lengths, np.int64)
    count = np.maximum(lengths - 2, 0)
    first = np.repeat(np.cumsum(lengths) - lengths, count)
    step = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    return np.asarray(corners)[np.stack([first, first + step + 1, first + step + 2], axis=1)].reshape(-1, 3)


def strips(lengths: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """(m, 3) the triangles of strips, in which every corner from the third on makes a triangle with the two before it,
    turned about every second time."""
    lengths = np.asarray(lengths, np.int64)
    count = np.maximum(lengths - 2, 0)
    step = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    first = np.repeat(np.cumsum(lengths) - lengths, count) + step
    turned = step % 2
    return np.asarray(corners)[np.stack([first + turned, first + 1 - turned, first + 2], axis=1)].reshape(-1, 3)


def checked(lengths: np.ndarray, corners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both as they are; raises Damaged where the lengths of polygons are not those of their corners."""
    if (lengths < 0).any() or lengths.sum() != len(corners):
        raise Damaged("polygons as long as their list of corners", "others")
    return lengths, corners
