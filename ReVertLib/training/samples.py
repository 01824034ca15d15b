"""Training samples: crops with the pose and the corresponding vertices of what they show, in shards on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ReVertLib.errors import InputError
from ReVertLib.network.posed_shape import PosedShape

from .grey_values import normalised

SHARD_PATTERN = "shard_*.npz"


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

    @property
    def rotation(self) -> Tensor:
        """(N, 3, 3) crop camera from canonical, of all samples."""
        return self._arrays["rotation"]

    def batch(self, index: Tensor, device: torch.device) -> Batch:
        """The samples at index (B,), images normalised as crops are."""
        arrays = self._arrays
        images = arrays["images"][index].to(device).float()[:, None]
        return Batch(
            rotation=arrays["rotation"][index].to(device),
            position_mm=arrays["position_mm"][index].to(device),
            shape=arrays["shapes"][arrays["shape_index"][index]].to(device).float(),
            image=normalised(images),
            level=arrays["level"][index].to(device),
        )
