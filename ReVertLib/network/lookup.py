"""What is seen of an image at points of the crop camera: features where they fall, and grey values along normals."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ReVertLib.geometry.crop_camera import GRID_PER_MM, projected

PROFILE_MM = tuple(float(mm) for mm in range(-8, 9))
PROFILE_ASIDE_MM = (-2.5, 0.0, 2.5)
PROFILE_COUNT = len(PROFILE_MM) * len(PROFILE_ASIDE_MM)
"""Where a control point's grey values are taken, at the depth of the vertebra's centre."""


def sampled(maps: list[Tensor], points: Tensor, sod_mm: Tensor) -> Tensor:
    """(B, c, channels) features where points (B, c, 3) of the crop camera fall on the feature maps."""
    grid = projected(points, sod_mm, GRID_PER_MM)[:, :, None]
    found = [F.grid_sample(m, grid, align_corners=False, padding_mode="border")[..., 0] for m in maps]
    return torch.cat(found, 1).transpose(1, 2)


def profiles(image: Tensor, points: Tensor, normals: Tensor, sod_mm: Tensor) -> Tensor:
    """(B, c, PROFILE_COUNT) grey values of image (B, 1, S, S) beside points (B, c, 3) of the crop camera, along their
    normals (B, c, 3) as seen and aside of them, outward last; as active shape models look for edges (Cootes et al.,
    Computer Vision and Image Understanding 1995)."""
    at = torch.stack(profile_places(points, normals, sod_mm), 3)
    return F.grid_sample(image, at * GRID_PER_MM, align_corners=False)[:, 0]


def profile_places(points: Tensor, normals: Tensor, sod_mm: Tensor) -> tuple[Tensor, Tensor]:
    """u and v (B, c, PROFILE_COUNT), mm at the depth of the vertebra's centre, where `profiles` looks."""
    outward = F.normalize(normals[..., :2] + 1e-4, dim=2)
    along, aside = torch.cartesian_prod(
        *(torch.tensor(mm, device=points.device) for mm in (PROFILE_MM, PROFILE_ASIDE_MM))
    ).T
    (u, v), (du, dv) = projected(points, sod_mm)[..., None].unbind(2), outward[..., None].unbind(2)
    return u + du * along - dv * aside, v + dv * along + du * aside
