"""The shipped template: a closed surface of the right topology, and control points that move it."""

import numpy as np
import pytest
from tiny import assert_vertebra

from ReVertLib.anatomy.template import TEMPLATE_FILE, baseline_mesh, load_template
from ReVertLib.geometry.levels import LEVELS
from ReVertLib.mesh.mesh import Mesh, volume_centroid
from ReVertLib.metrics.surface import dice
from ReVertLib.shape.library import mirror
from ReVertLib.shape.template_builder import CONTROL_COUNT, NEIGHBOUR_COUNT, VERTEX_COUNT, WEIGHT_COUNT

TEMPLATE = load_template()


@pytest.mark.parametrize("level", LEVELS)
def test_every_level_is_a_vertebra(level):
    mesh = TEMPLATE.mean(level)
    assert_vertebra(mesh)
    tolerance_mm = 0.3 if level == "L1" else 1e-4
    assert np.abs(volume_centroid(mesh)).max() < tolerance_mm
    left, right = mesh.vertices[:, 0].max(), -mesh.vertices[:, 0].min()
    assert 0.93 < left / right < 1.07
    assert dice(mesh, mirror(mesh)) > 0.9


@pytest.mark.parametrize("level", LEVELS)
def test_axes_are_those_of_the_patient(level):
    """Processes reach far behind (+Y) and to both sides; the body, which holds the origin, reaches less far ahead."""
    (x0, y0, z0), (x1, y1, z1) = (f(TEMPLATE.mean(level).vertices, 0) for f in (np.min, np.max))
    assert 28 < -y0 < 38
    assert 48 < y1 < 62
    assert -z0 < 32 < min(x1, -x0)
    assert z1 < 32


def test_sizes():
    assert TEMPLATE.means.shape == (5, VERTEX_COUNT, 3)
    assert TEMPLATE.faces.shape == (2 * VERTEX_COUNT, 3)  # Euler number 0 of a closed triangle mesh
    assert np.array_equal(np.unique(TEMPLATE.faces), np.arange(VERTEX_COUNT))
    assert TEMPLATE.control_points.shape == (CONTROL_COUNT,)
    assert len(np.unique(TEMPLATE.control_points)) == CONTROL_COUNT
    assert TEMPLATE.control_point_neighbours.shape == (CONTROL_COUNT, NEIGHBOUR_COUNT)
    assert TEMPLATE.interpolation_weights.shape == TEMPLATE.interpolation_points.shape == (VERTEX_COUNT, WEIGHT_COUNT)
    assert TEMPLATE_FILE.stat().st_size < 1_000_000


def test_neighbours_begin_with_the_node_itself_and_are_near():
    assert np.array_equal(TEMPLATE.control_point_neighbours[:, 0], np.arange(CONTROL_COUNT))
    assert all(len(set(row)) == NEIGHBOUR_COUNT for row in TEMPLATE.control_point_neighbours.tolist())
    points = TEMPLATE.mean("L3").vertices[TEMPLATE.control_points]
    distance = np.linalg.norm(points[TEMPLATE.control_point_neighbours] - points[:, None], axis=2)
    assert distance.max() < 20.0
    assert (distance[:, 1:].min(1) > 1.0).all()


def interpolated(displacement):
    """(n, 3) displacements of all vertices from those (c, 3) of the control points, a vertex at a time."""
    pairs = zip(TEMPLATE.interpolation_weights, TEMPLATE.interpolation_points, strict=True)
    return np.stack([sum(w * displacement[c] for w, c in zip(*row, strict=True)) for row in pairs])


def test_weights_sum_to_one_so_that_a_constant_displacement_is_reproduced():
    assert np.abs(TEMPLATE.interpolation_weights.sum(1) - 1).max() < 1e-3  # stored in half precision
    assert np.abs(interpolated(np.full((CONTROL_COUNT, 3), [3.0, -2.0, 7.0])) - [3.0, -2.0, 7.0]).max() < 0.005


def test_a_control_point_goes_where_it_is_told():
    given = np.random.default_rng(0).normal(size=(CONTROL_COUNT, 3))
    moved = interpolated(given)[TEMPLATE.control_points]
    assert np.abs(moved - given).max() < 0.1
    assert np.abs(moved - given).mean() < 0.01


def test_a_smooth_field_is_carried_by_the_control_points():
    vertices = TEMPLATE.mean("L3").vertices
    field = np.stack([np.sin(vertices[:, 1] / 20), np.cos(vertices[:, 2] / 15), np.sin(vertices[:, 0] / 25)], 1)
    assert np.abs(interpolated(field[TEMPLATE.control_points]) - field).mean() < 0.03


def test_it_is_read_once():
    assert load_template() is load_template()
    assert len(load_template().sha256) == 64


def test_an_unknown_level_is_the_middle_one():
    assert np.array_equal(TEMPLATE.mean(None).vertices, TEMPLATE.mean("L3").vertices)
    assert not np.array_equal(TEMPLATE.mean("L4").vertices, TEMPLATE.mean("L3").vertices)


def test_the_baseline_knows_no_l1():
    assert np.array_equal(baseline_mesh("L1").vertices, TEMPLATE.mean("L2").vertices)
    for level in (*LEVELS[1:], None):
        assert np.array_equal(baseline_mesh(level).vertices, TEMPLATE.mean(level).vertices)


def test_one_shape_cannot_pass_for_the_other_way_round():
    """The predicate that the tests above rest on can fail."""
    mesh = TEMPLATE.mean("L3")
    with pytest.raises(AssertionError, match=r"^volume -\d{5} mm"):
        assert_vertebra(Mesh(mesh.vertices, mesh.faces[:, ::-1]))
