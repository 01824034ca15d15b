"""Distances without a sign, against a search of every triangle and against VTK."""

import numpy as np
import pytest
from solids import cube, torus
from triangles import triangle_distance

from ReVertLib.anatomy.template import load_template
from ReVertLib.mesh import nearest
from ReVertLib.mesh.box_tree import BoxTree
from ReVertLib.mesh.by_corners import ByCorners
from ReVertLib.mesh.distance import signed_distances_mm
from ReVertLib.mesh.mesh import Mesh


@pytest.fixture(params=[BoxTree, ByCorners])
def made(request):
    """What makes a surface ready."""
    return request.param


def searched(points, mesh):
    """The distance to the nearest of all triangles, one after the other."""
    corners = mesh.vertices[mesh.faces]
    return [min(triangle_distance(p, *triangle) for triangle in corners) for p in points]


def shapeless(seed, count=40):
    """Triangles of all sizes and angles, many of them long and thin, that need not be a surface."""
    random = np.random.default_rng(seed)
    sizes = np.exp(random.uniform(-3, 2, (count, 1, 1)))
    corners = random.uniform(-5, 5, (count, 1, 3)) + sizes * random.normal(size=(count, 3, 3)) * [1, 1, 0.05]
    return Mesh(corners.reshape(-1, 3), np.arange(3 * count).reshape(-1, 3))


@pytest.mark.parametrize("mesh", [cube(10.0), torus(8.0, 3.0, 12, 6), *map(shapeless, range(8))])
def test_they_are_those_of_the_nearest_of_all_triangles(made, mesh):
    """From points all over the place, near the surface, and on its corners."""
    random = np.random.default_rng(3)
    near = mesh.vertices[random.integers(0, len(mesh.vertices), 60)] + random.normal(0, 0.3, (60, 3))
    points = np.vstack([random.uniform(-15, 15, (60, 3)), near, mesh.vertices[:5]])
    assert made(mesh).distances_mm(points) == pytest.approx(searched(points, mesh), abs=1e-9)


def test_triangles_without_an_area_count_by_their_edges(made):
    """One that lost a corner is no triangle; two with corners in a line and in one place are a line and a point."""
    line, place = np.array([[0.0, 0, 0], [4, 0, 0], [9, 0, 0]]), np.tile([[0.0, 20, 0]], (3, 1))
    mesh = Mesh(np.vstack([line, place, [[50.0, 0, 0]]]), [[0, 1, 2], [3, 4, 5], [6, 6, 0]])
    points = np.array([[2.0, 3, 4], [6.5, 0, 2], [-3, 4, 0], [1, 22, 2], [50, 0, 0]])
    assert made(mesh).distances_mm(points) == pytest.approx([5, 2, 5, 3, 41], abs=1e-12)


def test_they_are_those_of_vtk_on_a_vertebra_near_and_far(made):
    mesh = load_template().mean("L3")
    random = np.random.default_rng(4)
    for scale in (1.0, 20.0, 200.0):
        points = mesh.vertices + random.normal(0, scale, mesh.vertices.shape)
        expected = np.abs(signed_distances_mm(points, mesh))
        assert made(mesh).distances_mm(points) == pytest.approx(expected, abs=1e-9)


def test_of_no_points_there_are_no_distances(made):
    assert made(cube()).distances_mm(np.zeros((0, 3))).shape == (0,)


def test_without_numba_corners_are_looked_at(monkeypatch):
    assert isinstance(nearest.nearest_on(cube()), BoxTree)
    monkeypatch.setattr(nearest, "find_spec", lambda _name: None)
    assert isinstance(nearest.nearest_on(cube()), ByCorners)
