"""Augmentation: images stay images, nothing moves, half of them stay nearly clean."""

import numpy as np
import pytest
import torch
from scipy import ndimage
from tiny import write_shard

from ReVertLib.network.template_constants import UNKNOWN_LEVEL
from ReVertLib.training import augmentation, overlays
from ReVertLib.training.augmentation import STEPS, _blurred, augmented
from ReVertLib.training.draw import Draw
from ReVertLib.training.overlays import distance_to_line
from ReVertLib.training.samples import Batch, Samples

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def batch(tmp_path_factory):
    """Eight silhouettes, brightest within."""
    folder = tmp_path_factory.mktemp("augmentation")
    write_shard(folder, count=8, shapes=2)
    return Samples(folder).batch(torch.arange(8), CPU)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def draw(seed=0):
    return Draw(generator(seed), CPU)


def test_augmented_images_are_images(batch):
    for seed in range(8):
        image = augmented(batch, generator(seed)).image
        assert image.shape == batch.image.shape
        assert image.dtype == torch.float32
        assert torch.isfinite(image).all()
        assert 0 <= image.min() < 0.01
        assert 0.9 < image.max() <= 1


def test_augmentation_follows_the_generator(batch):
    before = batch.image.clone()
    first, again, other = (augmented(batch, generator(seed)) for seed in (0, 0, 1))
    assert torch.equal(first.image, again.image)
    assert torch.equal(first.level, again.level)
    assert (first.image - other.image).abs().mean() > 0.002
    assert torch.equal(batch.image, before)


def test_pose_and_shape_are_passed_on(batch):
    out = augmented(batch, generator())
    for name in ("rotation", "position_mm", "shape"):
        assert getattr(out, name) is getattr(batch, name)


def test_what_is_not_augmented_is_nearly_clean(batch):
    for seed in range(5):
        out = augmented(batch, generator(seed), share=0.0).image
        assert (out - batch.image).abs().mean() < 0.05
        for before, after in zip(batch.image[:, 0], out[:, 0], strict=True):
            assert ((before > 0.5) & (after > 0.4)).sum() / ((before > 0.5) | (after > 0.4)).sum() > 0.9


def test_about_half_of_the_images_are_augmented(batch):
    many = torch.arange(200) % 8
    parts = Batch(*([batch.rotation] * 3), batch.image[many], batch.level[many], batch.view[many])
    far = (augmented(parts, generator()).image - parts.image).abs().flatten(1).mean(1) > 0.05
    assert 0.3 < far.float().mean() < 0.55


def test_one_level_in_ten_is_withheld(batch):
    many = torch.arange(2000) % 8
    parts = Batch(*([batch.rotation] * 3), batch.image[many, :, 48:64, 48:64], batch.level[many], batch.view[many])
    level = augmented(parts, generator()).level
    withheld = level == UNKNOWN_LEVEL
    assert 0.07 < withheld.float().mean() < 0.13
    assert torch.equal(level[~withheld], parts.level[~withheld])


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
def test_a_step_changes_the_image_and_moves_nothing(batch, step):
    """The edge stays: against the image moved by 4 px, what was done agrees better with the image itself."""
    smooth = ((batch.image + 0.5 * batch.image.roll(1, 2)) / 1.5).contiguous()
    out = step(smooth.clone(), draw(1))
    assert out.shape == smooth.shape
    assert torch.isfinite(out).all()
    assert (out - smooth).abs().mean() > 5e-4

    def agreement(image):
        pair = torch.stack([image.flatten(1), out.flatten(1)], 1)
        return torch.stack([torch.corrcoef(p)[0, 1] for p in pair])

    here = agreement(smooth)
    for shift, axis in ((4, 2), (-4, 2), (4, 3), (-4, 3)):
        assert (here > agreement(smooth.roll(shift, axis))).float().mean() > 0.7


@pytest.mark.parametrize("name", ["_gamma", "_linear", "_logarithm", "_sigmoid"])
def test_tones_keep_the_order_of_greys(name):
    grey = torch.linspace(0, 1, 64).reshape(1, 1, 8, 8).expand(20, 1, 8, 8)
    out = getattr(augmentation, name)(grey, draw()).flatten(1)
    assert (out.diff(dim=1) >= -1e-6).all()
    assert (out[:, -1] > out[:, 0] + 0.3).all()


def test_metal_is_as_white_as_the_detector_shows():
    """Over dense bone, where rods cross: up to WHITE, and no brighter."""
    image = overlays.instruments(torch.ones(40, 1, 64, 64), draw())
    assert image.max() == pytest.approx(overlays.WHITE)
    assert image.min() == 1.0


def test_photons_are_fewer_where_bone_is_dense():
    image = torch.cat([torch.zeros(40, 1, 16, 16), torch.ones(40, 1, 16, 16)], 3)
    noise = augmentation._photons(image, draw()) - image
    ratio = noise[..., 16:].std() / noise[..., :16].std()
    assert ratio == pytest.approx(np.exp(augmentation.OPTICAL_DEPTH / 2), rel=0.05)


def test_distance_to_a_line_by_hand():
    """From (2, 3) to (6, 3): beside it, and beyond its ends."""
    distance = distance_to_line(torch.tensor([[2.0, 3.0]]), torch.tensor([[6.0, 3.0]]), 10)[0, 0]
    assert distance[3, 4] == pytest.approx(0.0, abs=1e-6)
    assert distance[5, 4] == pytest.approx(2.0)
    assert distance[3, 9] == pytest.approx(3.0)
    assert distance[3, 0] == pytest.approx(2.0)


def test_blur_is_each_images_own_gaussian():
    image = torch.rand(3, 1, 40, 30, generator=generator())
    sigma = torch.tensor([0.05, 0.7, 1.3])
    out = _blurred(image, sigma[:, None, None, None], 3)
    assert torch.allclose(out[0], image[0], atol=1e-6)
    for i in (1, 2):
        expected = ndimage.gaussian_filter(image[i, 0].numpy(), float(sigma[i]), mode="constant", radius=3)
        assert np.abs(out[i, 0].numpy() - expected).max() < 1e-5
