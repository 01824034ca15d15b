"""Errors by region: what an answer lacks counts where it lacks it."""

import numpy as np
import pytest

from ReVertLib.anatomy.landmarks import REGIONS
from ReVertLib.anatomy.template import load_template
from ReVertLib.evaluation.regions import POINTS, region_errors, regions_at, true_points
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.geometry.views import view_rotation
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.mesh.nearest import nearest_on


def test_a_process_that_is_cut_short_is_off_there_alone():
    """Of the spinous process the last 16 mm are pressed into 3.3 mm: its tip is nearly 13 mm off."""
    truth = load_template().mean("L3")
    x, y, z = truth.vertices.T
    short = Mesh(np.column_stack([x, np.where(y > 40, 40 + 0.2 * (y - 40), y), z]), truth.faces)
    points = true_points(truth)
    distances_mm = {"a": nearest_on(short).distances_mm(points)}
    errors = {e.region: e for e in region_errors(distances_mm, regions_at(points, truth))}
    assert list(errors) == list(REGIONS)
    assert 3 < errors["spinous process"].mean_mm < errors["spinous process"].p95_mm < 13.4
    assert max(errors[name].p95_mm for name in REGIONS[:-1]) < 0.01


def test_figures_are_means_and_percentiles_of_the_points_of_a_region():
    distances, regions = np.arange(POINTS, dtype=float), np.zeros(POINTS, int)
    regions[-101:] = 4
    body, spinous = region_errors({"a": distances}, regions)
    assert (body.answer, body.region, spinous.region) == ("a", "body", "spinous process")
    assert spinous.mean_mm == pytest.approx(POINTS - 51)
    assert spinous.p95_mm == pytest.approx(POINTS - 6)


def test_the_points_go_with_a_surface_that_is_moved():
    truth = load_template().mean("L5")
    motion = RigidTransform(view_rotation(40.0, 10.0), np.array([5.0, 6.0, 700.0]))
    assert np.abs(true_points(truth.moved(motion)) - motion.apply(true_points(truth))).max() < 1e-6
