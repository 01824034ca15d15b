"""What training minimises."""

from __future__ import annotations

import torch
from torch import Tensor


def chamfer_distance(a: Tensor, b: Tensor) -> Tensor:
    """Scalar squared Chamfer distance of clouds a (B, N, 3) and b (B, M, 3): the mean over a of the squared distance
    to the nearest point of b, plus the mean over b of that to a (Fan et al. 2017, arXiv:1612.00603), averaged over the
    batch. In the clouds' unit squared.

    Which points are nearest is found by a matrix product on centred clouds; the distances themselves, and so the
    gradients, are taken from the pairs of points, without cancellation.
    """
    nearest_in_b, nearest_in_a = _nearest(a, b)
    to_b = (a - _taken(b, nearest_in_b)).square().sum(2).mean()
    to_a = (b - _taken(a, nearest_in_a)).square().sum(2).mean()
    return to_b + to_a


@torch.no_grad()
def _nearest(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """(B, N) index into b of each point of a, and (B, M) index into a of each point of b."""
    middle = a.mean(1, keepdim=True)
    a, b = a - middle, b - middle
    squares = torch.baddbmm(b.square().sum(2)[:, None], a, b.transpose(1, 2), alpha=-2)
    squares += a.square().sum(2)[:, :, None]
    return squares.argmin(2), squares.argmin(1)


def _taken(points: Tensor, index: Tensor) -> Tensor:
    """(B, K, 3) the points of (B, N, 3) at (B, K) indices."""
    return points.gather(1, index[:, :, None].expand(-1, -1, points.shape[2]))
