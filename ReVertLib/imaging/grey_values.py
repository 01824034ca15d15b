"""The grey values of images as arrays: what is refused, which way round bone is, and the scales of the values.

Needs nothing but numpy, so that Slicer can look at an image the moment it is selected.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ReVertLib.errors import InputError

MIN_SIDE_PX, MAX_SIDE_PX = 32, 8192

WHITE_QUANTILE = 0.995
"""The quantile of a crop's grey values that is white for the network: a few bright pixels, as of metal, are cut."""

FEW_LEVELS = 16
"""So many grey levels or fewer, 4 bits, are not those of a radiograph."""

_WHITE_TOLERANCE = 0.02
"""Share of the grey range that still counts as white: what JPEG does to a flat background."""
_FRAMED_PICTURE = 0.95
"""A white margin whose inside fills this share of its bounding rectangle frames a picture; no vertebra does that."""


def grey_plane(array: np.ndarray, name: str) -> np.ndarray:
    """(rows, columns) grey values of array: (rows, columns), or (k, j, i) with one slice, or with equal colour channels
    last. Integers keep their type and are a view, other numbers become float32.

    name: how messages call the image. Raises InputError for values or a size that no radiograph has.
    """
    array = np.atleast_2d(np.asarray(array))
    if array.dtype.kind not in "biuf":
        raise InputError(f"image {name}: expected real numbers as grey values, got {array.dtype}")
    grey = _without_colour(array, name)
    size = grey.shape[::-1]
    u, v = plane_axes(size, name)
    grey = grey.reshape(size[v], size[u])
    if grey.dtype.kind in "bf":
        with np.errstate(over="ignore"):
            grey = grey.astype(np.float32)
    low, high = grey.min(), grey.max()
    if not (np.isfinite(low) and np.isfinite(high)):  # a NaN anywhere is the minimum, too
        raise InputError(f"image {name}: expected finite grey values, got NaN or infinity")
    if low == high:
        raise InputError(f"image {name}: expected an image with contrast, got the constant value {low:g}")
    return grey


def normalised(grey: np.ndarray) -> np.ndarray:
    """Grey values of a crop as the network takes them: float32, stretched to 0..1 between their minimum and their
    `WHITE_QUANTILE`, what is brighter is 1. A constant image becomes 0."""
    low, high = float(grey.min()), float(np.quantile(grey, WHITE_QUANTILE))
    return np.clip((grey - low) / max(high - low, 1e-6), 0.0, 1.0).astype(np.float32)


def quantised(image: np.ndarray, dtype: type[np.unsignedinteger], white: float | None = None) -> np.ndarray:
    """An image of values from 0 to white, its maximum if None, in whole numbers of dtype, white being the largest."""
    white = image.max() if white is None else white
    return np.rint(image * (np.iinfo(dtype).max / max(white, 1e-12))).astype(dtype)


def inverted_greys(grey: np.ndarray) -> np.ndarray:
    """max + min - v for every value v, in the same type: integers may wrap around on the way, and come back."""
    return (grey.max() - grey) + grey.min()


def is_object_on_white(grey: np.ndarray) -> bool:
    """Whether bone is dark in an image that does not say so: an object on a uniform white border (every edge pixel
    within 2 % of the brightest), unless it fills a rectangle, as a picture with a white margin does."""
    low, high = float(grey.min()), float(grey.max())
    limit = high - _WHITE_TOLERANCE * (high - low)
    if min(edge.min() for edge in (grey[0], grey[-1], grey[:, 0], grey[:, -1])) < limit:
        return False
    dark = grey < limit
    rows, columns = np.flatnonzero(dark.any(1)), np.flatnonzero(dark.any(0))
    inside = dark[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return bool(inside.mean() < _FRAMED_PICTURE)


def depth_doubts(grey: np.ndarray) -> list[str]:
    """A line for an image of so few grey values that it may be no radiograph; some pixels tell of most images."""
    step = max(int((grey.size / 10_000) ** 0.5), 1)
    if len(np.unique(grey[::step, ::step])) > FEW_LEVELS:
        return []
    levels = len(np.unique(grey))
    lost = f"it has only {levels} grey levels: a mask, a drawing, or a picture that lost its depth"
    return [lost] if levels <= FEW_LEVELS else []


def without_padding(values: np.ndarray, padding: tuple[float, float], bone_dark: bool) -> np.ndarray:
    """Grey values in which padding, (lowest, highest), that would look like bone, or denser, has become what shows
    the least."""
    padded = (values >= padding[0]) & (values <= padding[1])
    others = values[~padded]
    if not padded.any() or not others.size:
        return values
    empty = others.max() if bone_dark else others.min()
    return np.where(padded & (values < empty if bone_dark else values > empty), empty, values)


def plane_axes(size: Sequence[int], name: str) -> tuple[int, int]:
    """The axes (u, v) of the one plane in an image of size (i, j, ...): those with more than one pixel, i the fastest.

    Raises InputError for a stack of planes and for a side outside MIN_SIDE_PX to MAX_SIDE_PX.
    """
    axes = [axis for axis, count in enumerate(size) if count > 1]
    if len(axes) > 2:
        planes = math.prod(size[axis] for axis in axes[2:])
        raise InputError(f"image {name}: expected a single slice or frame, got {planes}")
    u, v = axes if len(axes) == 2 else (0, 1)
    if not all(MIN_SIDE_PX <= size[axis] <= MAX_SIDE_PX for axis in (u, v)):
        limits = f"{MIN_SIDE_PX} to {MAX_SIDE_PX} pixels a side"
        raise InputError(f"image {name}: expected {limits}, got {size[u]} x {size[v]}")
    return u, v


def _without_colour(array: np.ndarray, name: str) -> np.ndarray:
    """array without its last axis when that holds colour channels, which must be equal; alpha is ignored."""
    if array.ndim < 3 or not 2 <= array.shape[-1] <= 4:
        return array
    colours = array[..., : 1 if array.shape[-1] == 2 else 3]  # the others are alpha
    if (colours != colours[..., :1]).any():
        raise InputError(f"image {name}: expected a grey image, got colour ({colours.shape[-1]} channels that differ)")
    return colours[..., 0]
