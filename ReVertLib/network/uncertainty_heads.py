"""What a network predicts of its own answer: the error of each vertex, and an out-of-distribution score of the image.

Both are trained when the network is finished, by `revert calibrate`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .template_constants import mean_over

LARGEST_FACTOR = 2.0
"""Of the error to be expected over the usual one, and of its inverse, the natural logarithm."""


@dataclass(frozen=True)
class Features:
    """What a network knew when it answered. nodes: (B, c, f) of every decoder, side by side, at the control points.
    code: (B, k) of the image. pooled: (B, p) means of the encoder's last two feature maps. textures: (B, t) means and
    deviations of its first three. hints: (B, h) what tells how hard the image is (`hints`), h = 0 for networks that do
    not isolate the vertebra."""

    nodes: Tensor
    code: Tensor
    pooled: Tensor
    textures: Tensor
    hints: Tensor

    def only(self, chosen: slice | Tensor) -> Features:
        """Of some in the batch."""
        columns = (self.nodes, self.code, self.pooled, self.textures, self.hints)
        return Features(*(column[chosen] for column in columns))


class ErrorHead(nn.Module):
    """The distance of each vertex to the true surface to be expected, and its parts across and along the beam:
    `usual_mm`, maps that no image changes, times what the hints say of the image, times what the features say of the
    place. It starts at the maps, all 1 mm until they are measured.

    nearest, weights: (n, k) the control points that move each vertex, and how much. nodes, code, hints: widths of
    features; hints: None for weights of before, which tell the distance only, and all from the other features.
    """

    def __init__(
        self, nearest: np.ndarray, weights: np.ndarray, nodes: int, code: int, width: int, hints: int | None = None
    ) -> None:
        super().__init__()
        parts = 1 if hints is None else 3
        self.register_buffer("usual_mm", torch.ones(len(nearest)) if hints is None else torch.ones(parts, len(nearest)))
        # Displacements are spread with some negative weights; a mean that stays positive has none.
        self.register_buffer("spread", torch.as_tensor(mean_over(nearest, weights)), persistent=False)
        self.enter = nn.Linear(nodes, width)
        self.enter_image = nn.Linear(nodes + code, width)
        self.middle = nn.Linear(width, width)
        self.leave = nn.Linear(width, parts)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)
        if hints is None:
            self.hint_weights = None
        else:
            self.register_buffer("hint_weights", torch.zeros(parts, hints))
            self.register_buffer("hint_bias", torch.zeros(parts))
            self.register_buffer("bound", torch.ones(1))

    def forward(self, features: Features) -> Tensor:
        """(B, 3, n) mm: distance, across, along; (B, 1, n) the distance only from weights of before. What features and
        hints say stays each within e^-2 and e^2, whatever the image."""
        whole = torch.cat([features.nodes.mean(1), features.code], 1)
        x = F.relu(self.enter(features.nodes) + self.enter_image(whole)[:, None])
        change = LARGEST_FACTOR * torch.tanh(self.leave(F.relu(self.middle(x))))
        if features.hints.shape[1] and self.hint_weights is not None:
            change = change - change.mean(1, keepdim=True)  # how hard the image is the hints tell, on others better
        at_nodes = torch.exp(change).permute(1, 0, 2).flatten(1)  # one product for the whole batch
        factor = (self.spread @ at_nodes).unflatten(1, (len(change), -1)).permute(1, 2, 0)
        return self.usual_mm * factor * self._image_factor(features)[:, :, None]

    def bound_mm(self, expected_mm: Tensor) -> Tensor | None:
        """What nine in ten distances are below, of expected ones (any shape), mm; None from weights of before."""
        return None if self.hint_weights is None else self.bound * expected_mm

    def _image_factor(self, features: Features) -> Tensor:
        """(B, 3) what the hints say of the whole image; (1, 1) one where there are none."""
        if self.hint_weights is None:
            return self.usual_mm.new_ones(1, 1)
        log_factor = features.hints @ self.hint_weights.T + self.hint_bias
        return torch.exp(log_factor.clamp(-LARGEST_FACTOR, LARGEST_FACTOR))


class MahalanobisScore(nn.Module):
    """The out-of-distribution score of an image: the Mahalanobis distance of some of its features from those of the
    training images, scaled so that the limit is 1 (see `calibration.error_head`). It is 0 until it is measured."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("scale", torch.ones(features))
        self.register_buffer("whitening", torch.zeros(features, features))

    def forward(self, features: Tensor) -> Tensor:
        """(B,) of features (B, p): 0 for the mean of the training images, 1 at the limit."""
        return (((features - self.mean) / self.scale) @ self.whitening).norm(dim=1)
