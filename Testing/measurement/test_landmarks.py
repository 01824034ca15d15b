"""Landmarks on every level's mean: where anatomy has them, alike on both sides, pedicle axes within the bone."""

import numpy as np
import pytest

from ReVertLib.anatomy.template import load_template
from ReVertLib.geometry.levels import LEVELS
from ReVertLib.measurement.landmarks import landmarks
from ReVertLib.measurement.vertebra import Vertebra, vertebra_values
from ReVertLib.mesh.distance import signed_distances_mm


def on_mean(level):
    return Vertebra(landmarks(level).points(load_template().mean(level).vertices))


@pytest.mark.parametrize("level", LEVELS)
def test_weights_are_those_of_means(level):
    weights = landmarks(level).weights
    assert np.abs(weights.sum(1) - 1).max() < 1e-9
    ends = sorted((rows.start, rows.stop) for rows in landmarks(level).rows.values())
    assert [start for start, _ in ends] == [0, *(stop for _, stop in ends[:-1])]
    assert ends[-1][1] == weights.shape[0]


@pytest.mark.parametrize("level", LEVELS)
def test_pedicle_axes_run_within_the_bone_from_their_entry_far_into_the_body(level):
    mesh = load_template().mean(level)
    for pedicle in on_mean(level).pedicles.values():
        assert abs(signed_distances_mm(pedicle.entry[None], mesh)[0]) < 2.5
        inside = np.arange(6.0, 0.75 * pedicle.length)[:, None] * pedicle.forward + pedicle.entry
        assert signed_distances_mm(inside, mesh).max() < -1.5
        wall = signed_distances_mm(pedicle.isthmus[None], mesh)[0]
        assert -wall < pedicle.width_and_height[0] / 2 + 0.5  # the isthmus is no wider than its wall allows


@pytest.mark.parametrize("level", LEVELS)
def test_left_and_right_are_alike_on_a_mean(level):
    found = vertebra_values(on_mean(level))
    for name in ("pedicle width", "pedicle height", "pedicle length"):
        assert found[f"left {name}"] == pytest.approx(found[f"right {name}"], abs=1.5)
    assert found["left pedicle transverse angle"] == pytest.approx(found["right pedicle transverse angle"], abs=4)


def test_figures_of_the_mean_of_l3_are_those_of_the_literature():
    """Panjabi et al. 1992, L3: endplate 44 x 35 mm, pedicle 10 x 14 mm, canal 24 x 17 mm, each to some 15 %."""
    found = vertebra_values(on_mean("L3"))
    assert found["upper endplate width"] == pytest.approx(44, rel=0.15)
    assert found["upper endplate depth"] == pytest.approx(35, rel=0.1)
    assert found["left pedicle width"] == pytest.approx(10, rel=0.15)
    assert found["left pedicle height"] == pytest.approx(14, rel=0.15)
    assert found["canal width"] == pytest.approx(24, rel=0.15)
    assert found["canal depth"] == pytest.approx(17, rel=0.15)
