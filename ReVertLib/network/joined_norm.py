"""Batch statistics of all processes that train one network together, so that they take the same steps as one process
with the whole batch. Each has as many samples as any other. Where a process is alone they are its own.
"""

from __future__ import annotations

import torch
from torch import Tensor, distributed, nn


def joined_statistics(mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance (C,) over the batches of all processes, of those over each one's own. Gradients flow back into
    all of them."""
    if processes() == 1:
        return mean, variance
    moments = torch.stack([mean, variance + mean.square()]).double()  # whose difference is taken below
    mean_of_all, square_of_all = _MeanOfAll.apply(moments)
    return mean_of_all.to(mean), (square_of_all - mean_of_all.square()).to(variance)


@torch.no_grad()
def joined_mean(values: Tensor) -> Tensor:
    """The mean over all processes of values that no gradient flows through."""
    if processes() == 1:
        return values
    mean = values.clone()
    distributed.all_reduce(mean)
    return mean / processes()


class _MeanOfAll(torch.autograd.Function):
    """`joined_mean`, of which the losses of all processes have their gradient."""

    @staticmethod
    def forward(context, values: Tensor) -> Tensor:
        return joined_mean(values)

    @staticmethod
    def backward(context, gradient: Tensor) -> Tensor:
        return joined_mean(gradient)


def processes() -> int:
    """How many train together."""
    together = distributed.is_available() and distributed.is_initialized()
    return distributed.get_world_size() if together else 1


class JoinedNorm2d(nn.BatchNorm2d):
    """A batch norm whose statistics are those of the images of all processes."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) from x (B, C, H, W)."""
        if not self.training:
            return super().forward(x)
        variance, mean = torch.var_mean(x.float(), (0, 2, 3), correction=0)
        mean, variance = joined_statistics(mean, variance)
        count = processes() * x.numel() / x.shape[1]
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * count / (count - 1), self.momentum)
            self.num_batches_tracked += 1
        scale = self.weight * torch.rsqrt(variance + self.eps)
        shift = self.bias - mean * scale
        return torch.addcmul(shift[:, None, None], x.float(), scale[:, None, None]).to(x.dtype)


def join_norms(network: nn.Module) -> None:
    """Gives a network norms over the images of all processes in place of its own, with the same parameters."""
    for parent in list(network.modules()):
        for name, child in parent.named_children():
            if type(child) is nn.BatchNorm2d:
                norm = JoinedNorm2d(child.num_features, child.eps, child.momentum)
                norm.weight, norm.bias = child.weight, child.bias
                for kept in ("running_mean", "running_var", "num_batches_tracked"):
                    setattr(norm, kept, getattr(child, kept))
                setattr(parent, name, norm)
