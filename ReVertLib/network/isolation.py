"""What a crop would show if the vertebra in its middle were alone: a U-Net (Ronneberger et al., MICCAI 2015) on the
crop and its local contrast, half as fine as the crop.

It does not draw the vertebra: it says at each pixel whether the vertebra is there, and what to take away from the grey
value and by how much to stretch the rest. So an image of an isolated vertebra passes as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .blocks import Level, convolution

SURE = 3.0
"""The logit with which an untrained network takes every pixel for the vertebra."""
LOCAL_PX = 15
"""The side of the square whose mean and spread the local contrast is relative to."""


@dataclass(frozen=True)
class Isolated:
    """bone: (B, 1, S, S) grey values of the vertebra alone, 0..1. inside: (B, 1, S, S) logits of its silhouette."""

    bone: Tensor
    inside: Tensor


class IsolationNet(nn.Module):
    """widths: channels at strides 2, 4, 8, ... of the crop."""

    def __init__(self, widths: tuple[int, ...] = (16, 32, 64, 128, 192)) -> None:
        super().__init__()
        self.enter = convolution(2, widths[0], stride=2)
        self.down = nn.ModuleList(Level(low, high) for low, high in pairwise(widths))
        self.up = nn.ModuleList(convolution(low + high, low) for low, high in pairwise(widths))
        self.leave = nn.Conv2d(widths[0], 6, 3, padding=1)
        nn.init.zeros_(self.leave.weight)
        self.leave.bias.data = torch.tensor([SURE] * 4 + [0.0, 0.0])

    def forward(self, image: Tensor) -> Isolated:
        """image: (B, 1, S, S), 0..1, S a multiple of 2 to the number of widths."""
        x = self.enter(torch.cat([image - 0.25, local_contrast(image)], 1))
        kept = []
        for level in self.down:
            kept.append(x)
            x = level(x)
        for merge, fine in zip(reversed(self.up), reversed(kept), strict=True):
            x = merge(torch.cat([fine, F.interpolate(x, fine.shape[2:], mode="nearest")], 1))
        found = self.leave(x).float()  # also under autocast: what is drawn is fine
        inside = F.pixel_shuffle(found[:, :4], 2)
        less, gain = F.interpolate(found[:, 4:], image.shape[2:], mode="bilinear").split(1, 1)
        return Isolated(torch.sigmoid(inside) * (torch.exp(gain) * (image - less)).clamp(0.0, 1.0), inside)


def local_contrast(image: Tensor) -> Tensor:
    """(B, 1, S, S) the deviation from the mean around each pixel over the spread around it, both of a square of
    LOCAL_PX pixels; what is flat is 0."""
    with torch.autocast(image.device.type, enabled=False):  # the spread is a difference of almost equal numbers
        mean, mean_square = _mean_around(torch.stack([image, image.square()]))
    spread = (mean_square - mean.square()).clamp(min=0.0).sqrt()
    return (image - mean) / (spread + 0.02) / 2


def _mean_around(images: Tensor) -> Tensor:
    """Of a square of LOCAL_PX pixels as far as it lies in the image (..., H, W): products with matrices whose every row
    is the mean around a pixel of an axis, several times as fast as pooling."""
    along_v, along_u = (_mean_along(side, images) for side in images.shape[-2:])
    return along_v @ images @ along_u.T


def _mean_along(side: int, images: Tensor) -> Tensor:
    """(side, side) from the pixels of an axis to the means around each."""
    at = torch.arange(side, device=images.device)
    near = ((at[:, None] - at).abs() <= LOCAL_PX // 2).to(images.dtype)
    return near / near.sum(1, keepdim=True)
