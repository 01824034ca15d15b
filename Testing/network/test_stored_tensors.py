"""Tensors as weights files keep them."""

import pytest
import torch

from ReVertLib.network.stored_tensors import restored, stored


def tensors():
    random = torch.Generator().manual_seed(0)
    sizes = torch.tensor([1e-3, 1.0, 50.0])
    convolution = torch.randn(3, 4, 3, 3, generator=random) * sizes[:, None, None, None]
    return {"convolution": convolution, "bias": torch.randn(3, generator=random), "steps": torch.tensor(7)}


@pytest.mark.parametrize(("eight_bits_from", "eight_bits"), [(0, True), (108, True), (109, False), (None, False)])
def test_every_row_comes_back_to_within_its_own_steps(eight_bits_from, eight_bits):
    own = tensors()
    back = restored(stored(own, eight_bits_from))
    assert set(back) == set(own)
    assert torch.equal(back["bias"], own["bias"])
    assert torch.equal(back["steps"], own["steps"])
    largest = own["convolution"].flatten(1).abs().amax(1)
    off = (back["convolution"].float() - own["convolution"]).flatten(1).abs().amax(1)
    assert (off <= largest * (0.5001 / 127 if eight_bits else 2**-11)).all()
    assert (off > 0).all()


def test_a_value_by_hand():
    kept = stored({"a": torch.tensor([[127.0, -64.4], [0.0, 0.0]])}, 0)
    assert kept["a"].tolist() == [[127, -64], [0, 0]]
    assert kept["a"].dtype == torch.int8
    assert kept["a.scale"].tolist() == [1.0, pytest.approx(1e-12 / 127)]
    assert restored(kept)["a"].tolist() == [[127.0, -64.0], [0.0, 0.0]]


def test_a_scale_of_the_network_itself_is_no_scale_of_a_file():
    own = {"norm": torch.ones(2, 2), "norm.scale": torch.ones(2)}
    assert set(restored(stored(own, None))) == set(own)
