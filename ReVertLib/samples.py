"""Training samples: crops with the pose and the corresponding vertices of what they show, in shards on disk."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from .errors import InputError
from .network import UNKNOWN_LEVEL, Surface

SHARD_PATTERN = "shard_*.npz"


@dataclass(frozen=True)
class Batch(Surface):
    """The true surfaces, their shapes laid rigidly over the mean of their level, and what is seen of them.
    image: (B, 1, S, S) 0..1. level: (B,)."""

    image: Tensor
    level: Tensor


class Samples:
    """All shards of a folder, held in memory as stored. Raises InputError when there is none."""

    def __init__(self, folder: Path) -> None:
        paths = sorted(Path(folder).glob(SHARD_PATTERN))
        if not paths:
            raise InputError(f"samples: expected {SHARD_PATTERN} in the folder, got none in {Path(folder).name!r}")
        shards = []
        for path in paths:
            with np.load(path, allow_pickle=False) as file:
                shards.append({name: file[name] for name in file.files})
        first_shape = np.cumsum([0] + [len(s["shapes"]) for s in shards[:-1]])
        for shard, first in zip(shards, first_shape, strict=True):
            shard["shape_index"] = shard["shape_index"] + first
        self._arrays = {name: torch.as_tensor(np.concatenate([s[name] for s in shards])) for name in shards[0]}

    def __len__(self) -> int:
        return len(self._arrays["images"])

    def batch(self, index: Tensor, device: torch.device) -> Batch:
        """The samples at index (B,), images scaled as `crop.normalised` does."""
        arrays = self._arrays
        images = arrays["images"][index].to(device).float()[:, None]
        high = torch.quantile(images.flatten(1), 0.995, dim=1).clamp(min=1.0)
        return Batch(
            rotation=arrays["rotation"][index].to(device),
            position_mm=arrays["position_mm"][index].to(device),
            shape=arrays["shapes"][arrays["shape_index"][index]].to(device).float(),
            image=(images / high[:, None, None, None]).clamp(0.0, 1.0),
            level=arrays["level"][index].to(device),
        )


def augmented(batch: Batch, random: torch.Generator) -> Batch:
    """What film and detector do to the same bone: gamma, range, blur, noise, a veil of scatter; and the level withheld
    for one in ten."""

    def uniform(low: float, high: float) -> Tensor:
        value = torch.rand(len(batch.image), 1, 1, 1, generator=random, device=random.device)
        return (low + (high - low) * value).to(batch.image.device)

    image = _blurred(batch.image, uniform(0.05, 1.3))
    image = (image * uniform(0.85, 1.25)).clamp(0.0, 1.0) ** torch.exp(uniform(-0.4, 0.4))
    veil = F.interpolate(_normal(image[:, :, :3, :3], random), image.shape[-2:], mode="bicubic")
    image = image + uniform(0.0, 0.03) * veil + uniform(0.0, 0.03) * _normal(image, random)
    withheld = torch.rand(len(image), generator=random, device=random.device).to(image.device) < 0.1
    level = torch.where(withheld, UNKNOWN_LEVEL, batch.level)
    return replace(batch, image=image.clamp(0.0, 1.0), level=level)


def _normal(like: Tensor, random: torch.Generator) -> Tensor:
    return torch.randn(like.shape, generator=random, device=random.device).to(like.device)


def _blurred(image: Tensor, sigma_px: Tensor) -> Tensor:
    """A Gaussian blur of each image by its own sigma (B, 1, 1, 1), kernel 7."""
    offsets = torch.arange(-3.0, 4.0, device=image.device)
    kernel = torch.exp(-0.5 * (offsets / sigma_px) ** 2)
    kernel = (kernel / kernel.sum(3, keepdim=True)).reshape(-1, 1, 1, 7)
    one_group = image.transpose(0, 1)
    for k in (kernel, kernel.transpose(2, 3)):
        padding = (k.shape[2] // 2, k.shape[3] // 2)
        one_group = F.conv2d(one_group, k, padding=padding, groups=len(image))
    return one_group.transpose(0, 1)
