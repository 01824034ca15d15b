"""What the error head says of an image with hints."""

import math

import numpy as np
import pytest
import torch

from ReVertLib.network.uncertainty_heads import ErrorHead, Features


def head_and_features():
    """Four vertices, each its own control, with one hint; the features of two images whose hints are 0 and 1."""
    torch.manual_seed(0)
    head = ErrorHead(np.arange(4)[:, None], np.ones((4, 1)), 3, 2, 5, hints=1)
    torch.nn.init.normal_(head.leave.weight)
    hint = torch.tensor([[0.0], [1.0]])
    return head, Features(torch.randn(2, 4, 3), torch.randn(2, 2), torch.zeros(2, 1), torch.zeros(2, 1), hint)


@torch.no_grad()
def test_hints_say_how_hard_an_image_is_and_features_where():
    """The features' logarithms are zero in the mean; what is left of the mean logarithm is the hints'."""
    head, features = head_and_features()
    head.hint_weights[:, 0] = torch.tensor([1.0, 0.5, 0.0])
    head.hint_bias[:] = 0.25
    logs = head(features).log()
    assert logs.mean(2)[0].tolist() == pytest.approx([0.25] * 3, abs=1e-5)
    assert logs.mean(2)[1].tolist() == pytest.approx([1.25, 0.75, 0.25], abs=1e-5)
    assert logs.std(2).min() > 0.02


@torch.no_grad()
def test_no_hint_says_more_than_e_squared():
    head, features = head_and_features()
    head.hint_weights[:] = 100.0
    assert head(features)[1].log().mean(1).tolist() == pytest.approx([2.0] * 3, abs=1e-5)


@torch.no_grad()
def test_the_bound_is_a_multiple_and_older_heads_have_none():
    head, features = head_and_features()
    head.bound.fill_(2.5)
    assert torch.equal(head.bound_mm(head(features)), 2.5 * head(features))
    older = ErrorHead(np.arange(4)[:, None], np.ones((4, 1)), 3, 2, 5)
    assert older(features).shape == (2, 1, 4)
    assert older.bound_mm(older(features)) is None
    tensors = {name: tuple(tensor.shape) for name, tensor in older.state_dict().items()}
    assert (tensors["usual_mm"], tensors["leave.weight"]) == ((4,), (1, 5))
    assert not any(name.startswith(("hint", "bound")) for name in tensors)
    assert math.isfinite(older(features).sum())
