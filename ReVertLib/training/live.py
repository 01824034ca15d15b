"""Training samples made while training goes on: a whole batch is rendered at once on the device that trains.

All rays of an image are sampled at the same depths, evenly between the nearest and the farthest of the vertebra, in
one call for the batch: no loop over samples, and nothing is read back from the device.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from ReVertLib.errors import InputError
from ReVertLib.geometry.crop_camera import CROP_PIXEL_MM, CROP_SIZE_PX

from .grey_values import normalised
from .samples import Batch
from .volume_buffer import POSES, VolumeBuffer

DEPTHS = 112
"""Samples along a ray, about 1 mm apart for the deepest vertebra."""

EDGE_MM = 4.0
"""So far beyond the surface a scan of slices up to 3 mm shows bone."""


def line_integrals(
    mu: Tensor, box_from_canonical: Tensor, vertices: Tensor, rotation: Tensor, position_mm: Tensor
) -> Tensor:
    """(B, S, S) line integrals through volumes as `crop_camera` sees them, S = CROP_SIZE_PX.

    mu: (B, k, j, i). box_from_canonical: (B, 3, 4), see `volume_buffer.BufferedVertebra`. vertices: (B, n, 3) the
    surface of what the volume shows, in the camera's frame. rotation, position_mm: (B, 3, 3) and (B, 3) camera from
    canonical; the source's distance is z.
    """
    depth_mm = position_mm[:, 2]
    near, far = vertices[..., 2].amin(1) - EDGE_MM, vertices[..., 2].amax(1) + EDGE_MM
    ray = _rays(depth_mm)
    turn = box_from_canonical[..., :3] @ rotation.transpose(1, 2)
    direction = torch.einsum("bxc,bvuc->bvux", turn, ray)
    across = depth_mm[:, None, None, None] * ray - position_mm[:, None, None]  # where a ray is at that depth
    middle = torch.einsum("bxc,bvuc->bvux", turn, across) + box_from_canonical[:, None, None, :, 3]
    step_mm = (far - near) / DEPTHS
    beyond_mm = (near - depth_mm)[:, None] + (torch.arange(DEPTHS, device=mu.device) + 0.5) * step_mm[:, None]
    at = torch.addcmul(middle[:, None], beyond_mm[..., None, None, None], direction[:, None])
    seen = grid_sample(mu[:, None].float(), at, align_corners=False)[:, 0].sum(1)
    return seen * step_mm[:, None, None] * ray.norm(dim=3)


def _rays(depth_mm: Tensor) -> Tensor:
    """(B, S, S, 3) the way of the ray to each pixel per mm of depth: the field of view fills the crop at depth_mm."""
    pixels = torch.arange(CROP_SIZE_PX, dtype=torch.float32, device=depth_mm.device) - (CROP_SIZE_PX - 1) / 2
    slope = pixels * CROP_PIXEL_MM / depth_mm[:, None]
    across = slope[:, None, :].expand(-1, CROP_SIZE_PX, -1)
    return torch.stack([across, across.transpose(1, 2), torch.ones_like(across)], -1)


class LiveSamples:
    """Every vertebra of a buffer in each of its poses, in place of `samples.Samples`.

    seen: how often a vertebra is taken, in the mean, before another takes its place; None: the first ones stay. When
    one does follows from how many samples were taken alone, so that a run can be repeated. Raises InputError for fewer
    than 1.
    """

    def __init__(self, buffer: VolumeBuffer, seen: int | None = None) -> None:
        if seen is not None and seen < 1:
            raise InputError(f"seen: expected 1 or more times, got {seen}")
        self._buffer, self._seen, self._taken = buffer, seen, 0

    def __len__(self) -> int:
        return len(self._buffer) * POSES

    def begin(self, taken: int) -> None:
        """Makes ready what is shown after so many samples."""
        self._taken = taken
        self._buffer.hold(len(self._buffer) + (taken // self._seen if self._seen else 0))

    @torch.no_grad()
    def batch(self, index: Tensor, device: torch.device) -> Batch:
        """The next samples, at index (B,), images scaled as those of `Samples`. device: where the buffer is."""
        buffer = self._buffer
        self.begin(self._taken)
        self._taken += len(index)
        slot, pose = index.to(device) // POSES, index.to(device) % POSES
        rotation, position_mm, shape = buffer.rotation[slot, pose], buffer.position_mm[slot, pose], buffer.shape[slot]
        vertices = shape @ rotation.transpose(1, 2) + position_mm[:, None]
        image = line_integrals(buffer.mu[slot], buffer.box_from_canonical[slot], vertices, rotation, position_mm)
        return Batch(rotation, position_mm, shape, normalised(image[:, None]), buffer.level[slot], view=rotation)
