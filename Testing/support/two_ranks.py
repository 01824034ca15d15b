"""Two processes that train together: the same work in each of them, the second one in a process of its own.

python two_ranks.py STORE FOLDER RANK
"""

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from tiny import OPTIONS
from torch import distributed

from ReVertLib.network.weights import build_network
from ReVertLib.training import loss_terms, run, volume_buffer
from ReVertLib.training.options import TrainOptions
from ReVertLib.training.ranks import ALONE, Ranks
from ReVertLib.training.run import Run
from ReVertLib.training.samples import Samples
from ReVertLib.training.volume_buffer import BOX, POSES, BufferedVertebra, VolumeBuffer

CPU = torch.device("cpu")
STEPS, BATCH = 3, 4
VERTICES = 7


def small_and_exact(patch):
    """Networks of the same code, only smaller, in single precision. patch: of (module, name, value)."""
    patch(run, "build_network", lambda name, _: build_network(name, OPTIONS[name]))
    patch(loss_terms, "has_fast_bfloat16", lambda device: False)


def steps(folder: Path, ranks: Ranks = ALONE) -> tuple[list[dict[str, float]], list[torch.Tensor]]:
    """The losses of some steps in context, and the gradients of the first one."""
    training = Run(TrainOptions("context", steps=100, batch=BATCH, augmented_share=1.0), CPU, ranks)
    losses, gradients = [training.advance(Samples(folder))], []
    gradients += [p.grad.clone() for p in training.network.parameters() if p.grad is not None]
    losses += [training.advance(Samples(folder)) for _ in range(STEPS - 1)]
    return losses, gradients


def vertebrae(patch, ranks: Ranks = ALONE) -> tuple[list[int], VolumeBuffer]:
    """The numbers of the vertebrae that this process makes for a buffer, in which every value is the number."""
    made = []

    def make(_sampler, _seed, number):
        made.append(number)
        shapes = {"mu": BOX, "box_from_canonical": (3, 4), "shape": (VERTICES, 3), "level": ()}
        shapes |= {"rotation": (POSES, 3, 3), "position_mm": (POSES, 3)}
        return BufferedVertebra(**{name: np.full(shape, number) for name, shape in shapes.items()})

    patch(volume_buffer, "make_vertebra", make)
    buffer = VolumeBuffer(SimpleNamespace(means=np.zeros((5, VERTICES, 3))), CPU, size=3, ranks=ranks)
    buffer.hold(3)
    return made, buffer


@contextmanager
def joined(store: Path, rank: int):
    """This process among two."""
    files = distributed.FileStore(str(store), 2)
    distributed.init_process_group("gloo", store=files, rank=rank, world_size=2)
    try:
        yield Ranks(rank, 2)
    finally:
        distributed.destroy_process_group()


@contextmanager
def with_a_second_one(store: Path, folder: Path):
    """This process as the first of two, while the second one does the same."""
    root = Path(__file__).resolve().parents[2]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(root), str(root / "Testing/support")])}
    command = [sys.executable, __file__, str(store), str(folder), "1"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as second:
        try:
            with joined(store, 0) as ranks:
                yield ranks
            assert second.wait(120) == 0, second.stderr.read()
        finally:
            second.kill()


if __name__ == "__main__":
    small_and_exact(setattr)
    with joined(Path(sys.argv[1]), int(sys.argv[3])) as given:
        steps(Path(sys.argv[2]), given)
        assert vertebrae(setattr, given)[0] == [1]
    os._exit(0)  # torch's own threads abort a process at times as it ends
