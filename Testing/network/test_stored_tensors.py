"""Tensors as weights files keep them."""

import numpy as np
import pytest

from ReVertLib.network.stored_tensors import restored, stored


def tensors():
    random = np.random.default_rng(0)
    sizes = np.array([1e-3, 1.0, 50.0], np.float32)
    convolution = random.standard_normal((3, 4, 3, 3), np.float32) * sizes[:, None, None, None]
    return {"convolution": convolution, "bias": random.standard_normal(3, np.float32), "steps": np.array(7)}


@pytest.mark.parametrize(("eight_bits_from", "eight_bits"), [(0, True), (108, True), (109, False), (None, False)])
def test_every_row_comes_back_to_within_its_own_steps(eight_bits_from, eight_bits):
    own = tensors()
    back = restored(stored(own, eight_bits_from))
    assert set(back) == set(own)
    assert {name: array.dtype for name, array in back.items()} == {name: array.dtype for name, array in own.items()}
    assert np.array_equal(back["bias"], own["bias"])
    assert np.array_equal(back["steps"], own["steps"])
    largest = np.abs(own["convolution"]).max((1, 2, 3))
    off = np.abs(back["convolution"] - own["convolution"]).max((1, 2, 3))
    assert (off <= largest * (0.5001 / 127 if eight_bits else 2**-11)).all()
    assert (off > 0).all()


def test_a_value_by_hand():
    kept = stored({"a": np.array([[127.0, -64.4], [0.0, 0.0]], np.float32)}, 0)
    assert kept["a"].tolist() == [[127, -64], [0, 0]]
    assert kept["a"].dtype == np.int8
    assert kept["a.scale"].tolist() == [1.0, pytest.approx(1e-12 / 127)]
    assert restored(kept)["a"].tolist() == [[127.0, -64.0], [0.0, 0.0]]


def test_a_scale_of_the_network_itself_is_no_scale_of_a_file():
    own = {"norm": np.ones((2, 2), np.float32), "norm.scale": np.ones(2, np.float32)}
    assert set(restored(stored(own, None))) == set(own)
