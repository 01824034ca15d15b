"""The terms of the loss, by hand."""

import pytest
import torch

from ReVertLib.network.losses import chamfer_distance
from ReVertLib.network.posed_shape import PosedShape
from ReVertLib.training.loss_terms import sphere_loss, template_loss
from ReVertLib.training.samples import Batch


def one_sample(offset=(0.0, 0.0, 0.0)):
    """A batch of one with a shape of two points, turned by a quarter about Z, and an estimate off by offset."""
    turn = torch.tensor([[[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]])
    shape = torch.tensor([[[1.0, 0.0, 0.0], [0.0, 2.0, 0.0]]])
    batch = Batch(turn, torch.tensor([[5.0, 6.0, 500.0]]), shape, torch.zeros(1, 1, 4, 4), torch.tensor([2]))
    return batch, PosedShape(turn, batch.position_mm + torch.tensor([offset]), shape)


def test_template_loss_by_hand():
    """An estimate 3, 4 and 12 mm off is 13 mm away, 5 of them across the beam; one that is bent is off in shape too."""
    truth, off = one_sample((3.0, 4.0, 12.0))
    bent = PosedShape(off.rotation, truth.position_mm, off.shape + torch.tensor([0.0, 0.0, 2.0]))
    terms = template_loss([off, bent], truth)
    assert {k: round(float(v), 2) for k, v in terms.items()} == {
        "place_0_mm": 13.0,
        "seen_0_mm": 5.0,
        "shape_0_mm": 0.01,
        "place_1_mm": 2.0,
        "seen_1_mm": 0.01,
        "shape_1_mm": 2.0,
    }


def test_sphere_loss_does_not_see_size_and_place():
    points = torch.randn(1, 40, 3, generator=torch.Generator().manual_seed(0))
    middle = (points.amax(1, keepdim=True) + points.amin(1, keepdim=True)) / 2
    unit = (points - middle) / (points - middle).norm(dim=2).max()
    eye = torch.eye(3)[None]
    batch = Batch(eye, torch.tensor([[40.0, -9.0, 600.0]]), 30 * points, torch.zeros(1, 1, 4, 4), torch.tensor([2]))
    assert float(sphere_loss(unit, batch)["chamfer"]) < 1e-8
    expected = chamfer_distance(unit + 0.1, unit)
    assert float(sphere_loss(unit + 0.1, batch)["chamfer"]) == pytest.approx(float(expected), rel=1e-3)
