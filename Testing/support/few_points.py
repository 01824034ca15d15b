"""Comparisons by few points: their figures are the same to a percent, and take a fifth of the time."""

from contextlib import contextmanager
from functools import partial

import pytest

from ReVertLib.metrics.surface import surface_metrics
from ReVertLib.registration import icp

MANY = {name: getattr(icp, name) for name in ("_MOVING_POINTS", "_NEAREST_POINTS")}


def by_few_points(patch: pytest.MonkeyPatch) -> None:
    """Comparisons, and the last rounds of alignments, as long as the patch lasts."""
    patch.setattr("ReVertLib.metrics.compare.surface_metrics", partial(surface_metrics, samples=5_000))
    patch.setattr(icp, "_MOVING_POINTS", icp._SOME_POINTS)
    patch.setattr(icp, "_NEAREST_POINTS", 4 * icp._SOME_POINTS)


@pytest.fixture(scope="module", autouse=True)
def few_points():
    """For the whole of a file that imports it."""
    with pytest.MonkeyPatch.context() as patch:
        by_few_points(patch)
        yield


@contextmanager
def aligned_by_many_points():
    """Alignments as users have them, in a file of few points."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in MANY.items():
            patch.setattr(icp, name, value)
        yield
