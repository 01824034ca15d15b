"""Training samples in memory, in batches for the device that trains."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path

import torch
from torch import Tensor

from ReVertLib.errors import InputError
from ReVertLib.network.posed_shape import PosedShape
from ReVertLib.progress import progress

from .grey_values import normalised
from .shards import SHARD_PATTERN, Shard

_LAYERS = {"bone": "images", "around": "bones", "body": "body"}
"""The fields of a batch and the arrays of a shard that hold them."""


@dataclass(frozen=True)
class Batch(PosedShape):
    """The true surfaces, their shapes laid rigidly over the mean of their level, and what is seen of them.
    image: (B, 1, S, S) 0..1. level: (B,). view: (B, 3, 3) the crop camera from LPS.

    With layers, image shows the vertebra alone until `context.in_context` sets it amid the others, which are line
    integrals: bone (B, 1, S, S) the vertebra, around (B, 1, S, S) other bones, body (B, 1, S / 2, S / 2) the rest.
    alone: (B, 1, S, S) 0..1, the vertebra alone. Without layers these are None."""

    image: Tensor
    level: Tensor
    view: Tensor
    alone: Tensor | None = None
    bone: Tensor | None = None
    around: Tensor | None = None
    body: Tensor | None = None

    def part(self, rows: slice) -> Batch:
        """Some of its samples."""
        tensors = {field.name: getattr(self, field.name) for field in fields(self)}
        return replace(self, **{name: tensor[rows] for name, tensor in tensors.items() if tensor is not None})

    def isolated(self) -> Batch:
        """The same without layers: the vertebrae alone."""
        return replace(self, alone=None, bone=None, around=None, body=None)


class Samples:
    """All shards of a folder, held in memory as stored. Raises InputError when there is none."""

    def __init__(self, folder: Path) -> None:
        paths = sorted(Path(folder).glob(SHARD_PATTERN))
        if not paths:
            raise InputError(f"samples: expected {SHARD_PATTERN} in the folder, got none in {Path(folder).name!r}")
        shard = Shard.concatenated([Shard.load(path) for path in progress(paths, "shards")])
        self._layered = shard.layered
        self._tensors = {name: torch.as_tensor(array) for name, array in shard.arrays.items()}

    def __len__(self) -> int:
        return len(self._tensors["images"])

    @property
    def rotation(self) -> Tensor:
        """(N, 3, 3) crop camera from canonical, of all samples."""
        return self._tensors["rotation"]

    @property
    def shape_index(self) -> Tensor:
        """(N,) which shape each sample is of."""
        return self._tensors["shape_index"]

    def batch(self, index: Tensor, device: torch.device) -> Batch:
        """The samples at index (B,), images normalised as crops are."""
        taken = {name: tensor[index].to(device) for name, tensor in self._tensors.items() if name != "shapes"}
        image = normalised(taken["images"].float()[:, None])
        shape = self._tensors["shapes"][taken["shape_index"].cpu()].to(device).float()
        pose = {name: taken[name] for name in ("rotation", "position_mm", "level")}
        pose["view"] = taken.get("view", taken["rotation"])  # where it is not known, as if the vertebra stood upright
        if not self._layered:
            return Batch(shape=shape, image=image, **pose)
        scale = taken["scale"][:, :, None, None, None]
        layers = {name: taken[key].float()[:, None] for name, key in _LAYERS.items()}
        layers |= {"bone": layers["bone"] * scale[:, 0], "around": layers["around"] * scale[:, 1]}
        return Batch(shape=shape, image=image, alone=image, **pose, **layers)
