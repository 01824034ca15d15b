"""What a network predicts of its own answer: the error of each vertex, and an out-of-distribution score of the image.

Both are trained when the network is finished, by `revert calibrate`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True)
class Features:
    """What a network knew when it answered. nodes: (B, c, f) of every decoder, side by side, at the control points.
    code: (B, k) of the image. pooled: (B, p) means of the encoder's last two feature maps."""

    nodes: Tensor
    code: Tensor
    pooled: Tensor

    def only(self, chosen: slice) -> Features:
        """Of neighbours in the batch."""
        return Features(self.nodes[chosen], self.code[chosen], self.pooled[chosen])


class ErrorHead(nn.Module):
    """The distance of each vertex to the true surface to be expected: `usual_mm`, a map that no image changes, times
    what the features say. It starts at the map itself, all 1 mm until it is measured.

    nearest, weights: (n, k) the control points that move each vertex, and how much. nodes, code: widths of features.
    """

    def __init__(self, nearest: Tensor, weights: Tensor, nodes: int, code: int, width: int) -> None:
        super().__init__()
        self.register_buffer("usual_mm", torch.ones(len(nearest)))
        self.register_buffer("nearest", nearest, persistent=False)
        # Displacements are spread with some negative weights; a mean that stays positive has none.
        self.register_buffer("shares", F.normalize(weights.clamp(min=0.0), p=1.0, dim=1), persistent=False)
        self.enter = nn.Linear(nodes, width)
        self.enter_image = nn.Linear(nodes + code, width)
        self.middle = nn.Linear(width, width)
        self.leave = nn.Linear(width, 1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def forward(self, features: Features) -> Tensor:
        """(B, n) mm: the map times a factor that stays within e^-2 and e^2, whatever the image."""
        whole = torch.cat([features.nodes.mean(1), features.code], 1)
        x = F.relu(self.enter(features.nodes) + self.enter_image(whole)[:, None])
        factor = torch.exp(2.0 * torch.tanh(self.leave(F.relu(self.middle(x)))[..., 0]))
        return self.usual_mm * (factor[:, self.nearest] * self.shares).sum(2)


class MahalanobisScore(nn.Module):
    """The out-of-distribution score of an image: the Mahalanobis distance of its pooled features from those of the
    training images, scaled so that the limit is 1 (see `calibration.error_head`). It is 0 until it is measured."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("scale", torch.ones(features))
        self.register_buffer("whitening", torch.zeros(features, features))

    def forward(self, features: Features) -> Tensor:
        """(B,) 0 for the mean of the training images, 1 at the limit."""
        return (((features.pooled - self.mean) / self.scale) @ self.whitening).norm(dim=1)
