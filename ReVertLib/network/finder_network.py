"""The network that finds vertebrae on a whole film: fully convolutional, so that it takes films of any size.

film at FINDER_PIXEL_MM per pixel of the spine, with its local contrast and where there is film -> U-Net -> for cells of
STRIDE x STRIDE pixels, whether the middle of a vertebra lies there, which it is, where its middle, box and corners are,
and as each vertebra shows it, the view, and whether the film is inverted, upside down or mirrored.
"""

from __future__ import annotations

from itertools import pairwise
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .blocks import Level, convolution
from .film_cells import CHANNELS, MULTIPLE_PX, Seen, film_grey, seen_of
from .isolation import local_contrast


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
        return Seen(*self.cells(film).split(CHANNELS, 1))

    def cells(self, film: Tensor) -> Tensor:
        """(B, all of CHANNELS, h, w) the fields of `Seen` of `forward`, side by side."""
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
        return self.to_cells(self.leave(x))

    @torch.inference_mode()
    def look(self, image: np.ndarray, there: np.ndarray) -> Seen[np.ndarray]:
        """What is seen of one film, its greys (H, W) of `film_grey` and where it is (H, W) bool."""
        device = self.to_cells.weight.device
        films = (torch.as_tensor(array, dtype=torch.float32, device=device)[None, None] for array in (image, there))
        return seen_of(self.cells(three_channels(*films)).float().cpu().numpy())


def film_input(grey: Tensor, there: Tensor) -> Tensor:
    """(B, 3, H, W) of films with greys (B, 1, H, W), and where they are (B, 1, H, W) bool."""
    films = zip(grey[:, 0].cpu().numpy(), there[:, 0].cpu().numpy(), strict=True)
    image = torch.as_tensor(np.stack([film_grey(*film) for film in films]), device=grey.device)
    return three_channels(image[:, None], there.float())


def three_channels(image: Tensor, there: Tensor) -> Tensor:
    """(B, 3, H, W): greys (B, 1, H, W) of `film_grey`, their local contrast, and where there is film, 0 or 1."""
    return torch.cat([image - 0.25, local_contrast(image) * there, there], 1)
