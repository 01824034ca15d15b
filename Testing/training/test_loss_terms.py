"""The terms of the loss, by hand."""

import numpy as np
import pytest
import torch
from tiny import network

from ReVertLib.geometry.views import view_rotation
from ReVertLib.network.context_answers import YAWS_DEG
from ReVertLib.network.isolation import Isolated
from ReVertLib.network.losses import chamfer_distance
from ReVertLib.network.posed_shape import PosedShape
from ReVertLib.training.loss_terms import isolation_loss, losses, sphere_loss, template_loss, yaw_loss
from ReVertLib.training.samples import Batch

VIEW = torch.eye(3)[None]


def one_sample(offset=(0.0, 0.0, 0.0)):
    """A batch of one with a shape of two points, turned by a quarter about Z, and an estimate off by offset."""
    turn = torch.tensor([[[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]])
    shape = torch.tensor([[[1.0, 0.0, 0.0], [0.0, 2.0, 0.0]]])
    batch = Batch(turn, torch.tensor([[5.0, 6.0, 500.0]]), shape, torch.zeros(1, 1, 4, 4), torch.tensor([2]), VIEW)
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
    vertices = 30 * points + torch.tensor([40.0, -9.0, 600.0])
    assert float(sphere_loss(unit, vertices)["chamfer"]) < 1e-8
    expected = chamfer_distance(unit + 0.1, unit)
    assert float(sphere_loss(unit + 0.1, vertices)["chamfer"]) == pytest.approx(float(expected), rel=1e-3)


@pytest.mark.parametrize("axes", ["patient", "camera"])
def test_the_sphere_learns_shapes_along_its_axes(axes):
    """A network that answers with the truth in its axes has no loss; in the other axes it has."""
    view = torch.tensor(view_rotation(50, 20, 5), dtype=torch.float32)[None]
    lps = torch.randn(1, 40, 3, generator=torch.Generator().manual_seed(0)) * torch.tensor([0.9, 0.5, 0.3])
    turned = lps @ view.transpose(1, 2)
    position, image = torch.tensor([[0.0, 0.0, 600.0]]), torch.zeros(1, 1, 4, 4)
    told = torch.eye(3)[None]  # not the true one
    batch = Batch(torch.eye(3)[None], position, 30 * turned, image, torch.tensor([2]), told)
    built = network("sphere", axes=axes, crop_size_px=32)
    found = {}
    for name, answer in (("patient", lps), ("camera", turned)):
        middle = (answer.amax(1, keepdim=True) + answer.amin(1, keepdim=True)) / 2
        unit = (answer - middle) / (answer - middle).norm(dim=2).max()
        built.shape = lambda _, unit=unit: unit
        found[name] = float(losses(built, "sphere", batch, view)["chamfer"])
    assert found.pop(axes) < 1e-8
    assert min(found.values()) > 0.01


def test_isolation_loss_by_hand():
    alone = torch.tensor([[[[0.0, 1.0], [0.5, 0.0]]]])
    exact = Isolated(alone, torch.where(alone > 0, 40.0, -40.0))
    assert max(map(float, isolation_loss(exact, alone).values())) < 1e-6
    half = Isolated(alone + 0.1, torch.zeros_like(alone))
    terms = isolation_loss(half, alone)
    assert float(terms["alone"]) == pytest.approx(15 * 0.1)
    assert float(terms["inside"]) == pytest.approx(4 * 0.6931, rel=1e-3)


def views(*angles):
    return torch.tensor(np.stack([view_rotation(*three) for three in angles]), dtype=torch.float32)


@pytest.mark.parametrize("yaw", [0, 90, -90, -180, 165, 45])
def test_yaw_loss_is_least_at_the_true_yaw(yaw):
    logits = 20 * torch.eye(len(YAWS_DEG))
    terms = [float(yaw_loss(logits[i : i + 1], views((yaw, 10, 5)))["yaw"]) for i in range(len(YAWS_DEG))]
    assert terms.index(min(terms)) == YAWS_DEG.index(yaw)
    assert min(terms) < 1e-3


def test_a_yaw_between_two_is_shared_by_both():
    logits = torch.full((1, len(YAWS_DEG)), -20.0)
    logits[0, YAWS_DEG.index(0)] = logits[0, YAWS_DEG.index(15)] = 0.0
    assert float(yaw_loss(logits, views((7.5, 0, 0)))["yaw"]) == pytest.approx(0.5 * 0.6931, rel=1e-3)


def test_views_along_the_spine_and_upside_down_do_not_count():
    logits = torch.zeros(3, len(YAWS_DEG))
    assert float(yaw_loss(logits, views((0, 80, 0), (0, 0, 180), (30, -60, 0)))["yaw"]) == 0.0
