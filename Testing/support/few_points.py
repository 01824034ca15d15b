"""Comparisons by few points: their figures are the same to a percent, and take a fifth of the time."""

from functools import partial

import pytest

from ReVertLib.metrics.surface import surface_metrics


@pytest.fixture(scope="module", autouse=True)
def few_points():
    """For the whole of a file that imports it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ReVertLib.metrics.compare.surface_metrics", partial(surface_metrics, samples=5_000))
        yield
