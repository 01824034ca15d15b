"""Vertebrae set amid what lies around them: layers of line integrals, added up to the image that training shows.

Each layer's attenuation is at times far from what it should be, as the contrasts of a film are no computed image's
(after FleXray, whose networks were trained on computed images alone and read films).
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from .draw import Draw
from .grey_values import normalised
from .samples import Batch

ALONE_SHARE, BONES_ONLY_SHARE = 0.3, 0.1
"""Of the samples with layers, those shown alone, and those amid the other bones without a body."""
SPREAD, LEAST, MOST = 0.8, 0.1, 4.0
"""Of the factor on a layer's attenuation, log-normal, in half of the images."""


def in_context(batch: Batch, random: torch.Generator, alone: float = ALONE_SHARE) -> tuple[Batch, Tensor]:
    """A batch with its images set amid their layers, and which of them (B,) bool are. alone: the share that is not."""
    count = len(batch.image)
    if batch.bone is None:
        return batch, torch.zeros(count, dtype=torch.bool, device=batch.image.device)
    draw = Draw(random, batch.image.device)
    kind = draw.uniform(0, 1, count)
    amid, with_body = kind >= alone, kind >= alone + BONES_ONLY_SHARE
    body = F.interpolate(batch.body, batch.image.shape[-2:], mode="bilinear", align_corners=False)
    total = layer_factor(draw, count) * batch.bone
    total = total + _chosen(amid) * layer_factor(draw, count) * batch.around
    total = total + _chosen(with_body) * layer_factor(draw, count) * body
    return replace(batch, image=torch.where(_chosen(amid), normalised(total), batch.image)), amid


def layer_factor(draw: Draw, count: int) -> Tensor:
    """(B, 1, 1, 1) one for each image, 1 in half of them."""
    drawn = torch.exp(SPREAD * draw.normal(count, 1, 1, 1)).clamp(LEAST, MOST)
    return torch.where(draw.uniform(0, 1, count, 1, 1, 1) < 0.5, drawn, torch.ones_like(drawn))


def _chosen(which: Tensor) -> Tensor:
    return which[:, None, None, None]
