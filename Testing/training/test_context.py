"""Setting vertebrae amid their layers: sums by hand, shares, and that nothing changes where there are none."""

import pytest
import torch
from tiny import layered_shard, write_shard

from ReVertLib.training import context
from ReVertLib.training.context import ALONE_SHARE, BONES_ONLY_SHARE, in_context
from ReVertLib.training.grey_values import normalised
from ReVertLib.training.samples import Samples

CPU = torch.device("cpu")


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    folder = tmp_path_factory.mktemp("layers")
    layered_shard().save(folder / "shard_00000.npz")
    return Samples(folder)


def test_layers_are_line_integrals_and_the_image_is_the_vertebra_alone(samples):
    batch = samples.batch(torch.arange(6), CPU)
    shard = layered_shard()
    assert torch.allclose(batch.bone[2, 0], torch.as_tensor(shard.images[2]) * shard.scale[2, 0])
    assert torch.allclose(batch.around[2, 0], torch.as_tensor(shard.bones[2]) * shard.scale[2, 1])
    assert torch.equal(batch.body[2, 0], torch.as_tensor(shard.body[2]).float())
    assert torch.equal(batch.image, batch.alone)
    assert torch.equal(batch.view, batch.rotation)


def test_an_image_amid_everything_is_the_sum_of_its_layers(samples, monkeypatch):
    monkeypatch.setattr(context, "layer_factor", lambda *_: 1.0)
    batch = samples.batch(torch.arange(6).repeat(20), CPU)
    out, amid = in_context(batch, generator())
    body = torch.nn.functional.interpolate(batch.body, (128, 128), mode="bilinear")
    whole = normalised(batch.bone + batch.around + body)
    bones = normalised(batch.bone + batch.around)
    off = [(out.image - image).abs().amax((1, 2, 3)) < 1e-5 for image in (batch.alone, bones, whole)]
    assert torch.stack(off).sum(0).eq(1).all()
    alone, bones_only, everything = (float(kind.float().mean()) for kind in off)
    assert alone == pytest.approx(ALONE_SHARE, abs=0.13)
    assert bones_only == pytest.approx(BONES_ONLY_SHARE, abs=0.1)
    assert everything > 0.4
    assert torch.equal(amid, ~off[0])
    assert torch.equal(out.alone, batch.alone)  # what is to be isolated stays


def test_factors_are_one_for_half_and_within_limits(samples):
    drawn = context.layer_factor(context.Draw(generator(), CPU), 4000)
    assert float((drawn == 1).float().mean()) == pytest.approx(0.5, abs=0.05)
    assert context.LEAST <= drawn.min() < 0.3
    assert 3 < drawn.max() <= context.MOST


def test_samples_without_layers_stay_as_they_are(tmp_path):
    write_shard(tmp_path)
    batch = Samples(tmp_path).batch(torch.arange(4), CPU)
    out, amid = in_context(batch, generator())
    assert out is batch
    assert not amid.any()
