"""Boxes (u0, v0, u1, v1) of vertebrae on a film, as `camera.Geometry` has them."""

from __future__ import annotations

import numpy as np

_MARGIN_PX = 1.0


def box_around(seen: np.ndarray) -> tuple[float, ...]:
    """The box of what is seen at pixels (n, 2), with a margin."""
    ends = (*(seen.min(0) - _MARGIN_PX), *(seen.max(0) + 1 + _MARGIN_PX))
    return tuple(map(float, ends))


def cut_to_film(box: tuple[float, ...], size_px: tuple[int, int]) -> tuple[float, ...]:
    """What of a box lies on a film of (columns, rows)."""
    (u0, v0, u1, v1), (columns, rows) = box, size_px
    return max(u0, 0.0), max(v0, 0.0), min(u1, float(columns)), min(v1, float(rows))
