"""Batches of images are normalised as crops are, each by itself."""

import numpy as np
import torch

from ReVertLib.imaging.grey_values import normalised as normalised_crop
from ReVertLib.training.grey_values import normalised


def test_a_batch_is_normalised_as_each_crop_by_itself():
    image = torch.rand(3, 1, 40, 40, generator=torch.Generator().manual_seed(0))
    image = image * torch.tensor([0.6, 3.0, 250.0])[:, None, None, None] + 0.2
    expected = np.stack([normalised_crop(x.numpy()) for x in image])
    assert np.abs(normalised(image).numpy() - expected).max() < 1e-6
    assert (normalised(image) == 1).sum((1, 2, 3)).tolist() == (expected == 1).sum((1, 2, 3)).tolist() == [8, 8, 8]


def test_a_constant_image_becomes_black():
    assert normalised(torch.full((2, 1, 8, 8), 0.4)).abs().max() == 0
