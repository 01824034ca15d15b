"""Landmarks by vertex: on every level's mean they lie where anatomy has them."""

import numpy as np
import pytest

from ReVertLib.anatomy.landmarks import REGIONS, endplate_vertices, pedicle_vertices, vertex_regions
from ReVertLib.anatomy.template import load_template
from ReVertLib.geometry.levels import LEVELS


@pytest.mark.parametrize("level", LEVELS)
def test_endplates_bound_the_body_above_and_below(level):
    vertices = load_template().mean(level).vertices
    upper, lower = (vertices[at] for at in endplate_vertices())
    assert min(len(upper), len(lower)) > 80
    assert 22 < upper[:, 2].mean() - lower[:, 2].mean() < 32  # heights of lumbar bodies, mm
    for plate in (upper, lower):
        assert np.abs(plate[:, 0].mean()) < 1.5
        assert -20 < plate[:, 1].mean() < -6  # in front of the centroid, which the arch draws backward
        assert np.ptp(plate[:, 0]) > 35 and np.ptp(plate[:, 1]) > 20


@pytest.mark.parametrize("level", LEVELS)
def test_pedicles_lie_on_both_sides_behind_the_upper_half_of_the_body(level):
    vertices = load_template().mean(level).vertices
    upper, lower = (vertices[at] for at in endplate_vertices())
    middle = (upper.mean(0) + lower.mean(0)) / 2
    left, right = (vertices[at].mean(0) for at in pedicle_vertices())
    assert np.abs(left - right * [-1, 1, 1]).max() < 2.5
    assert 12 < left[0] < 26
    assert left[1] > middle[1] + 12
    assert middle[2] + 5 < left[2] < upper[:, 2].max()


def test_left_and_right_share_no_vertex():
    left, right = pedicle_vertices()
    assert min(len(left), len(right)) > 40
    assert not set(left) & set(right)


@pytest.mark.parametrize("level", LEVELS)
def test_regions_lie_where_anatomy_has_them(level):
    vertices = load_template().mean(level).vertices
    parts = {name: vertices[vertex_regions() == i] for i, name in enumerate(REGIONS)}
    assert sum(map(len, parts.values())) == len(vertices)
    behind = [parts[name][:, 1].mean() for name in REGIONS]
    assert behind[0] < behind[1] < min(behind[2], behind[3]) < behind[4]  # the spinous process is the last
    side = {name: np.abs(part[:, 0]).mean() for name, part in parts.items()}
    assert side["spinous process"] < side["pedicles"] < side["transverse processes"]
    for name in ("pedicles", "transverse processes"):  # as many on the left as on the right
        assert abs(np.sign(parts[name][:, 0]).mean()) < 0.2
