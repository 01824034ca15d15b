"""What a network answers to a batch of images: the shape of each vertebra and its pose in the crop camera."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from .crop_answer import Judged


@dataclass(frozen=True)
class PosedShape:
    """One estimate for a batch. rotation: (B, 3, 3) crop camera from canonical. position_mm: (B, 3) of the canonical
    origin in the crop camera. shape: (B, n, 3) canonical mm. expected_error_mm: (B, n) distance of each vertex to the
    true surface to be expected. out_of_distribution: (B,) how far the image is from those of the training, 1 at the
    limit. error_parts_mm: (B, 3, n) the expected distance across and along the beam, and the bound that nine in ten
    distances are below. All are None from a network without the heads that say so."""

    rotation: Tensor
    position_mm: Tensor
    shape: Tensor
    expected_error_mm: Tensor | None = field(default=None, kw_only=True)
    out_of_distribution: Tensor | None = field(default=None, kw_only=True)
    error_parts_mm: Tensor | None = field(default=None, kw_only=True)

    @property
    def vertices(self) -> Tensor:
        """(B, n, 3) in the crop camera's frame, mm."""
        return self.shape @ self.rotation.transpose(1, 2) + self.position_mm[:, None]

    @property
    def judged(self) -> Judged:
        """The same as arrays."""
        said = (self.vertices, self.expected_error_mm, self.error_parts_mm, self.out_of_distribution)
        return Judged(*(None if tensor is None else tensor.float().cpu().numpy() for tensor in said))


def rotation_vector(vector: Tensor) -> Tensor:
    """(B, 3, 3) rotation by |vector| radians about vector (B, 3), by Rodrigues' formula, in a form that needs no axis
    and so also holds for no rotation."""
    angle = vector.norm(dim=1)[:, None, None]
    outer = vector[:, :, None] * vector[:, None]
    identity = torch.eye(3, dtype=vector.dtype, device=vector.device)
    about = torch.sinc(angle / math.pi) * skew(vector)
    return torch.cos(angle) * identity + about + 0.5 * torch.sinc(angle / (2 * math.pi)) ** 2 * outer


def skew(vector: Tensor) -> Tensor:
    """(..., 3, 3) the matrix whose product with a vector is the cross product of vector (..., 3) with it."""
    x, y, z = vector.unbind(-1)
    zero = torch.zeros_like(x)
    return torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).unflatten(-1, (3, 3))
