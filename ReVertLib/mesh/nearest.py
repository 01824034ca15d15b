"""Exact distances of many points to one surface, without a sign: by a compiled tree where numba is installed, else by
the corners of its triangles, which takes longer."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Protocol

import numpy as np

from .by_corners import ByCorners
from .mesh import Mesh


class Nearest(Protocol):
    """A surface that is asked again and again."""

    def distances_mm(self, points: np.ndarray) -> np.ndarray:
        """(n,) distance of points (n, 3) to the nearest point of any triangle, mm."""


def nearest_on(mesh: Mesh) -> Nearest:
    """Of a surface with triangles."""
    if find_spec("numba") is None:
        return ByCorners(mesh)
    from .box_tree import BoxTree

    return BoxTree(mesh)
