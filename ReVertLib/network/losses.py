"""What training minimises."""

from __future__ import annotations

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import Tensor


def chamfer_distance(a: Tensor, b: Tensor) -> Tensor:
    """Scalar squared Chamfer distance of clouds a (B, N, 3) and b (B, M, 3): the mean over a of the squared distance
    to the nearest point of b, plus the mean over b of that to a (Fan et al. 2017, arXiv:1612.00603), averaged over the
    batch. In the clouds' unit squared.

    Which points are nearest is found by trees on a processor, and by a matrix product on centred clouds on other
    devices; the distances themselves, and so the gradients, are taken from the pairs of points, without cancellation.
    """
    nearest_in_b, nearest_in_a = (_nearest_by_trees if a.device.type == "cpu" else _nearest)(a, b)
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


@torch.no_grad()
def _nearest_by_trees(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """As `_nearest`, a tree for each cloud."""
    trees = [[cKDTree(cloud.detach().numpy()) for cloud in clouds] for clouds in (a, b)]
    pairs = [(in_b.query(in_a.data)[1], in_a.query(in_b.data)[1]) for in_a, in_b in zip(*trees, strict=True)]
    in_b, in_a = (torch.as_tensor(np.stack(found)) for found in zip(*pairs, strict=True))
    return in_b, in_a


def _taken(points: Tensor, index: Tensor) -> Tensor:
    """(B, K, 3) the points of (B, N, 3) at (B, K) indices."""
    return points.gather(1, index[:, :, None].expand(-1, -1, points.shape[2]))
