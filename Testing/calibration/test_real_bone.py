"""Between synthetic people and real bone, on errors whose law is known."""

import numpy as np
import pytest

from ReVertLib.calibration.real_bone import Errors, half_way, lay_between, trust_limit_mm
from ReVertLib.network.uncertainty_heads import ErrorHead


def errors(factor, context, seed, levels=("L1", "L2")):
    """40 images of 500 vertices, of which 1 mm is expected, and of exponential distances of `factor` mm in the mean."""
    actual = factor * np.random.default_rng(seed).exponential(size=(40, 3, 500)).astype(np.float32)
    amount = np.full(40, context, np.float32)
    return Errors(np.ones_like(actual), actual, amount, np.array([levels[i % len(levels)] for i in range(40)]))


def joined(a, b):
    names = ("expected_mm", "actual_mm", "context", "levels")
    return Errors(*(np.concatenate([getattr(a, name), getattr(b, name)]) for name in names))


def test_half_way_by_hand():
    """Alone as expected, in context four times: one and two times are half-way; where exponential distances of mean 1
    have their 90th percentile, ln 10, is the bound for the synthetic world, and as far for a real one that is alike."""
    found = half_way(errors(1.0, 0.0, 0), joined(errors(1.0, 0.0, 1), errors(4.0, 1.0, 2)))
    assert np.exp(found.bias) == pytest.approx([1.0] * 3, rel=0.03)
    assert np.exp(found.bias + found.slope) == pytest.approx([2.0] * 3, rel=0.03)
    alike = half_way(errors(1.0, 0.0, 0), errors(1.0, 0.0, 1))
    assert alike.bound == pytest.approx(np.log(10), rel=0.02)


def test_a_level_left_out_is_told_by_the_others():
    """L1 as expected, L2 four times as wrong: what the one says of the other is wrong, and said to be."""
    real = joined(errors(1.0, 0.0, 1, ("L1",)), errors(4.0, 0.0, 2, ("L2",)))
    head = ErrorHead(np.arange(4)[:, None], np.ones((4, 1)), 1, 1, 4, hints=4)
    about = lay_between(head, errors(1.0, 0.0, 0), real)
    assert about["real_by_level"]["L1"]["actual_over_expected"][0] == pytest.approx(0.5, rel=0.05)
    assert about["real_by_level"]["L2"]["actual_over_expected"][0] == pytest.approx(4.0, rel=0.05)
    assert about["real_by_level"]["L2"]["below_bound"] < 0.6
    assert about["bound"] == pytest.approx(head.bound.item())
    assert head.hint_bias.exp().numpy() == pytest.approx(np.sqrt(2.5) * np.ones(3), rel=0.05)


def test_the_limit_of_trust_by_hand():
    """Of ten images up to 1.0 mm nine are good, of the eleven up to 1.1 mm nine only; alone the first is bad."""
    expected = np.arange(1, 12) / 10
    good = np.array([False, *[True] * 9, False])
    assert trust_limit_mm(expected[::-1], good[::-1]) == 1.0
    assert trust_limit_mm(expected, ~good) == 0.1
    assert trust_limit_mm(expected, np.zeros(11, bool)) == 0.0
