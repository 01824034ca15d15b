"""The network that finds vertebrae on a whole film: fully convolutional, so that it takes films of any size.

film at FINDER_PIXEL_MM per pixel of the spine, with its local contrast and where there is film -> U-Net -> for cells of
STRIDE x STRIDE pixels, whether the middle of a vertebra lies there, which it is, where its middle, box and corners are,
and as each vertebra shows it, the view, and whether the film is inverted, upside down or mirrored.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .blocks import Level, convolution
from .isolation import local_contrast

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


@dataclass(frozen=True)
class Seen:
    """heat: (B, 1, h, w) logits of a vertebra's middle. names: (B, NAMED, h, w) logits. offset: (B, 2, h, w) from the
    cell's middle to the vertebra's, in cells. box: (B, 4, h, w) from there to left, top, right and bottom, and corners:
    (B, 8, h, w) to the four corners (u, v), both in REACH_PX. yaw: (B, YAWS, h, w) logits of -180, -165, ... degrees.
    flags: (B, 3, h, w) logits of inverted, upside down, mirrored."""

    heat: Tensor
    names: Tensor
    offset: Tensor
    box: Tensor
    corners: Tensor
    yaw: Tensor
    flags: Tensor

    def single(self) -> Seen:
        """In single precision."""
        return Seen(**{name: values.float() for name, values in vars(self).items()})


def from_context(context: dict[str, Tensor], own: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a network in context that a finder begins with: those of the U-Net that isolates a vertebra from
    its crop, but for what is finer than STRIDE; where there is film has no say yet."""
    prefix, stem = "isolation.", "enter.0.weight"
    unet = {name.removeprefix(prefix): tensor for name, tensor in context.items() if name.startswith(prefix)}
    kept = {name: tensor for name, tensor in unet.items() if name.startswith(("enter.", "down."))}
    for name, tensor in unet.items():
        if name.startswith("up.") and not name.startswith("up.0."):
            _, number, rest = name.split(".", 2)
            kept[f"up.{int(number) - 1}.{rest}"] = tensor
    return kept | {stem: torch.cat([unet[stem], torch.zeros_like(own[stem][:, 2:])], 1)}


class FinderNetwork(nn.Module):
    """widths: channels at strides 2, 4, 8, ..., 32 of the film. head: of what the answers are read from."""

    beginnings = MappingProxyType({"context": from_context})

    def __init__(self, widths: tuple[int, ...] = (16, 32, 64, 128, 192), head: int = 64) -> None:
        super().__init__()
        self.options = {"widths": widths, "head": head}
        deep = widths[-1]
        self.enter = convolution(3, widths[0], stride=2)
        self.down = nn.ModuleList(Level(low, high) for low, high in pairwise(widths))
        self.wide = convolution(deep, deep)
        self.whole = nn.Sequential(nn.Linear(2 * deep, deep), nn.ReLU(inplace=True))
        self.spread = nn.Linear(deep, deep)
        self.up = nn.ModuleList(convolution(low + high, low) for low, high in pairwise(widths[1:]))
        self.leave = convolution(widths[1], head)
        self.to_cells = nn.Conv2d(head, sum(CHANNELS), 1)
        self.to_cells.bias.data[0] = -4.0  # most cells hold no vertebra's middle

    def forward(self, film: Tensor) -> Seen:
        """film: (B, 3, H, W) of `film_input`, H and W multiples of MULTIPLE_PX."""
        x, kept = self.enter(film), []
        for level in self.down:
            kept.append(x)
            x = level(x)
        x = x + self.wide(x)
        there = F.avg_pool2d(film[:, 2:], MULTIPLE_PX)
        mean = (there * x).sum((2, 3)) / there.sum((2, 3)).clamp(min=1e-3)
        whole = self.whole(torch.cat([mean, x.amax((2, 3))], 1))
        x = x + self.spread(whole)[:, :, None, None]
        for merge, fine in zip(reversed(self.up), reversed(kept[1:]), strict=True):
            x = merge(torch.cat([fine, F.interpolate(x, fine.shape[2:], mode="nearest")], 1))
        return Seen(*self.to_cells(self.leave(x)).split(CHANNELS, 1))


def film_input(grey: Tensor, there: Tensor) -> Tensor:
    """(B, 3, H, W): greys from 0 to 1 between the quantiles CUT of what is exposed, their local contrast, and where
    there is film. grey: (B, 1, H, W). there: (B, 1, H, W) bool."""
    images = []
    for image, film in zip(grey, there, strict=True):
        low, high = torch.quantile(exposed(image[film]), torch.tensor([CUT, 1 - CUT], device=grey.device))
        images.append(((image - low) / (high - low).clamp(min=1e-6)).clamp(0.0, 1.0) * film)
    image = torch.stack(images)
    return torch.cat([image - 0.25, local_contrast(image) * there, there.float()], 1)


def exposed(greys: Tensor) -> Tensor:
    """The greys (n,) of a film without those at either end of the range where these are many: collimated, or never
    behind the patient; all of them where too few are left."""
    low, high = greys.min(), greys.max()
    kept, near = torch.ones_like(greys, dtype=torch.bool), FLAT * (high - low)
    for end in (greys <= low + near, greys >= high - near):
        if end.float().mean() > MANY:
            kept &= ~end
    return greys[kept] if kept.float().mean() > 0.1 else greys


def cell_middles(rows: int, columns: int, device: torch.device | str = "cpu") -> Tensor:
    """(2, rows, columns) pixels (u, v) of the film in the middles of cells."""
    v, u = (STRIDE * torch.arange(n, dtype=torch.float32, device=device) + (STRIDE - 1) / 2 for n in (rows, columns))
    return torch.stack([u.expand(rows, -1), v[:, None].expand(-1, columns)])
