"""Augmentation of training images: what a real radiograph and its detector do to the same bone. Some images stay nearly
clean, as a DRR is; the others go through the steps below, each step by chance.

Nothing moves by more than a pixel or two, since the pose is learned, and nothing is inverted, since the crop undoes
that. Images are (B, 1, S, S), 0..1, proportional to the line integral of attenuation.
"""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from ReVertLib.network.posed_shape import rotation_vector
from ReVertLib.network.template_constants import UNKNOWN_LEVEL

from .draw import Draw
from .grey_values import normalised
from .overlays import boxes, collimation, grid_lines, instruments, letters
from .samples import Batch

AUGMENTED_SHARE = 0.5
"""The share of images that go through the steps, unless the training options say otherwise."""
EACH_STEP = 0.3
"""How often each step is applied to them."""
VIEW_ERROR_DEG = 4.5
"""Standard deviation, about each axis, of the view that is told from the true one."""
OPTICAL_DEPTH = 3.0
"""The line integral through the densest bone: how many photons are left where an image is 1 is exp(-OPTICAL_DEPTH)."""


def augmented(batch: Batch, random: torch.Generator, share: float | Tensor = AUGMENTED_SHARE) -> Batch:
    """The batch as radiographs of it might look, the level withheld for one in ten, and the view as roughly known as a
    user knows it. share: of the images that go through the steps, of all or (B,) of each."""
    draw = Draw(random, batch.image.device)
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
    off = rotation_vector(math.radians(VIEW_ERROR_DEG) * draw.normal(count, 3))
    return replace(batch, image=image.clamp(0.0, 1.0), level=level, view=off @ batch.view)


def _scatter(image: Tensor, draw: Draw) -> Tensor:
    """A veil that varies slowly over the image, and takes contrast from what it lies over."""
    veil = F.interpolate(draw.normal(len(image), 1, 3, 3), image.shape[-2:], mode="bicubic")
    share = draw.each(image, 0.0, 0.4)
    return image * (1 - share) + share * 0.5 + draw.each(image, 0.02, 0.15) * veil


def _focus(image: Tensor, draw: Draw) -> Tensor:
    """A focal spot and a detector of some width: sigma up to 3 px in 224."""
    return _blurred(image, draw.each(image, 0.3, 3.0) * image.shape[-1] / 224, 5)


def _photons(image: Tensor, draw: Draw) -> Tensor:
    """Poisson noise of 1000 to 10000 photons a pixel before the patient, seen through the logarithm."""
    photons = 10 ** draw.each(image, 3.0, 4.0)
    deviation = torch.exp(0.5 * OPTICAL_DEPTH * image) / photons.sqrt() / OPTICAL_DEPTH
    return image + deviation * draw.normal(*image.shape)


def _grain(image: Tensor, draw: Draw) -> Tensor:
    return image + draw.each(image, 0.005, 0.03) * draw.normal(*image.shape)


def _gamma(image: Tensor, draw: Draw) -> Tensor:
    return image.clamp(0.0, 1.0) ** torch.exp(draw.each(image, -0.59, 0.59))


def _linear(image: Tensor, draw: Draw) -> Tensor:
    """Contrast about a grey, so that the ends are cut or the range is not used."""
    grey = draw.each(image, 0.3, 0.6)
    return grey + torch.exp(draw.each(image, -0.69, 0.69)) * (image - grey)


def _logarithm(image: Tensor, draw: Draw) -> Tensor:
    gain = draw.each(image, 0.5, 5.0)
    return torch.log1p(gain * image.clamp(0.0, 1.0)) / torch.log1p(gain)


def _sigmoid(image: Tensor, draw: Draw) -> Tensor:
    return torch.sigmoid(draw.each(image, 3.0, 10.0) * (image - draw.each(image, 0.4, 0.6)))


def _local_contrast(image: Tensor, draw: Draw) -> Tensor:
    """What CLAHE is for, without histograms: a share of the deviation from the local mean, over the local spread."""
    tiles = image.shape[-1] // 8
    mean = F.avg_pool2d(image, tiles)
    spread = (F.avg_pool2d(image.square(), tiles) - mean.square()).clamp(min=0.0).sqrt()
    mean, spread = (F.interpolate(x, image.shape[-2:], mode="bilinear") for x in (mean, spread))
    level = 0.5 * mean + 0.25 + 0.2 * (image - mean) / (spread + 0.05)
    return image + draw.each(image, 0.2, 1.0) * (image > 0.02) * (level - image)


def _coarse_pixels(image: Tensor, draw: Draw) -> Tensor:
    """Pixels of up to 2 mm, seen through interpolation."""
    size = image.shape[-1]
    coarse = int(draw.uniform(0.4, 0.9, 1) * size)
    shrunk = F.interpolate(image, (coarse, coarse), mode="area")
    return F.interpolate(shrunk, (size, size), mode="bilinear", align_corners=False)


def _plasma(image: Tensor, draw: Draw) -> Tensor:
    """Brightness that varies over the image at every length."""
    size, cloud = image.shape[-1], torch.zeros_like(image)
    for octave in range(5):
        nodes = 2 + 2**octave
        layer = draw.normal(len(image), 1, nodes, nodes) / 2**octave
        cloud = cloud + F.interpolate(layer, (size, size), mode="bilinear", align_corners=False)
    return image + draw.each(image, 0.03, 0.15) * cloud


def _elastic(image: Tensor, draw: Draw) -> Tensor:
    """Places that are off by up to some 2 px, smoothly: what is left of a distortion that was corrected."""
    size = image.shape[-1]
    shift = F.interpolate(draw.normal(len(image), 2, 5, 5), (size, size), mode="bicubic", align_corners=True)
    grid = F.affine_grid(
        torch.eye(2, 3, device=image.device).expand(len(image), 2, 3), image.shape, align_corners=False
    )
    grid = grid + draw.each(image, 0.2, 1.0) * (2 / size) * shift.permute(0, 2, 3, 1)
    return F.grid_sample(image, grid, align_corners=False, padding_mode="border")


STEPS = (
    instruments,
    _scatter,
    _focus,
    _photons,
    _grain,
    _gamma,
    _linear,
    _logarithm,
    _sigmoid,
    _local_contrast,
    boxes,
    _coarse_pixels,
    _plasma,
    _elastic,
    grid_lines,
    letters,
    collimation,
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
