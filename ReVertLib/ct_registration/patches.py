"""What a film shows around one vertebra, at one scale, ready to be compared with projections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.transform import RigidTransform

from .bone import CtBone
from .records import View
from .similarity import Normalised, blurred, locally_normalised


@dataclass(frozen=True)
class Scale:
    """pixel_mm: of film and projection, at the vertebra. window_mm: standard deviation of the window in which they are
    compared. near: whether poses are about right, so that what only the film shows, as metal, can be told and counts
    less. blur_mm: of bone and film."""

    pixel_mm: float
    window_mm: float
    near: bool = False

    @property
    def blur_mm(self) -> float:
        """Details finer than a pixel do not count."""
        return self.pixel_mm

    @property
    def window_px(self) -> float:
        """Standard deviation of the window."""
        return self.window_mm / self.pixel_mm


@dataclass(frozen=True)
class Patch:
    """normal: the film, normalised. weight: (rows, columns) 1 where it is compared, else 0. told: (rows, columns) how
    much each pixel tells of the bone, 1 in the mean of what is compared. seen: the share of what would be compared that
    is on the film. geometry: of its pixels, in the frame of its own camera. camera_from_first: as `View`. beside:
    (rows, columns) the line integrals of other bones, as far as their poses are known."""

    normal: Normalised
    weight: torch.Tensor
    told: torch.Tensor
    seen: float
    geometry: Geometry
    camera_from_first: RigidTransform
    beside: torch.Tensor
    scale: Scale

    @property
    def size_px(self) -> tuple[int, int]:
        """Columns and rows."""
        rows, columns = self.weight.shape
        return columns, rows


_BORDER_MM = 3.0
"""How far beyond the bone the film is compared: its outline is among what is seen."""
_AROUND_MM = 4.0
"""What of the film is taken around a vertebra: more than is compared."""
_LEAST_SEEN = 0.02
"""Of the longest path through bone, what counts as bone."""
_OTHERS = 1.5
"""How strong what else a film shows is everywhere, of the bone's own contrast in the mean."""
_FOREIGN = 4.0
"""How much worse than chance is what only the film shows, of its variance: an edge of metal pulls."""


def patch_of(
    view: View, bone: CtBone, pose: RigidTransform, scale: Scale, others: Sequence[tuple[CtBone, RigidTransform]]
) -> Patch:
    """The patch of a view around a bone at a pose, camera frame of the first view. others: bones that stay where they
    are, with their poses."""
    own = view.camera_from_first @ pose
    film, seen, geometry = resampled(view, own.apply(bone.mesh_lps.vertices), scale)
    size_px = film.shape[1], film.shape[0]

    def projected(one: CtBone, at: RigidTransform) -> torch.Tensor:
        return one.projector(scale.blur_mm).image(at, geometry, size_px)

    there = projected(bone, own)
    shadow = (there > _LEAST_SEEN * there.max()).float()
    near = blurred(shadow[None], _BORDER_MM / scale.pixel_mm)[0] > 0.15
    weight = near * seen
    share = float(weight.sum() / near.sum().clamp(min=1))
    beside = torch.zeros_like(film)
    for other, at in others:
        beside += projected(other, view.camera_from_first @ at)
    range_ = float(view.pixels.max() - view.pixels.min())
    normal = locally_normalised(film, weight, scale.window_px, range_)
    told = _told(normal, there + beside, weight, scale)
    return Patch(normal, weight, told, share, geometry, view.camera_from_first, beside, scale)


def _told(film: Normalised, image: torch.Tensor, weight: torch.Tensor, scale: Scale) -> torch.Tensor:
    """How much each pixel tells, 1 in the mean: the inverse of a residual's variance there, after normalising, which is
    1 + (others / contrast)^2. contrast: of the projection, image. others: of what else the film shows, which is about
    as strong everywhere; and where the film has more contrast than its usual gain makes of the projection's, more."""
    contrast = locally_normalised(image, weight, scale.window_px, float(image.max())).deviation
    there = weight > 0
    if not there.any():
        return weight
    variance = contrast**2 + (_OTHERS * contrast[there].mean()) ** 2
    if scale.near:
        gain = (film.deviation / contrast)[there].median()
        variance = variance + _FOREIGN * ((film.deviation / gain) ** 2 - contrast**2).clamp(min=0)
    told = contrast**2 / variance
    return told / told[there].mean()


def resampled(view: View, vertices_mm: np.ndarray, scale: Scale) -> tuple[torch.Tensor, torch.Tensor, Geometry]:
    """The film around vertices (n, 3) of its own camera frame, in means over whole blocks of pixels, blurred to the
    scale; (rows, columns) where it is on the film; and its geometry."""
    geometry, depth_mm = view.geometry, float(vertices_mm[:, 2].mean())
    per_mm = geometry.focal_px / depth_mm
    block = np.maximum(np.rint(scale.pixel_mm * per_mm), 1).astype(int)
    pixels = geometry.project(vertices_mm)
    first = np.floor(pixels.min(0) - _AROUND_MM * per_mm).astype(int)
    size = np.ceil((pixels.max(0) + _AROUND_MM * per_mm - first) / block).astype(int)
    low, high = np.maximum(first, 0), np.minimum(first + size * block, view.pixels.shape[::-1])
    canvas, there = (np.zeros((size * block)[::-1], np.float32) for _ in range(2))
    if (low < high).all():
        (u0, v0), (u1, v1) = low - first, high - first
        canvas[v0:v1, u0:u1] = view.pixels[low[1] : high[1], low[0] : high[0]]
        there[v0:v1, u0:u1] = 1.0
    shape = (size[1], block[1], size[0], block[0])
    share = there.reshape(shape).mean((1, 3))
    film = canvas.reshape(shape).mean((1, 3)) / np.maximum(share, 1e-6)
    geometry = replace(geometry, box_px=None).cropped(*first).resized(*(1 / block))
    seen = torch.from_numpy((share > 0.99).astype(np.float32))
    film = torch.from_numpy(np.where(share > 0, film, film[share > 0].mean() if share.any() else 0).astype(np.float32))
    return blurred(film[None], max(0.7 * scale.blur_mm / scale.pixel_mm, 0.4))[0], seen, geometry
