"""Shards in memory, and what is done to an image before it is learnt from."""

import numpy as np
import pytest
import torch
from scipy import ndimage
from tiny import write_shard

from ReVertLib.crop import normalised
from ReVertLib.errors import InputError
from ReVertLib.network import UNKNOWN_LEVEL
from ReVertLib.samples import Batch, Samples, _blurred, augmented

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    """A folder of three shards with 2, 3 and 1 shapes, and their arrays in order."""
    folder = tmp_path_factory.mktemp("shards")
    sizes = [(4, 2), (3, 3), (2, 1)]
    return folder, [write_shard(folder, i, count=c, shapes=s) for i, (c, s) in enumerate(sizes)]


@pytest.fixture(scope="module")
def batch(shards):
    return Samples(shards[0]).batch(torch.arange(9), CPU)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_each_sample_keeps_its_own_shape(shards):
    folder, arrays = shards
    samples = Samples(folder)
    assert len(samples) == 9
    order = torch.tensor([8, 0, 5, 3])
    batch = samples.batch(order, CPU)
    for row, (number, sample) in enumerate([(2, 1), (0, 0), (1, 1), (0, 3)]):
        own = arrays[number]
        shape = own["shapes"][own["shape_index"][sample]].astype(np.float32)
        assert np.array_equal(batch.shape[row], shape)
        assert batch.level[row] == own["level"][sample]
        truth = shape @ own["rotation"][sample].T + own["position_mm"][sample]
        assert np.abs(batch.vertices[row].numpy() - truth).max() < 1e-3


def test_images_are_scaled_as_crops_are(shards):
    folder, arrays = shards
    batch = Samples(folder).batch(torch.tensor([1]), CPU)
    assert batch.image.shape == (1, 1, 128, 128)
    assert np.allclose(batch.image[0, 0], normalised(arrays[0]["images"][1].astype(float)), atol=1e-6)


def test_a_black_image_stays_black(tmp_path):
    arrays = write_shard(tmp_path, count=1, shapes=1)
    np.savez(tmp_path / "shard_00000.npz", **(arrays | {"images": np.zeros((1, 128, 128), np.uint8)}))
    assert Samples(tmp_path).batch(torch.tensor([0]), CPU).image.abs().max() == 0


def test_a_folder_without_shards(tmp_path):
    with pytest.raises(InputError, match=r"samples: expected shard_\*.npz in the folder, got none in"):
        Samples(tmp_path)


def test_augmented_images_are_images(batch):
    for seed in range(5):
        image = augmented(batch, generator(seed)).image
        assert image.shape == batch.image.shape
        assert image.dtype == torch.float32
        assert 0 <= image.min() < 0.01
        assert 0.5 < image.max() <= 1


def test_augmentation_follows_the_generator(batch):
    before = batch.image.clone()
    first, again, other = (augmented(batch, generator(seed)) for seed in (0, 0, 1))
    assert torch.equal(first.image, again.image)
    assert torch.equal(first.level, again.level)
    assert (first.image - other.image).abs().mean() > 0.002
    assert torch.equal(batch.image, before)


def test_augmentation_keeps_the_truth_and_the_bone_in_place(batch):
    """Nothing moves: the bone stays where it was, and pose and shape are passed on."""
    out = augmented(batch, generator())
    for name in ("rotation", "position_mm", "shape"):
        assert getattr(out, name) is getattr(batch, name)
    for before, after in zip(batch.image[:, 0], out.image[:, 0], strict=True):
        assert ((before > 0.5) & (after > 0.4)).sum() / ((before > 0.5) | (after > 0.4)).sum() > 0.9


def test_one_level_in_ten_is_withheld(batch):
    many = torch.arange(2000) % 9
    parts = Batch(*([batch.rotation] * 3), batch.image[many, :, :4, :4], batch.level[many])
    level = augmented(parts, generator()).level
    withheld = level == UNKNOWN_LEVEL
    assert 0.07 < withheld.float().mean() < 0.13
    assert torch.equal(level[~withheld], parts.level[~withheld])


def test_blur_is_each_images_own_gaussian():
    image = torch.rand(3, 1, 40, 30, generator=generator())
    sigma = torch.tensor([0.05, 0.7, 1.3])
    out = _blurred(image, sigma[:, None, None, None])
    assert torch.allclose(out[0], image[0], atol=1e-6)
    for i in (1, 2):
        expected = ndimage.gaussian_filter(image[i, 0].numpy(), float(sigma[i]), mode="constant", radius=3)
        assert np.abs(out[i, 0].numpy() - expected).max() < 1e-5
