"""What the network that finds vertebrae is taught by."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ReVertLib.network.film_cells import NAMED, REACH_PX, STRIDE, YAWS, Seen, cell_middles

from .film_windows import FilmBatch

SPREAD_CELLS = 1.2
"""Of the hill around each vertebra's middle that its heat is to follow."""
NEAR = 0.5
"""Cells where the hill is higher than this tell names and places."""
YAW_SPREAD_DEG, YAW_WEIGHT = 12.0, 0.5


def finder_losses(seen: Seen[Tensor], batch: FilmBatch) -> dict[str, Tensor]:
    """The terms by name; their sum is what is made small."""
    rows, columns = seen.heat.shape[2:]
    middles = torch.as_tensor(cell_middles(rows, columns), device=seen.heat.device)
    there = batch.labels > 0
    centres = torch.where(there[..., None], batch.centres, -1e4)
    squares = ((middles[None, None] - centres[..., None, None]) / STRIDE).square().sum(2)
    hills = torch.exp(-squares / (2 * SPREAD_CELLS**2))  # (B, k, h, w)
    hill, nearest = hills.max(1)
    weight = hill * (hill > NEAR)
    total = weight.sum().clamp(min=1.0)
    terms = {"heat": _focal(seen.heat[:, 0], hill) / there.sum().clamp(min=1)}

    def of_nearest(values: Tensor) -> Tensor:
        """(B, n, h, w) of values (B, k, n), those of the vertebra nearest to each cell."""
        index = nearest.flatten(1)[..., None].expand(-1, -1, values.shape[2])
        return values.gather(1, index).mT.unflatten(2, (rows, columns))

    number = torch.full((max(NAMED) + 1,), 0, device=seen.heat.device)
    number[torch.tensor(NAMED)] = torch.arange(len(NAMED), device=number.device)
    names = of_nearest(number[batch.labels.clamp(0, max(NAMED))][..., None])[:, 0]
    terms["names"] = (F.cross_entropy(seen.names, names, reduction="none") * weight).sum() / total
    centre = of_nearest(batch.centres)
    terms["offset"] = _off(seen.offset, (centre - middles) / STRIDE, weight) / total
    box = of_nearest(batch.boxes) - centre.repeat(1, 2, 1, 1)
    terms["box"] = _off(seen.box, box / REACH_PX, weight) / total
    corners = of_nearest(batch.corners.flatten(2)) - centre.repeat(1, 4, 1, 1)
    terms["corners"] = _off(seen.corners, corners / REACH_PX, weight) / total
    views = _yaw_shares(batch.yaw_deg)[..., None, None].expand_as(seen.yaw)
    terms["yaw"] = YAW_WEIGHT * (F.cross_entropy(seen.yaw, views, reduction="none") * weight).sum() / total
    flags = batch.flags.float()[..., None, None].expand_as(seen.flags)
    off = F.binary_cross_entropy_with_logits(seen.flags, flags, reduction="none").mean(1)
    terms["flags"] = (off * weight).sum() / total
    return terms


def _focal(logits: Tensor, hill: Tensor) -> Tensor:
    """The sum of the focal loss of CenterNet (Zhou et al., 2019, equation 1), for tops that lie between cells: cells
    above 0.8 count as tops."""
    sure = torch.sigmoid(logits)
    top = hill > 0.8
    found = -((1 - sure) ** 2) * F.logsigmoid(logits) * hill
    empty = -((1 - hill) ** 4) * sure**2 * F.logsigmoid(-logits)
    return torch.where(top, found, empty).sum()


def _off(found: Tensor, wanted: Tensor, weight: Tensor) -> Tensor:
    """The weighted sum over cells of the mean absolute difference; what is NaN is not known."""
    known = torch.isfinite(wanted)
    off = torch.where(known, (found - torch.where(known, wanted, 0.0)).abs(), 0.0)
    return (off.mean(1) * weight).sum()


def _yaw_shares(yaw_deg: Tensor) -> Tensor:
    """(B, YAWS) the share that each of the views has of a yaw."""
    bins = torch.arange(YAWS, device=yaw_deg.device) * (360 / YAWS) - 180
    off = (yaw_deg[:, None] - bins + 180) % 360 - 180
    return torch.softmax(-0.5 * (off / YAW_SPREAD_DEG) ** 2, 1)
