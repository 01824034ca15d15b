"""Films as they are taken, cut from the wide films of a shard: of one vertebra up to the whole trunk, some upside down,
mirrored or inverted, some of another scale than is told, each with where its vertebrae lie on it.

A film is resampled by one affine map, (u, v) of the wide film from (u, v) of the canvas, which its marks go through the
other way.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from ReVertLib.errors import InputError
from ReVertLib.network.finder_network import film_input
from ReVertLib.progress import progress

from .augmentation import EACH_STEP, STEPS
from .context import layer_factor
from .draw import Draw
from .film_shards import SHARD_PATTERN, FilmShard
from .grey_values import normalised

CANVASES_PX = (96, 160, 288)
"""Sides of the squares that films are laid on; of the first, as many as the options say make a batch, and of the others
as many as have about as many pixels."""
SMALLEST_PX, FILLED = 40, 0.6
"""The least side of a film, and the least share of its canvas's side that it has."""
SCALE, ROLL_DEG = 0.2, 5.0
INVERTED, UPSIDE_DOWN, MIRRORED = 0.3, 0.15, 0.15
"""Shares of the films that are so."""
AUGMENTED_SHARE = 0.7
EDGE_PX = 3.0
"""So far from the edge a vertebra's middle must lie to count as on the film."""


@dataclass(frozen=True)
class FilmBatch:
    """film: (B, 3, S, S) of `film_input`. labels: (B, k) VerSe's, 0 where there is none or its middle is off the film.
    centres: (B, k, 2), corners: (B, k, 4, 2), boxes: (B, k, 4) px. yaw_deg: (B,) of the film hung head up, as it is
    seen if it is mirrored. flags: (B, 3) bool, inverted, upside down, mirrored."""

    film: Tensor
    labels: Tensor
    centres: Tensor
    corners: Tensor
    boxes: Tensor
    yaw_deg: Tensor
    flags: Tensor


@dataclass(frozen=True)
class Windows:
    """How films are cut from wide ones. matrix: (B, 2, 2) and origin: (B, 2): wide film's px = matrix @ canvas px +
    origin. half: (B, 2) half of the window's sides about the middle of the canvas, px. upside_down, mirrored: (B,)."""

    matrix: Tensor
    origin: Tensor
    half: Tensor
    upside_down: Tensor
    mirrored: Tensor


class FilmSamples:
    """All shards of films of a folder, held in memory as stored. Raises InputError when there is none."""

    def __init__(self, folder: Path) -> None:
        paths = sorted(Path(folder).glob(SHARD_PATTERN))
        if not paths:
            raise InputError(f"samples: expected {SHARD_PATTERN} in the folder, got none in {Path(folder).name!r}")
        shard = FilmShard.concatenated([FilmShard.load(path) for path in progress(paths, "shards")])
        self._tensors = {name: torch.as_tensor(array) for name, array in vars(shard).items()}

    def __len__(self) -> int:
        return len(self._tensors["spine"])

    def batch(self, count: int, random: torch.Generator, device: torch.device) -> FilmBatch:
        """Films of one canvas, drawn with their windows and all else; count: of those on the smallest canvas."""
        draw = Draw(random, device)
        size = CANVASES_PX[int(torch.randint(len(CANVASES_PX), (1,), generator=random))]
        count = max(2, round(count * (CANVASES_PX[0] / size) ** 2))
        index = torch.randint(len(self), (count,), generator=random)
        taken = {name: tensor[index].to(device) for name, tensor in self._tensors.items()}
        return cut_films(taken, drawn_windows(taken, size, draw), size, draw)


def drawn_windows(films: dict[str, Tensor], size: int, draw: Draw) -> Windows:
    """Windows about a vertebra of each film, on canvases of size px; films: arrays of a shard."""
    count, labels = films["labels"].shape
    rows, columns = films["spine"].shape[1:]
    there = films["labels"] > 0
    chosen = (draw.uniform(0, 1, count, labels) * there).argmax(1)
    middle = films["centres"][torch.arange(count), chosen]
    largest = size / 2 - 1
    smallest = max(SMALLEST_PX, FILLED * size) / 2
    half = torch.exp(draw.uniform(math.log(smallest), math.log(largest), count, 2))
    half[:, 1] = torch.maximum(half[:, 1], half[:, 0] * draw.uniform(0.7, 1.3, count)).clamp(max=largest)
    scale = torch.exp(draw.uniform(-SCALE, SCALE, count))
    turned, mirrored = draw.uniform(0, 1, count) < UPSIDE_DOWN, draw.uniform(0, 1, count) < MIRRORED
    angle = torch.deg2rad(ROLL_DEG * draw.normal(count)) + torch.pi * turned
    cos, sin, sign = scale * torch.cos(angle), scale * torch.sin(angle), torch.where(mirrored, -1.0, 1.0)
    matrix = torch.stack([torch.stack([sign * cos, -sin], 1), torch.stack([sign * sin, cos], 1)], 1)
    middle = middle + draw.uniform(-0.8, 0.8, count, 2) * half * scale[:, None]
    first, last = films["rows"].T.clone()
    reach = scale * half[:, 1]
    low, high = first.clamp(min=0) + reach, last.clamp(max=rows - 1) - reach
    v = torch.where(low < high, torch.minimum(torch.maximum(middle[:, 1], low), high), (low + high) / 2)
    u = middle[:, 0].clamp(0, columns - 1.0)
    origin = torch.stack([u, v], 1) - matrix.sum(2) * (size - 1) / 2
    return Windows(matrix, origin, half, turned, mirrored)


def cut_films(films: dict[str, Tensor], windows: Windows, size: int, draw: Draw, augment: bool = True) -> FilmBatch:
    """The films of windows on canvases of size px. augment: as radiographs of them might look, some of them inverted;
    otherwise as computed."""
    spine, body, there = _resampled(films, windows, size)
    count = len(spine)
    image = spine + body
    if augment:
        image = layer_factor(draw, count) * spine + layer_factor(draw, count) * body
    image = normalised(image * there)
    inverted = torch.zeros(count, dtype=torch.bool, device=image.device)
    if augment:
        image = _augmented(image, draw)
        inverted = draw.uniform(0, 1, count) < INVERTED
        image = torch.where(inverted[:, None, None, None], 1 - image, image)
    labels, centres, corners, boxes = _marks(films, windows, size)
    yaw_deg = torch.where(windows.mirrored, -films["yaw_deg"], films["yaw_deg"])
    flags = torch.stack([inverted, windows.upside_down, windows.mirrored], 1)
    return FilmBatch(film_input(image, there), labels, centres, corners, boxes, yaw_deg, flags)


def _resampled(films: dict[str, Tensor], windows: Windows, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """(B, 1, S, S) the line integrals of both layers in the windows, and where there is film."""
    rows, columns = films["spine"].shape[1:]
    at = torch.arange(size, dtype=torch.float32, device=windows.half.device)
    pixels = torch.stack([at.expand(size, -1), at[:, None].expand(-1, size)], -1)
    wide = pixels @ windows.matrix[:, None].mT + windows.origin[:, None, None]
    limit = torch.tensor([columns, rows], device=wide.device)
    grid = (2 * wide + 1) / limit - 1
    layers = torch.stack([films["spine"].float() * films["spine_scale"][:, None, None], films["body"].float()], 1)
    layers = F.grid_sample(layers, grid, align_corners=False)
    inside = ((wide >= 0) & (wide <= limit - 1)).all(-1)
    inside &= ((pixels - (size - 1) / 2).abs() <= windows.half[:, None, None]).all(-1)
    inside &= (wide[..., 1] >= films["rows"][:, 0, None, None]) & (wide[..., 1] <= films["rows"][:, 1, None, None])
    return layers[:, :1], layers[:, 1:], inside[:, None]


def _augmented(image: Tensor, draw: Draw) -> Tensor:
    """Most images go through some of the steps that crops go through."""
    in_share = draw.uniform(0, 1, len(image)) < AUGMENTED_SHARE
    for step in STEPS:
        chosen = in_share & (draw.uniform(0, 1, len(image)) < EACH_STEP / 2)
        if chosen.any():
            image[chosen] = step(image[chosen], draw)
    return image + draw.each(image, 0.0, 0.012) * draw.normal(*image.shape)


def _marks(films: dict[str, Tensor], windows: Windows, size: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Labels, centres, corners and boxes on the canvas, as `FilmBatch` has them."""
    inverse = torch.linalg.inv(windows.matrix)

    def on_canvas(points: Tensor) -> Tensor:
        return torch.einsum("bij,bnj->bni", inverse, points - windows.origin[:, None])

    count, k = films["labels"].shape
    centres = on_canvas(films["centres"])
    corners = on_canvas(films["corners"].reshape(count, -1, 2)).reshape(count, k, 4, 2)
    corners = torch.where(windows.mirrored[:, None, None, None], corners[:, :, [1, 0, 3, 2]], corners)
    ends = films["boxes"][:, :, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(count, -1, 2) - 0.5
    ends = on_canvas(ends).reshape(count, k, 4, 2) + 0.5
    boxes = torch.cat([ends.amin(2), ends.amax(2)], 2)
    on_film = ((centres - (size - 1) / 2).abs() <= windows.half[:, None] - EDGE_PX).all(2)
    on_wide = (films["centres"] > 0).all(2)
    on_wide &= (films["centres"] < torch.tensor(films["spine"].shape[:0:-1], device=centres.device)).all(2)
    return torch.where(on_film & on_wide, films["labels"], 0).long(), centres, corners, boxes
