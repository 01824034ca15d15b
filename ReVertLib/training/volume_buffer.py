"""Vertebrae filled with bone, held on the device that trains, and the processes that renew them meanwhile.

Each keeps the grid of the scan that it was made for, whatever its slices, so that nothing is sampled twice; a common
box of voxels holds every grid, empty where one ends. Each comes with poses to be seen in.
"""

from __future__ import annotations

from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, fields
from functools import partial

import numpy as np
import torch
from scipy.spatial import ConvexHull
from torch import Tensor

from ReVertLib.errors import InputError
from ReVertLib.imaging.volume import Volume
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.processes import process_pool
from ReVertLib.synthesis.ct_scanner import patient_axes
from ReVertLib.synthesis.samplers import sample_bone, sample_pose
from ReVertLib.synthesis.shapes import VertebraSampler

from .ranks import ALONE, Ranks

BOX = (88, 112, 120)
"""Voxels (k, j, i) in which nearly every vertebra fits in slices of 1 mm; another is drawn for one that does not."""

POSES = 64
"""In which each vertebra is seen."""


@dataclass(frozen=True)
class BufferedVertebra:
    """A vertebra of the buffer. mu: BOX, float16, attenuation per mm. box_from_canonical: (3, 4) from canonical mm to
    the box, -1 to 1 from end to end, x first, as `grid_sample` has it. shape: (n, 3) canonical mm. level: 0..4.
    rotation: (POSES, 3, 3) crop camera from canonical. position_mm: (POSES, 3). All but mu and level float32."""

    mu: np.ndarray
    box_from_canonical: np.ndarray
    shape: np.ndarray
    level: np.int64
    rotation: np.ndarray
    position_mm: np.ndarray


def make_vertebra(sampler: VertebraSampler, seed: int, number: int) -> BufferedVertebra:
    """The vertebra of a number, which depends on it and the seed alone."""
    rng = np.random.default_rng([seed, number])
    level, shape, mu = _boxed_bone(sampler, rng)
    while (np.array(mu.array.shape) > BOX).any():
        level, shape, mu = _boxed_bone(sampler, rng)
    k, j, i = mu.array.shape
    box = np.zeros(BOX, np.float16)
    box[:k, :j, :i] = mu.array
    ends = np.diag([*(2 / np.array(BOX[::-1])), 1.0])
    ends[:3, 3] = 1 / np.array(BOX[::-1]) - 1  # the centre of the first voxel
    outermost = shape.vertices[ConvexHull(shape.vertices).vertices]  # no other bounds what is seen
    poses = [sample_pose(outermost, patient_axes(mu), rng) for _ in range(POSES)]
    return BufferedVertebra(
        mu=box,
        box_from_canonical=(ends @ np.linalg.inv(mu.ijk_to_lps))[:3].astype(np.float32),
        shape=shape.vertices.astype(np.float32),
        level=np.int64(level),
        rotation=np.stack([pose.rotation for pose in poses]).astype(np.float32),
        position_mm=np.stack([pose.translation_mm for pose in poses]).astype(np.float32),
    )


def _boxed_bone(sampler: VertebraSampler, rng: np.random.Generator) -> tuple[int, Mesh, Volume]:
    """`samplers.sample_bone` without what is empty around the bone."""
    level, shape, mu = sample_bone(sampler, rng)
    filled = np.argwhere(mu.array)[:, ::-1]
    return level, shape, mu.cropped(filled.min(0), filled.max(0) + 1)


class VolumeBuffer:
    """Vertebrae of a seed on a device, the newest of those held so far; tensors as in `BufferedVertebra`, by slot
    (size, ...). Empty until the first `hold`.

    workers: processes that make the next ones meanwhile; 0: this one makes them when they are wanted. ranks: this
    process among those that train together; each makes its share of the vertebrae, and all have all of them. held: how
    many vertebrae it has held so far, whose numbers are 0 to held - 1. Raises InputError for a size below 1 or a
    negative number of processes.
    """

    def __init__(
        self,
        sampler: VertebraSampler,
        device: torch.device,
        seed: int = 0,
        size: int = 256,
        workers: int = 0,
        ranks: Ranks = ALONE,
    ) -> None:
        if size < 1 or workers < 0:
            raise InputError(f"volumes: expected 1 or more vertebrae and 0 or more workers, got {size} and {workers}")
        self._make = partial(make_vertebra, sampler, seed)
        self._pool: ProcessPoolExecutor | None = None
        self._ahead: dict[int, Future] = {}
        self._ranks, self._workers, self.held = ranks, workers, 0
        if workers:
            self._pool = process_pool(workers, _start_worker, sampler, seed)
        self._allocate(sampler.means.shape[1], size, device)

    def __len__(self) -> int:
        return len(self.level)

    def hold(self, count: int) -> None:
        """Puts the next vertebrae in the places of the oldest until so many have been held; waits for those that are
        not yet made. Those that others would have replaced by then are left out."""
        self.held = max(self.held, count - len(self))
        while self.held < count:
            self._put(self._next() if self._ranks.owns(self.held) else None)

    def close(self) -> None:
        """Ends the processes; the buffer stays as it is."""
        if self._pool is not None:
            self._ahead.clear()
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def _allocate(self, vertices: int, size: int, device: torch.device) -> None:
        shapes = {
            "mu": (BOX, torch.float16),
            "box_from_canonical": ((3, 4), torch.float32),
            "shape": ((vertices, 3), torch.float32),
            "level": ((), torch.int64),
            "rotation": ((POSES, 3, 3), torch.float32),
            "position_mm": ((POSES, 3), torch.float32),
        }
        for name, (shape, dtype) in shapes.items():
            setattr(self, name, torch.zeros((size, *shape), dtype=dtype, device=device))

    def _put(self, vertebra: BufferedVertebra | None) -> None:
        """The next vertebra in its slot, here and in the other processes; None: it is one of theirs."""
        for field in fields(BufferedVertebra):
            tensor: Tensor = getattr(self, field.name)
            slot = self.held % len(tensor)
            if vertebra is not None:
                tensor[slot] = torch.as_tensor(getattr(vertebra, field.name))
            self._ranks.spread(tensor[slot : slot + 1], self.held)
        self.held += 1

    def _next(self) -> BufferedVertebra:
        """That of the next number, once it is made."""
        if self._pool is None:
            return self._make(self.held)
        each = self._ranks.count
        for number in range(self.held, self.held + (2 * self._workers + 1) * each, each):
            if number not in self._ahead:
                self._ahead[number] = self._pool.submit(_work, number)
        return self._ahead.pop(self.held).result()


def _start_worker(sampler: VertebraSampler, seed: int) -> None:
    global _sampler, _seed
    torch.set_num_threads(1)
    _sampler, _seed = sampler, seed


def _work(number: int) -> BufferedVertebra:
    return make_vertebra(_sampler, _seed, number)
