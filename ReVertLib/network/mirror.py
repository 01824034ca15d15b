"""The mirror image of a vertebra as displacements of the same template, so that two answers can be averaged.

A vertebra and its image in the patient's median plane are the same bone to a network that sees a radiograph and its
mirror image; where the two answers differ, both are wrong, and their mean is less so. The template is not quite
symmetric: a vertex takes the displacements of those nearest to its mirror place.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import Tensor, nn

NEAREST = 4
_NEAR_MM = 0.3
"""Keeps the weight of a vertex at the very place finite."""


class Mirror(nn.Module):
    """means: (l, n, 3) mm, canonical frame, +X left, one for each level."""

    def __init__(self, means: Tensor) -> None:
        super().__init__()
        found = [_nearest(mean.numpy()) for mean in means]
        self.register_buffer("means", means, persistent=False)
        self.register_buffer("nearest", torch.as_tensor(np.stack([n for n, _ in found])), persistent=False)
        self.register_buffer("weights", torch.as_tensor(np.stack([w for _, w in found])), persistent=False)

    def forward(self, shape: Tensor, level: Tensor) -> Tensor:
        """(B, n, 3) the mirror images of shapes (B, n, 3), canonical frame, mm. level: (B,) which mean they bend."""
        means, nearest = self.means[level], self.nearest[level]
        moved = (shape - means) * shape.new_tensor([-1.0, 1.0, 1.0])
        around = moved[torch.arange(len(level), device=level.device)[:, None, None], nearest]
        return means + (self.weights[level][..., None] * around).sum(2)


def _nearest(mean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n, NEAREST) the vertices whose mirror places are nearest to each vertex, and their shares."""
    distance_mm, nearest = cKDTree(mean * [-1.0, 1.0, 1.0]).query(mean, k=NEAREST)
    weights = 1.0 / (distance_mm + _NEAR_MM)
    return nearest, (weights / weights.sum(1, keepdims=True)).astype(np.float32)
