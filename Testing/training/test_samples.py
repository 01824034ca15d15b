"""Shards in memory."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny import write_shard

from ReVertLib.errors import InputError
from ReVertLib.imaging.grey_values import normalised
from ReVertLib.training.samples import Samples

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    """A folder of three shards with 2, 3 and 1 shapes, and the shards in order."""
    folder = tmp_path_factory.mktemp("shards")
    sizes = [(4, 2), (3, 3), (2, 1)]
    return folder, [write_shard(folder, i, count=c, shapes=s) for i, (c, s) in enumerate(sizes)]


def test_each_sample_keeps_its_own_shape(shards):
    folder, written = shards
    samples = Samples(folder)
    assert len(samples) == 9
    order = torch.tensor([8, 0, 5, 3])
    batch = samples.batch(order, CPU)
    for row, (number, sample) in enumerate([(2, 1), (0, 0), (1, 1), (0, 3)]):
        own = written[number]
        shape = own.shapes[own.shape_index[sample]].astype(np.float32)
        assert np.array_equal(batch.shape[row], shape)
        assert batch.level[row] == own.level[sample]
        truth = shape @ own.rotation[sample].T + own.position_mm[sample]
        assert np.abs(batch.vertices[row].numpy() - truth).max() < 1e-3


def test_images_are_scaled_as_crops_are(shards):
    folder, written = shards
    batch = Samples(folder).batch(torch.tensor([1]), CPU)
    assert batch.image.shape == (1, 1, 128, 128)
    assert np.allclose(batch.image[0, 0], normalised(written[0].images[1].astype(float)), atol=1e-6)


def test_a_black_image_stays_black(tmp_path):
    written = write_shard(tmp_path, count=1, shapes=1)
    replace(written, images=np.zeros((1, 128, 128), np.uint8)).save(tmp_path / "shard_00000.npz")
    assert Samples(tmp_path).batch(torch.tensor([0]), CPU).image.abs().max() == 0


def test_a_folder_without_shards(tmp_path):
    with pytest.raises(InputError, match=r"samples: expected shard_\*.npz in the folder, got none in"):
        Samples(tmp_path)
