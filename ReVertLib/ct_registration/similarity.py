"""How alike a film and a projection are, patch by patch, whatever the gain: local normalised correlation.

Both images are normalised in a Gaussian window around every pixel to mean 0 and deviation 1; half of the mean square of
their difference is then 1 less the mean local correlation. What varies slowly, as soft tissue, scatter and the film's
gain do, falls out, and an instrument spoils the windows that it touches and no others.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn.functional import conv2d, pad

_FLAT = 1e-3
"""A window in which an image varies by less than so much of its range has nothing to be compared by."""


@dataclass(frozen=True)
class Normalised:
    """values: (rows, columns). mean, deviation, share: (rows, columns) of the image in the window around each pixel,
    and of the window's weight."""

    values: torch.Tensor
    mean: torch.Tensor
    deviation: torch.Tensor
    share: torch.Tensor


def blurred(images: torch.Tensor, sigma_px: float) -> torch.Tensor:
    """(n, rows, columns) images under a Gaussian; beyond their edges they go on as at them."""
    reach = max(1, int(3 * sigma_px + 0.5))
    at = torch.arange(-reach, reach + 1, dtype=images.dtype)
    weights = torch.exp(-0.5 * (at / sigma_px) ** 2)
    weights = weights / weights.sum()
    along = conv2d(pad(images[:, None], (reach, reach, 0, 0), mode="replicate"), weights[None, None, None])
    return conv2d(pad(along, (0, 0, reach, reach), mode="replicate"), weights[None, None, :, None])[:, 0]


def locally_normalised(image: torch.Tensor, weight: torch.Tensor, window_px: float, range_: float) -> Normalised:
    """An image (rows, columns) normalised around each pixel. weight: (rows, columns) 0..1, what counts. window_px:
    standard deviation of the window. range_: of the image's values."""
    share, total, squares = blurred(torch.stack([weight, weight * image, weight * image * image]), window_px)
    share = share + _FLAT
    mean = total / share
    deviation = torch.sqrt((squares / share - mean * mean).clamp(min=0) + (_FLAT * range_) ** 2)
    return Normalised((image - mean) / deviation, mean, deviation, share)


def normalised_derivative(
    image: torch.Tensor, derivative: torch.Tensor, weight: torch.Tensor, window_px: float, normal: Normalised
) -> torch.Tensor:
    """(n, rows, columns) the derivative of `locally_normalised` of an image, from its own derivatives (n, rows,
    columns)."""
    weighted = derivative * weight
    means, products = blurred(torch.cat([weighted, weighted * image]), window_px).chunk(2)
    by_mean = means / normal.share
    by_deviation = (products / normal.share - normal.mean * by_mean) / normal.deviation
    return (derivative - by_mean - normal.values * by_deviation) / normal.deviation
