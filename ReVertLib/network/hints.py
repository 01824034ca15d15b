"""What tells how hard an image is to answer: the isolated vertebra, how sure it is, and how the answer agrees with it.

Of the hints that were tried these tell most of the mean error on people not seen in training: the silhouette's doubt
at its edge and its part that the answer does not cover. Steps of the refinement, the doubt about the view and the
shape of the silhouette told no more.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ReVertLib.geometry.crop_camera import CROP_FIELD_MM, CROP_SIZE_PX, GRID_PER_MM, projected

from .isolation import Isolated

HINTS = ("area", "doubt", "uncovered", "context")
CELL_PX = 4
CELLS = CROP_SIZE_PX // CELL_PX
"""Along a side of the crop, of those in which silhouette and answer are compared: wider than the vertices are apart."""


def hints(image: Tensor, isolated: Isolated, vertices: Tensor, sod_mm: Tensor) -> Tensor:
    """(B, 4) of crops (B, 1, S, S) with what was isolated in them, and the vertices (B, n, 3) of the answers, crop
    camera, mm: the silhouette's area, 10 cm2; its entropy over the square root of its pixels; the share of it where no
    vertex falls; the share of the image's brightness that is not the vertebra's."""
    logits = isolated.inside[:, 0]
    inside = torch.sigmoid(logits)
    pixels = inside.sum((1, 2)).clamp(min=1.0)
    entropy = F.softplus(logits) - logits * inside
    seen = F.avg_pool2d(inside, CELL_PX)
    covered = torch.minimum(seen, _cells(vertices, sod_mm)).sum((1, 2)) / seen.sum((1, 2)).clamp(min=1.0)
    of_bone = isolated.bone.sum((1, 2, 3)) / image.sum((1, 2, 3)).clamp(min=1.0)
    area = inside.mean((1, 2)) * (CROP_FIELD_MM / 10.0) ** 2 / 10.0
    columns = (area, entropy.sum((1, 2)) / pixels.sqrt() / 10.0, 1.0 - covered, (1.0 - of_bone).clamp(0.0, 1.0))
    return torch.stack(columns, 1)


def _cells(vertices: Tensor, sod_mm: Tensor) -> Tensor:
    """(B, CELLS, CELLS) 1 where a vertex falls, else 0."""
    at = ((projected(vertices, sod_mm, GRID_PER_MM) + 1.0) * (CELLS / 2)).floor().long().clamp(0, CELLS - 1)
    found = vertices.new_zeros(len(vertices), CELLS * CELLS)
    return found.scatter_(1, at[..., 1] * CELLS + at[..., 0], 1.0).unflatten(1, (CELLS, CELLS))
