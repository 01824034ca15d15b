"""Augmentation of training images: what a real radiograph and its detector do to the same bone. Some images stay nearly
clean, as a DRR is; the others go through the steps below, each step by chance.

Nothing moves, since the pose is learned, and nothing is inverted, since the crop undoes that. Images are (B, 1, S, S),
0..1, proportional to the line integral of attenuation.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional as F

from ReVertLib.network.template_network import UNKNOWN_LEVEL

from .grey_values import normalised
from .samples import Batch

AUGMENTED_SHARE = 0.5
"""The share of images that go through the steps, unless the training options say otherwise."""
EACH_STEP = 0.4
"""How often each step is applied to them."""
OPTICAL_DEPTH = 3.0
"""The line integral through the densest bone: how many photons are left where an image is 1 is exp(-OPTICAL_DEPTH)."""
WHITE = 1.2
"""Metal is no brighter than this: there the detector is saturated."""


@dataclass(frozen=True)
class _Draw:
    """Random numbers from a generator that may live on another device than the images."""

    random: torch.Generator
    device: torch.device

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        values = torch.rand(shape, generator=self.random, device=self.random.device)
        return (low + (high - low) * values).to(self.device)

    def each(self, image: Tensor, low: float, high: float) -> Tensor:
        """(B, 1, 1, 1), one value for each image."""
        return self.uniform(low, high, len(image), 1, 1, 1)

    def normal(self, *shape: int) -> Tensor:
        return torch.randn(shape, generator=self.random, device=self.random.device).to(self.device)


def augmented(batch: Batch, random: torch.Generator, share: float = AUGMENTED_SHARE) -> Batch:
    """The batch as radiographs of it might look, the level withheld for one in ten. share: of the images that go
    through the steps."""
    draw = _Draw(random, batch.image.device)
    count = len(batch.image)
    image = batch.image.clone()
    in_share = draw.uniform(0, 1, count) < share
    for step in STEPS:
        chosen = in_share & (draw.uniform(0, 1, count) < EACH_STEP)
        if chosen.any():
            image[chosen] = step(image[chosen], draw)
    if in_share.any():
        image[in_share] = normalised(image[in_share])
    image = _blurred(image, draw.each(image, 0.05, 0.9), 3)
    image = (image * draw.each(image, 0.9, 1.15)).clamp(0.0, 1.0) ** torch.exp(draw.each(image, -0.25, 0.25))
    image = image + draw.each(image, 0.0, 0.012) * draw.normal(*image.shape)
    withheld = draw.uniform(0, 1, count) < 0.1
    level = torch.where(withheld, UNKNOWN_LEVEL, batch.level)
    return replace(batch, image=image.clamp(0.0, 1.0), level=level)


def _instruments(image: Tensor, draw: _Draw) -> Tensor:
    """Up to two rods, screws or needles of metal over the bone."""
    size = image.shape[-1]
    for _ in range(2):
        end, other = draw.uniform(0, size, 2, len(image), 2)
        width = draw.each(image, 0.006, 0.03) * size
        shown = draw.each(image, 0, 1) < 0.7
        covered = (width - _distance_to_line(end, other, size) + 0.5).clamp(0.0, 1.0)
        image = image + shown * draw.each(image, 0.3, 1.5) * covered
    return image.clamp(max=WHITE)


def _distance_to_line(end: Tensor, other: Tensor, size: int) -> Tensor:
    """(B, 1, S, S) distance of pixel centres from the lines between end and other, both (B, 2) (column, row), px."""
    at = torch.arange(size, device=end.device, dtype=torch.float32)
    along = other - end
    length = along.norm(dim=1).clamp(min=1e-3)
    (du, dv), (u, v) = (along / length[:, None]).T, end.T
    column, row = at[None] - u[:, None], at[None] - v[:, None]
    run = column[:, None] * du[:, None, None] + row[:, :, None] * dv[:, None, None]
    off = column[:, None] * dv[:, None, None] - row[:, :, None] * du[:, None, None]
    beyond = (run - run.clamp(min=0.0).minimum(length[:, None, None])).abs()
    return torch.maximum(off.abs(), beyond)[:, None]


def _scatter(image: Tensor, draw: _Draw) -> Tensor:
    """A veil that varies slowly over the image, and takes contrast from what it lies over."""
    veil = F.interpolate(draw.normal(len(image), 1, 3, 3), image.shape[-2:], mode="bicubic")
    share = draw.each(image, 0.0, 0.4)
    return image * (1 - share) + share * 0.5 + draw.each(image, 0.02, 0.15) * veil


def _focus(image: Tensor, draw: _Draw) -> Tensor:
    """A focal spot and a detector of some width: sigma up to 3 px in 224."""
    return _blurred(image, draw.each(image, 0.3, 3.0) * image.shape[-1] / 224, 5)


def _photons(image: Tensor, draw: _Draw) -> Tensor:
    """Poisson noise of 1000 to 10000 photons a pixel before the patient, seen through the logarithm."""
    photons = 10 ** draw.each(image, 3.0, 4.0)
    deviation = torch.exp(0.5 * OPTICAL_DEPTH * image) / photons.sqrt() / OPTICAL_DEPTH
    return image + deviation * draw.normal(*image.shape)


def _grain(image: Tensor, draw: _Draw) -> Tensor:
    return image + draw.each(image, 0.005, 0.03) * draw.normal(*image.shape)


def _gamma(image: Tensor, draw: _Draw) -> Tensor:
    return image.clamp(0.0, 1.0) ** torch.exp(draw.each(image, -0.59, 0.59))


def _linear(image: Tensor, draw: _Draw) -> Tensor:
    """Contrast about a grey, so that the ends are cut or the range is not used."""
    grey = draw.each(image, 0.3, 0.6)
    return grey + torch.exp(draw.each(image, -0.69, 0.69)) * (image - grey)


def _logarithm(image: Tensor, draw: _Draw) -> Tensor:
    gain = draw.each(image, 0.5, 5.0)
    return torch.log1p(gain * image.clamp(0.0, 1.0)) / torch.log1p(gain)


def _sigmoid(image: Tensor, draw: _Draw) -> Tensor:
    return torch.sigmoid(draw.each(image, 3.0, 10.0) * (image - draw.each(image, 0.4, 0.6)))


def _local_contrast(image: Tensor, draw: _Draw) -> Tensor:
    """What CLAHE is for, without histograms: a share of the deviation from the local mean, over the local spread."""
    tiles = image.shape[-1] // 8
    mean = F.avg_pool2d(image, tiles)
    spread = (F.avg_pool2d(image.square(), tiles) - mean.square()).clamp(min=0.0).sqrt()
    mean, spread = (F.interpolate(x, image.shape[-2:], mode="bilinear") for x in (mean, spread))
    level = 0.5 * mean + 0.25 + 0.2 * (image - mean) / (spread + 0.05)
    return image + draw.each(image, 0.2, 1.0) * (image > 0.02) * (level - image)


def _boxes(image: Tensor, draw: _Draw) -> Tensor:
    """One to five boxes filled with a grey and noise: markers, text, what lies on the patient."""
    size = image.shape[-1]
    at = torch.arange(size, device=image.device)
    shown = draw.uniform(0.1, 0.9, len(image), 1, 1, 1)
    noise = 0.1 * draw.normal(*image.shape)
    for _ in range(5):
        sides = draw.uniform(0.05, 0.25, 2, len(image), 1) * size
        first = draw.uniform(-0.1, 1.0, 2, len(image), 1) * size
        column, row = (at >= first) & (at < first + sides)
        box = (column[:, None, None, :] & row[:, None, :, None]) & (draw.each(image, 0, 1) < shown)
        image = torch.where(box, draw.each(image, 0.0, 1.0) + noise, image)
    return image


def _collimation(image: Tensor, draw: _Draw) -> Tensor:
    """Blades over one to four sides of the image, a little aslant: black, or white as what was not exposed."""
    size = image.shape[-1]
    at = torch.arange(size, device=image.device) / size
    reach = (draw.uniform(-0.25, 0.25, 4, len(image), 1, 1) + draw.uniform(-0.06, 0.06, 4, len(image), 1, 1)).clamp(
        max=0.2
    )
    slope = draw.uniform(-0.08, 0.08, 4, len(image), 1, 1)
    column, row = at[None, None, :], at[None, :, None]
    across = (column, 1 - column, row, 1 - row)
    along = (row, row, column, column)
    open_ = torch.ones_like(image[:, 0], dtype=torch.bool)
    for i in range(4):
        open_ &= across[i] > reach[i] + slope[i] * (along[i] - 0.5)
    return torch.where(open_[:, None], image, (draw.each(image, 0, 1) < 0.3).float())


STEPS = (
    _instruments,
    _scatter,
    _focus,
    _photons,
    _grain,
    _gamma,
    _linear,
    _logarithm,
    _sigmoid,
    _local_contrast,
    _boxes,
    _collimation,
)


def _blurred(image: Tensor, sigma_px: Tensor, radius: int) -> Tensor:
    """A Gaussian blur of each image by its own sigma (B, 1, 1, 1), the kernel cut off at a radius in px."""
    offsets = torch.arange(-radius, radius + 1.0, device=image.device)
    kernel = torch.exp(-0.5 * (offsets / sigma_px) ** 2)
    kernel = (kernel / kernel.sum(3, keepdim=True)).reshape(-1, 1, 1, len(offsets))
    one_group = image.transpose(0, 1)
    for k in (kernel, kernel.transpose(2, 3)):
        one_group = F.conv2d(one_group, k, padding="same", groups=len(image))
    return one_group.transpose(0, 1)
