"""What `lookup` computes, by gathering pixels from tables: faster than the `GridSample` of ONNX Runtime."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ReVertLib.geometry.crop_camera import GRID_PER_MM, projected

from .lookup import profile_places
from .template_network import TemplateNetwork


def by_gathering(network: TemplateNetwork) -> TemplateNetwork:
    """The network itself, which looks up features and grey values in tables from now on."""
    network.sampled, network.profiles = sampled, profiles
    return network


def sampled(maps: list[Tensor], points: Tensor, sod_mm: Tensor) -> Tensor:
    """`lookup.sampled`, from all maps (B, C, H, W) at once."""
    rows, columns = ([float(m.shape[axis]) for m in maps] for axis in (2, 3))
    sizes = [int(r * c) for r, c in zip(rows, columns, strict=True)]
    first = [sum(sizes[:i]) for i in range(len(sizes))]
    rows, columns, first = (points.new_tensor(numbers) for numbers in (rows, columns, first))
    grid = projected(points, sod_mm, GRID_PER_MM)
    x, y = (
        torch.minimum((grid[..., axis, None] * (sides / 2) + (sides - 1) / 2).clamp(min=0.0), sides - 1)
        for axis, sides in ((0, columns), (1, rows))
    )
    table = torch.cat([m.flatten(2) for m in maps], 2).transpose(1, 2)
    table = F.pad(table, (0, 0, 0, int(max(m.shape[3] for m in maps)) + 1))  # beside the last pixels, of no weight
    left, top = x.floor(), y.floor()
    index = (top * columns + left + first).long() + _starts(points, table.shape[1])
    down = columns.long()
    corners = (_rows(table, at) for at in (index, index + 1, index + down, index + down + 1))
    return _mean(corners, (x - left)[..., None], (y - top)[..., None]).flatten(2)


def profiles(image: Tensor, points: Tensor, normals: Tensor, sod_mm: Tensor) -> Tensor:
    """`lookup.profiles`; beyond the image (B, 1, S, S), it is 0."""
    size = image.shape[3]
    x, y = (
        (at * (GRID_PER_MM * size / 2) + (size - 1) / 2).clamp(-1.0, float(size))
        for at in profile_places(points, normals, sod_mm)
    )
    wide = size + 3
    table = F.pad(image[:, 0], (1, 2, 1, 2)).flatten()
    left, top = x.floor(), y.floor()
    index = ((top + 1) * wide + left + 1).long() + _starts(points, wide * wide)
    corners = (table.gather(0, at.flatten()).view_as(at) for at in (index, index + 1, index + wide, index + wide + 1))
    return _mean(corners, x - left, y - top)


def _starts(points: Tensor, length: int) -> Tensor:
    """(B, 1, 1) where the tables of a batch begin among all their rows."""
    return torch.arange(len(points), device=points.device)[:, None, None] * length


def _rows(table: Tensor, index: Tensor) -> Tensor:
    """(..., C) the rows of tables (B, n, C), one after another, at index (...)."""
    return table.flatten(0, 1).index_select(0, index.flatten()).unflatten(0, index.shape)


def _mean(corners: object, right: Tensor, low: Tensor) -> Tensor:
    """Of the four pixels around a place, left before right, those above first; right, low: the shares of the others."""
    above_left, above_right, below_left, below_right = corners
    above = above_left + right * (above_right - above_left)
    return above + low * (below_left + right * (below_right - below_left) - above)
