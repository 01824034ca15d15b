"""Chamfer distance against two loops and by hand."""

import pytest
import torch

from ReVertLib.network.losses import _nearest, _nearest_by_trees, chamfer_distance


def _naive(a, b):
    def one_way(source, target):
        return sum(min(sum((x - y) ** 2 for x, y in zip(p, q, strict=True)) for q in target) for p in source) / len(
            source
        )

    values = [one_way(s, t) + one_way(t, s) for s, t in zip(a.tolist(), b.tolist(), strict=True)]
    return sum(values) / len(values)


def _clouds():
    generator = torch.Generator().manual_seed(0)
    a = torch.randn(3, 17, 3, dtype=torch.double, generator=generator)
    return a, torch.randn(3, 23, 3, dtype=torch.double, generator=generator)


def test_equals_two_loops():
    a, b = _clouds()
    assert chamfer_distance(a, b).item() == pytest.approx(_naive(a, b), abs=1e-12)
    assert chamfer_distance(b, a).item() == pytest.approx(_naive(a, b), abs=1e-12)


def test_trees_and_products_find_the_same_points():
    a, b = _clouds()
    for by_tree, by_product in zip(_nearest_by_trees(a, b), _nearest(a, b), strict=True):
        assert torch.equal(by_tree, by_product)


def test_by_hand():
    a = torch.tensor([[[0.0, 0.0, 0.0], [4.0, 0.0, 0.0]]])
    b = torch.tensor([[[1.0, 0.0, 0.0]]])
    assert chamfer_distance(a, b).item() == (1 + 9) / 2 + 1


def test_gradient_equals_finite_differences():
    a, b = _clouds()
    assert torch.autograd.gradcheck(chamfer_distance, (a.requires_grad_(), b.requires_grad_()))


def test_gradient_of_equal_clouds_is_zero():
    a = _clouds()[0].requires_grad_()
    loss = chamfer_distance(a, a.detach().flip(1))
    loss.backward()
    assert loss.item() == 0
    assert not a.grad.any()


def test_single_precision_far_from_the_origin():
    a, b = (0.1 * cloud for cloud in _clouds())
    shift = torch.tensor([10.0, -20.0, 700.0])
    assert chamfer_distance(a.float() + shift, b.float() + shift).item() == pytest.approx(_naive(a, b), rel=5e-3)
