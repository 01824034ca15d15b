"""From where the image shows the vertebra to the likeliest vertebra and pose: what a network saw, lifted by the prior.

A network knows well where in the image each control point lies, and badly how deep. Given the places q_i in the image,
this finds rotation R, shift t across the beam and shape coefficients a that minimise

    sum_i |project(R (mean_i + basis_i a) + t) - q_i|^2 / sigma^2 + |a|^2

by Gauss and Newton: the maximum a posteriori under a shape model whose basis is scaled to unit variance (cf. Blanz et
al., "A statistical method for robust 3D surface reconstruction from sparse data", 3DPVT 2004). Depth follows from what
shapes vertebrae have; that of the centre is given.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .estimate import Surface, rotation_vector, skew

SIGMA_MM = 1.0
"""How far from its place a control is seen, in the plane of the vertebra's centre, were all errors independent."""

STEPS = 4
_HOLD = 1e-4
"""Keeps the pose where no control would tell it."""


class Lift(nn.Module):
    """The prior as tensors of a network: means (6, n, 3) mm, of L1..L5 and of an unknown level, and basis (n, 3, rank)
    mm, one standard deviation each. Empty until `fill`.

    vertices: n. controls: (c,) the vertices whose places are believed.
    """

    def __init__(self, vertices: int, controls: Tensor, rank: int) -> None:
        super().__init__()
        self.register_buffer("means", torch.zeros(6, vertices, 3))
        self.register_buffer("basis", torch.zeros(vertices, 3, rank))
        self.register_buffer("controls", controls, persistent=False)

    @torch.no_grad()
    def fill(self, means: Tensor, basis: Tensor) -> None:
        """Takes means (5, n, 3) and basis (n, 3, rank) of a shape model; the mean of an unknown level is L3's."""
        self.means.copy_(torch.cat([means, means[2:3]]))
        self.basis.copy_(basis)

    @torch.no_grad()
    def forward(self, seen: Surface, level: Tensor) -> Surface:
        """The likeliest surface whose controls are seen where those of an estimate are. level: (B,) 0..5."""
        sod_mm = seen.position_mm[:, 2]
        wanted = _seen_mm(seen.vertices[:, self.controls], sod_mm)
        mean, basis = self.means[level][:, self.controls], self.basis[self.controls]
        rotation, position = seen.rotation, seen.position_mm
        size = mean.new_zeros(len(level), basis.shape[2])
        for _ in range(STEPS):
            turned = (mean + (basis @ size.T).movedim(2, 0)) @ rotation.transpose(1, 2)
            points = turned + position[:, None]
            slope = _slope(points, sod_mm)
            along_basis = torch.einsum("bcij,cjk->bcik", slope @ rotation[:, None], basis)
            columns = torch.cat([-slope @ skew(turned), slope[..., :2], along_basis], 3).flatten(1, 2) / SIGMA_MM
            missing = (wanted - _seen_mm(points, sod_mm)).flatten(1)[..., None] / SIGMA_MM
            hold = torch.cat([mean.new_full((5,), _HOLD), mean.new_ones(basis.shape[2])])
            pull = (columns.transpose(1, 2) @ missing)[..., 0] - hold * F.pad(size, (5, 0))
            step = torch.linalg.solve(columns.transpose(1, 2) @ columns + torch.diag(hold), pull)
            rotation = rotation_vector(step[:, :3]) @ rotation
            position = position + F.pad(step[:, 3:5], (0, 1))
            size = size + step[:, 5:]
        shape = self.means[level] + (self.basis @ size.T).movedim(2, 0)
        return Surface(rotation, position, shape)


def _seen_mm(points: Tensor, sod_mm: Tensor) -> Tensor:
    """(B, c, 2) where points (B, c, 3) of the crop camera are seen, in the plane at the depth sod_mm (B,)."""
    return points[..., :2] * (sod_mm[:, None, None] / points[..., 2:])


def _slope(points: Tensor, sod_mm: Tensor) -> Tensor:
    """(B, c, 2, 3) the derivative of `_seen_mm` by the points."""
    scale = sod_mm[:, None] / points[..., 2]
    across = torch.eye(2, 3, dtype=points.dtype, device=points.device) * scale[..., None, None]
    along = points[..., :2] * (scale / points[..., 2])[..., None]
    return across - F.pad(along[..., None], (2, 0))
