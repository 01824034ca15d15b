"""The grey normalisation of crops, for batches of images on the device that trains."""

from __future__ import annotations

from torch import Tensor

from ReVertLib.imaging.grey_values import WHITE_QUANTILE


def normalised(images: Tensor) -> Tensor:
    """Images (B, 1, S, S) stretched to 0..1, each by itself, as `imaging.grey_values.normalised` does."""
    flat = images.flatten(1)
    place = WHITE_QUANTILE * (flat.shape[1] - 1)  # of the quantile among the sorted values
    brightest = flat.topk(flat.shape[1] - int(place), dim=1).values  # far fewer to sort than all of them
    high = brightest[:, -1:].lerp(brightest[:, -2:-1], place - int(place))
    low = flat.amin(1, keepdim=True)
    return ((flat - low) / (high - low).clamp(min=1e-6)).clamp(0.0, 1.0).view_as(images)
