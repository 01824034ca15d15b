"""Training samples in memory, in batches for the device that trains."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ReVertLib.errors import InputError
from ReVertLib.network.posed_shape import PosedShape
from ReVertLib.progress import progress

from .grey_values import normalised
from .shards import SHARD_PATTERN, Shard


@dataclass(frozen=True)
class Batch(PosedShape):
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
        shard = Shard.concatenated([Shard.load(path) for path in progress(paths, "shards")])
        self._tensors = {name: torch.as_tensor(array) for name, array in vars(shard).items()}

    def __len__(self) -> int:
        return len(self._tensors["images"])

    @property
    def rotation(self) -> Tensor:
        """(N, 3, 3) crop camera from canonical, of all samples."""
        return self._tensors["rotation"]

    def batch(self, index: Tensor, device: torch.device) -> Batch:
        """The samples at index (B,), images normalised as crops are."""
        tensors = self._tensors
        return Batch(
            rotation=tensors["rotation"][index].to(device),
            position_mm=tensors["position_mm"][index].to(device),
            shape=tensors["shapes"][tensors["shape_index"][index]].to(device).float(),
            image=normalised(tensors["images"][index].to(device).float()[:, None]),
            level=tensors["level"][index].to(device),
        )
