"""Random fields: their variance, their length, and that they are independent of each other."""

import numpy as np
import pytest

from ReVertLib.shape.random_field import random_fields, random_grid


def test_fields_at_points_have_unit_variance_and_their_length():
    """The kernel by hand at 5 and at 60 mm, for a length of 10 mm; neighbouring columns have nothing in common."""
    points = np.array([[0.0, 0.0, 0.0], [5.0, 0.0, 0.0], [60.0, 0.0, 0.0]])
    rng = np.random.default_rng(0)
    values = np.hstack([random_fields(points, 10.0, 2, rng) for _ in range(3000)])
    assert values.var(1) == pytest.approx(np.ones(3), rel=0.06)
    assert np.corrcoef(values)[0, 1:] == pytest.approx([np.exp(-0.125), 0.0], abs=0.04)
    assert np.corrcoef(values[0, ::2], values[0, 1::2])[0, 1] == pytest.approx(0.0, abs=0.06)


@pytest.mark.parametrize("spacing_mm", [(2.0, 2.0, 2.0), (1.0, 3.0, 2.0)])
def test_fields_on_a_grid_have_unit_variance_and_their_length_along_every_axis(spacing_mm):
    """The kernel's standard deviation is two thirds of the length: 8 mm of 12."""
    rng, sizes = np.random.default_rng(0), [int(120 / mm) for mm in spacing_mm]
    fields = np.stack([random_grid(tuple(sizes), np.array(spacing_mm), 12.0, rng) for _ in range(12)])
    assert fields.dtype == np.float32
    assert fields.var() == pytest.approx(1.0, rel=0.1)
    for axis, mm in enumerate(spacing_mm, 1):
        step = round(6 / mm)
        there, here = (np.moveaxis(fields, axis, 0)[part].ravel() for part in (slice(step, None), slice(-step)))
        assert (there * here).mean() == pytest.approx(np.exp(-((step * mm / 8) ** 2) / 2), abs=0.1)
