"""Several processes, on one machine or several, that train one network together, as `torchrun` starts them.

All draw the random numbers of the whole batch, and each goes on with its own part of it. Batch statistics and gradients
are those of the whole batch, so that the steps are those of one process.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn

from ReVertLib.errors import InputError
from ReVertLib.network.joined_norm import joined_mean


@dataclass(frozen=True)
class Ranks:
    """This process and how many there are."""

    rank: int = 0
    count: int = 1

    @property
    def leads(self) -> bool:
        """Whether this is the one that writes and reports."""
        return self.rank == 0

    def owns(self, number: int) -> bool:
        """Whether what has this number is made by this one."""
        return number % self.count == self.rank

    def part(self, size: int) -> slice:
        """This one's part of a batch of size."""
        each = size // self.count
        return slice(self.rank * each, (self.rank + 1) * each)

    def check(self, batch: int) -> None:
        """Raises InputError for a batch that has no equal parts."""
        if batch % self.count:
            raise InputError(f"batch: expected a multiple of the {self.count} processes, got {batch}")

    def average_gradients(self, network: nn.Module) -> None:
        """Puts the mean of all processes' gradients in place of each one's own."""
        if self.count == 1:
            return
        gradients = [p.grad for p in network.parameters() if p.grad is not None]
        mean = joined_mean(torch.cat([gradient.flatten() for gradient in gradients]))
        for gradient, its in zip(gradients, mean.split([gradient.numel() for gradient in gradients]), strict=True):
            gradient.copy_(its.view_as(gradient))

    def spread(self, tensor: Tensor, number: int) -> None:
        """Gives all processes what the one that owns the number has in this tensor."""
        if self.count > 1:
            distributed.broadcast(tensor, number % self.count)

    def wait(self) -> None:
        """Until all are here."""
        if self.count > 1:
            distributed.barrier()


ALONE = Ranks()


@contextmanager
def ranks_of_torchrun(device: torch.device) -> Iterator[tuple[Ranks, torch.device]]:
    """This process among those that torchrun has started, with the device that it is to use; alone without torchrun."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield ALONE, device
        return
    if device.type == "cuda" and device.index is None:
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Ranks(distributed.get_rank(), count), device
    finally:
        distributed.destroy_process_group()
