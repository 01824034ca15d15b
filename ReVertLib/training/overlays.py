"""What lies over the bone in a film, or is written on it. Images as in `augmentation`."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from .draw import Draw

WHITE = 1.2
"""Metal is no brighter than this: there the detector is saturated."""


def instruments(image: Tensor, draw: Draw) -> Tensor:
    """Up to two rods, screws or needles of metal over the bone."""
    size = image.shape[-1]
    for _ in range(2):
        end, other = draw.uniform(0, size, 2, len(image), 2)
        width = draw.each(image, 0.006, 0.03) * size
        shown = draw.each(image, 0, 1) < 0.7
        covered = (width - distance_to_line(end, other, size) + 0.5).clamp(0.0, 1.0)
        image = image + shown * draw.each(image, 0.3, 1.5) * covered
    return image.clamp(max=WHITE)


def distance_to_line(end: Tensor, other: Tensor, size: int) -> Tensor:
    """(B, 1, S, S) distance of pixel centres from the lines between end and other, both (B, 2) (column, row), px."""
    at = torch.arange(size, device=end.device, dtype=torch.float32)
    along = other - end
    length = along.norm(dim=1).clamp(min=1e-3)
    (du, dv), (u, v) = (along / length[:, None]).T, end.T
    column, row = at[None] - u[:, None], at[None] - v[:, None]
    run = column[:, None] * du[:, None, None] + row[:, :, None] * dv[:, None, None]
    off = column[:, None] * dv[:, None, None] - row[:, :, None] * du[:, None, None]
    beyond = (run - run.clamp(min=0.0).minimum(length[:, None, None])).abs()
    return torch.maximum(off.abs(), beyond)[:, None]


def boxes(image: Tensor, draw: Draw) -> Tensor:
    """One to five boxes filled with a grey and noise: markers, text, what lies on the patient."""
    size = image.shape[-1]
    at = torch.arange(size, device=image.device)
    shown = draw.uniform(0.1, 0.9, len(image), 1, 1, 1)
    noise = 0.1 * draw.normal(*image.shape)
    for _ in range(5):
        sides = draw.uniform(0.05, 0.25, 2, len(image), 1) * size
        first = draw.uniform(-0.1, 1.0, 2, len(image), 1) * size
        column, row = (at >= first) & (at < first + sides)
        box = (column[:, None, None, :] & row[:, None, :, None]) & (draw.each(image, 0, 1) < shown)
        image = torch.where(box, draw.each(image, 0.0, 1.0) + noise, image)
    return image


def grid_lines(image: Tensor, draw: Draw) -> Tensor:
    """The lines of an anti-scatter grid, or what interpolation has made of them."""
    at = torch.arange(image.shape[-1], device=image.device, dtype=torch.float32)
    phase = at * draw.each(image, 0.5, 3.0) + draw.each(image, 0.0, 6.3)
    lines = torch.sin(phase).expand(-1, -1, image.shape[-1], -1)
    lines = torch.where(draw.each(image, 0, 1) < 0.5, lines, lines.transpose(2, 3))
    return image + draw.each(image, 0.005, 0.03) * lines


def letters(image: Tensor, draw: Draw) -> Tensor:
    """Signs as bright as the brightest, or as dark as the darkest: markers of the side, burnt-in text."""
    size = image.shape[-1]
    grey = (draw.each(image, 0, 1) < 0.7).float()
    for _ in range(3):
        strokes = (draw.uniform(0, 1, len(image), 1, 5, 4) < 0.55).float()
        height = max(int(draw.uniform(0.05, 0.14, 1) * size), 5)
        sign = F.interpolate(strokes, (height, height * 4 // 5), mode="nearest")
        row, column = (int(draw.uniform(0, 1, 1) * (size - side)) for side in sign.shape[-2:])
        shown = F.pad(sign, (column, size - column - sign.shape[-1], row, size - row - height))
        image = torch.where(shown > 0, grey, image)
    return image


def collimation(image: Tensor, draw: Draw) -> Tensor:
    """Blades over one to four sides of the image, a little aslant: black, or white as what was not exposed."""
    size = image.shape[-1]
    at = torch.arange(size, device=image.device) / size
    reach = (draw.uniform(-0.25, 0.25, 4, len(image), 1, 1) + draw.uniform(-0.06, 0.06, 4, len(image), 1, 1)).clamp(
        max=0.2
    )
    slope = draw.uniform(-0.08, 0.08, 4, len(image), 1, 1)
    column, row = at[None, None, :], at[None, :, None]
    across = (column, 1 - column, row, 1 - row)
    along = (row, row, column, column)
    open_ = torch.ones_like(image[:, 0], dtype=torch.bool)
    for i in range(4):
        open_ &= across[i] > reach[i] + slope[i] * (along[i] - 0.5)
    return torch.where(open_[:, None], image, (draw.each(image, 0, 1) < 0.3).float())
