"""Random numbers for batches of images."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Draw:
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
