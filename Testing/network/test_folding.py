"""A folded network answers as the network that was loaded, and nothing is left in it to be folded."""

import numpy as np
import pytest
import torch
from sample_case import SAMPLE_VIEWS, sample_radiograph
from tiny import network
from torch import nn

from ReVertLib.imaging.crop import crop_vertebra
from ReVertLib.network.edge_conv import EdgeConv
from ReVertLib.network.folding import folded
from ReVertLib.network.weights import load_weights

TOLERANCE_MM = 1e-3


def used_network(architecture, **options):
    """As after a training: heads that say something, and norms that are not the initial ones, with scales of both
    signs."""
    made = network(architecture, awake=True, **options)
    random = torch.Generator().manual_seed(1)
    for norm in made.modules():
        if isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d):
            norm.weight.data = torch.randn(norm.weight.shape, generator=random)
            norm.bias.data = torch.randn(norm.bias.shape, generator=random)
            norm.running_mean = torch.randn(norm.bias.shape, generator=random)
            norm.running_var = torch.rand(norm.bias.shape, generator=random) + 0.5
    return made


@torch.no_grad()
@pytest.mark.parametrize("architecture", ["context", "template"])
def test_the_answers_are_the_same(architecture):
    image = torch.rand(3, 1, 128, 128, generator=torch.Generator().manual_seed(2))
    arguments = image, torch.tensor([0, 3, 5]), torch.tensor([500.0, 650.0, 800.0]), torch.eye(3).expand(3, 3, 3)
    expected = used_network(architecture, error_width=8)(*arguments)
    assert (expected.vertices[0] - expected.vertices[1]).abs().max() > 1.0  # the images matter
    answer = folded(used_network(architecture, error_width=8))(*arguments)
    assert (answer.vertices - expected.vertices).abs().max() < TOLERANCE_MM
    assert torch.allclose(answer.expected_error_mm, expected.expected_error_mm, rtol=1e-4)


@pytest.mark.parametrize("architecture", ["context", "template"])
def test_nothing_is_left_to_be_folded(architecture):
    modules = list(folded(used_network(architecture)).modules())
    assert not any(isinstance(module, EdgeConv | nn.BatchNorm1d | nn.BatchNorm2d) for module in modules)


@torch.no_grad()
@pytest.mark.parametrize("view", SAMPLE_VIEWS)
def test_the_shipped_weights_answer_the_same(view):
    pixels, geometry = sample_radiograph(view)
    plain = load_weights().network
    crop = crop_vertebra(pixels, geometry, plain.crop_size_px)
    expected = plain.reconstruct(crop, geometry)
    answer = folded(load_weights().network).reconstruct(crop, geometry)
    assert np.abs(answer.mesh.vertices - expected.mesh.vertices).max() < TOLERANCE_MM
    assert np.abs(answer.expected_error_mm - expected.expected_error_mm).max() < TOLERANCE_MM
    assert abs(answer.out_of_distribution - expected.out_of_distribution) < 1e-4
