"""Isolating a vertebra: nothing is taken away before anything is learned, and local contrast by hand."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from ReVertLib.network.isolation import LOCAL_PX, SURE, IsolationNet, local_contrast


def images(count=2, size=64):
    return torch.rand(count, 1, size, size, generator=torch.Generator().manual_seed(0))


@torch.no_grad()
def test_an_untrained_network_leaves_the_image_as_it_is():
    net = IsolationNet((4, 6, 8)).eval()
    found = net(images())
    assert torch.allclose(found.inside, torch.full((2, 1, 64, 64), SURE))
    assert torch.allclose(found.bone, torch.sigmoid(torch.tensor(SURE)) * images(), atol=1e-5)


def test_it_learns_to_take_a_slope_away():
    """A disc over a slope: after some steps what is left is nearer to the disc alone than the image is."""
    torch.manual_seed(0)
    row, column = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    disc = 0.5 * ((row - 32).hypot(column - 32) < 12).float()[None, None]
    image = disc + 0.4 * (column / 64)[None, None]
    net = IsolationNet((4, 6, 8)).train()
    optimiser = torch.optim.Adam(net.parameters(), 1e-2)
    for _ in range(60):
        found = net(image.expand(4, 1, 64, 64))
        loss = (found.bone - disc).abs().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert float(loss.detach()) < 0.25 * float((image - disc).abs().mean())


def test_local_contrast_by_hand():
    flat = torch.full((1, 1, 40, 40), 0.7)
    assert local_contrast(flat).abs().max() < 1e-3
    dot = torch.zeros(1, 1, 41, 41)
    dot[..., 20, 20] = 1.0
    share = 1 / LOCAL_PX**2
    expected = (1 - share) / ((share - share**2) ** 0.5 + 0.02) / 2
    assert float(local_contrast(dot)[0, 0, 20, 20]) == pytest.approx(expected, rel=1e-3)
    assert float(local_contrast(dot)[0, 0, 0, 0]) == 0  # none of it within reach


def test_local_contrast_does_not_see_brightness_and_gain():
    image = images(1, 48)
    assert torch.allclose(local_contrast(3 * image + 0.2), local_contrast(image), rtol=0.1, atol=0.05)


def test_local_contrast_as_scipy_sees_it():
    """Also beside the border, where the square is smaller."""
    image = images(1, 48)[0, 0].double().numpy()
    counted = ndimage.uniform_filter(np.ones_like(image), LOCAL_PX, mode="constant")
    mean, square = (ndimage.uniform_filter(x, LOCAL_PX, mode="constant") / counted for x in (image, image**2))
    expected = (image - mean) / (np.sqrt(square - mean**2) + 0.02) / 2
    found = local_contrast(images(1, 48))[0, 0].numpy()
    assert np.abs(found - expected).max() < 1e-4
    with torch.autocast("cpu", torch.bfloat16):  # as in training
        assert np.abs(local_contrast(images(1, 48))[0, 0].numpy() - expected).max() < 1e-4
