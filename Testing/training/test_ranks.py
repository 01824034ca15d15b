"""Several processes that train together take the steps of one."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny import layered_shard
from torch import nn
from two_ranks import BATCH, CPU, small_and_exact, steps, vertebrae, with_a_second_one

from ReVertLib.errors import InputError
from ReVertLib.network.joined_norm import JoinedNorm2d
from ReVertLib.training.options import TrainOptions
from ReVertLib.training.ranks import Ranks, ranks_of_torchrun
from ReVertLib.training.run import FinderRun, Run


def test_two_processes_take_the_steps_of_one_and_share_what_they_make(tmp_path, monkeypatch):
    """Losses, each of a whole batch, and gradients; views of which some count and some do not, parts of unlike
    images. A buffer has all vertebrae, of which each process makes its own."""
    small_and_exact(monkeypatch.setattr)
    shard = layered_shard()
    along_the_spine = np.eye(3, dtype=np.float32)
    views = np.where((np.arange(len(shard)) % 3 == 0)[:, None, None], along_the_spine, shard.view)
    replace(shard, view=views).save(tmp_path / "shard_00000.npz")
    alone, gradients = steps(tmp_path)
    with with_a_second_one(tmp_path / "store", tmp_path) as ranks:
        found, found_gradients = steps(tmp_path, ranks)
        made, buffer = vertebrae(monkeypatch.setattr, ranks)
    assert found[0] == pytest.approx(alone[0], rel=1e-5)
    for one, other in zip(found, alone, strict=True):
        assert one == pytest.approx(other, rel=2e-3)
    largest = max(gradient.abs().max() for gradient in gradients)
    for one, other in zip(found_gradients, gradients, strict=True):
        assert (one - other).abs().max() < 1e-4 * largest
    assert made == [0, 2]
    assert buffer.level.tolist() == [0, 1, 2]
    assert buffer.mu[:, 0, 0, 0].tolist() == [0, 1, 2]


def test_a_norm_of_one_process_is_that_of_torch():
    torch.manual_seed(0)
    ours, torchs = JoinedNorm2d(3), nn.BatchNorm2d(3)
    for _ in range(2):
        image = 5 + torch.randn(4, 3, 6, 5)
        assert torch.allclose(ours(image), torchs(image), atol=1e-5)
    for name, value in torchs.state_dict().items():
        assert torch.allclose(ours.state_dict()[name], value, rtol=1e-5)
    assert torch.allclose(ours.eval()(image), torchs.eval()(image), atol=1e-5)


def test_a_batch_without_equal_parts_is_refused():
    with pytest.raises(InputError, match="batch: expected a multiple of the 3 processes, got 4"):
        Run(TrainOptions(batch=BATCH), CPU, Ranks(0, 3))


def test_a_finder_is_trained_by_one_process():
    with pytest.raises(InputError, match="train: expected one process for a finder, got 2"):
        FinderRun(TrainOptions("finder"), CPU, Ranks(0, 2))


def test_without_torchrun_a_process_is_alone(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with ranks_of_torchrun(CPU) as (ranks, device):
        assert (ranks.leads, ranks.count, device) == (True, 1, CPU)
