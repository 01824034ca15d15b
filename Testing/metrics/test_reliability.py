"""What is said of expected errors, by hand."""

import math

import numpy as np
import pytest

from ReVertLib.metrics import reliability as module
from ReVertLib.metrics.reliability import reliability_table


def reliability(expected, actual):
    return module.reliability(zip(expected, actual, strict=True), len(expected))


def test_a_right_expectation():
    """Ten vertices, expected and actual 1 to 10 mm: each is its own tenth."""
    expected = np.arange(1.0, 11.0)[None]
    found = reliability(expected, expected)
    assert found.deciles.tolist() == [[i, i] for i in range(1, 11)]
    assert (found.factor, found.within, found.below_twice) == (1.0, pytest.approx(1.0), 1.0)
    assert math.isnan(found.between)
    assert found.deviance == pytest.approx(np.log(expected).mean() + 1)


def test_an_expectation_that_is_too_small_and_the_wrong_way_round():
    expected = np.repeat([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], 2, axis=1)
    found = reliability(expected, 3 * expected[:, ::-1])
    assert found.factor == 3.0
    assert found.within == pytest.approx(-1.0)
    assert found.between == pytest.approx(1.0)
    # actual 9 6 3 and 18 15 12 below 2 4 6 and 8 10 12: only the third
    assert found.below_twice == pytest.approx(1 / 6)


def test_below_twice_is_twice():
    found = reliability(np.ones((1, 20)), np.repeat([[0.5, 1.9, 2.0, 2.1]], 5, axis=1))
    assert found.below_twice == 0.5


def test_a_constant_has_no_correlation():
    found = reliability(np.ones((3, 20)), np.random.default_rng(0).random((3, 20)))
    assert math.isnan(found.within) and math.isnan(found.between)


def test_the_deviance_is_least_at_the_mean():
    """Whatever the distribution: here half-normal, which is not the one the loss is the likelihood of."""
    actual = np.abs(np.random.default_rng(0).normal(size=(1, 5000)))
    values = {
        scale: reliability(np.full(actual.shape, scale * actual.mean()), actual).deviance for scale in (0.8, 1, 1.25)
    }
    assert values[1] < min(values[0.8], values[1.25])


def test_of_very_many_vertices_some_make_the_tenths(monkeypatch):
    """Of 40 vertices at most 10: every fourth, whose tenths are one each; the rest is of all."""
    expected = np.arange(1.0, 41.0)[None]
    whole = reliability(expected, 2 * expected)
    monkeypatch.setattr(module, "_MOST", 10)
    found = reliability(expected, 2 * expected)
    assert found.deciles.tolist() == [[i, 2 * i] for i in range(1, 41, 4)]
    assert (found.factor, found.within, found.deviance) == (whole.factor, whole.within, whole.deviance)


def test_the_table():
    expected = np.arange(1.0, 11.0)[None]
    lines = reliability_table(reliability(expected, 2 * expected)).splitlines()
    assert lines[2] == "| tenth 1 | 1.00 | 2.00 |"
    assert lines[11] == "| tenth 10 | 10.00 | 20.00 |"
    assert lines[13].startswith("Actual error over expected: 2.00. Rank correlation over the vertices of an image 1.00")
    assert lines[13].endswith("Below twice the expected error: 0 % of the vertices.")


def test_tenths_are_those_of_a_sort_that_keeps_the_order_of_equals():
    random = np.random.default_rng(0)
    expected, actual = np.round(random.random((7, 33)), 1) + 0.1, random.random((7, 33)).astype(np.float32)
    order = np.argsort(expected, axis=None, kind="stable")
    tenths = (np.array_split(values.ravel()[order], 10) for values in (expected, actual))
    by_hand = np.stack([[part.mean() for part in parts] for parts in tenths], 1)
    assert reliability(expected, actual).deciles == pytest.approx(by_hand, rel=1e-6)
