"""Flipped, degenerate and intersecting triangles, on surfaces small enough to see."""

import numpy as np
import pytest
from tiny import CUBE

from ReVertLib.anatomy.template import load_template
from ReVertLib.mesh.mesh import Mesh, face_normals, mesh_area_mm2
from ReVertLib.mesh.polydata import decimated
from ReVertLib.mesh.self_intersection import _pierces, degenerate_faces, flipped_faces, self_intersections


def two_triangles(second):
    """A triangle in z = 0 beside a second one."""
    first = [[0, 0, 0], [4, 0, 0], [0, 4, 0]]
    return Mesh(np.array([*first, *second], float), np.array([[0, 1, 2], [3, 4, 5]]))


@pytest.mark.parametrize(
    ("second", "crosses"),
    [
        ([[1, 1, -1], [1, 1, 1], [5, 5, 1]], True),  # an edge through the middle
        ([[1, 1, 0.1], [1, 1, 1], [5, 5, 1]], False),  # just above
        ([[1, -9, -9], [1, 9, -9], [1, 0, 18]], True),  # no edge of its own passes through, one of the first does
        ([[3, 3, -1], [3, 3, 1], [5, 5, 1]], False),  # beside the long edge, boxes overlap
        ([[0, 0, 0.5], [4, 0, 0.5], [0, 4, 0.5]], False),  # parallel
    ],
)
def test_two_triangles_by_hand(second, crosses):
    assert (len(self_intersections(two_triangles(second))) > 0) == crosses


def test_a_closed_surface_has_none_and_two_cubes_in_each_other_have_some():
    assert len(self_intersections(CUBE)) == 0
    both = Mesh(
        np.vstack([CUBE.vertices, CUBE.vertices + np.array([0.4, 0.3, 0.45])]), np.vstack([CUBE.faces, CUBE.faces + 8])
    )
    pairs = self_intersections(both)
    assert len(pairs) > 0
    assert all(min(pair) < 12 <= max(pair) for pair in pairs)


def test_a_vertex_pushed_through_the_other_side_is_found():
    mesh = load_template().mean("L3")
    assert len(self_intersections(mesh)) == 0
    pushed = mesh.vertices.copy()
    pushed[pushed[:, 1].argmax()] -= [0.0, 60.0, 0.0]  # the tip of the spinous process, to the front
    assert len(self_intersections(Mesh(pushed, mesh.faces))) > 0


def test_normals_are_twice_the_area_and_a_mirrored_triangle_is_flipped():
    assert np.linalg.norm(face_normals(CUBE), axis=1).sum() == pytest.approx(2 * mesh_area_mm2(CUBE))
    moved = CUBE.vertices.copy()
    moved[:, 2] *= -1.0  # with the winding kept, the normals of the four sides point inward now, not those of z
    assert flipped_faces(Mesh(moved, CUBE.faces), CUBE.vertices).sum() == 8
    assert flipped_faces(CUBE, CUBE.vertices).sum() == 0


def test_degenerate_triangles_by_hand():
    """In plane to 0.3 along the diagonal, and turned: the shortest stretch is 0.3. One that grows is not degenerate."""
    rest = two_triangles([[0, 0, 1], [4, 0, 1], [0, 4, 1]])
    axis = np.array([1.0, 1.0, 0.0]) / np.sqrt(2)
    vertices = rest.vertices.copy()
    vertices[:3] -= 0.7 * np.outer(vertices[:3] @ axis, axis)
    vertices[3:] *= 3.0
    turned = Mesh(vertices[:, [2, 0, 1]] + 5.0, rest.faces)
    assert degenerate_faces(turned, rest.vertices, 0.31).tolist() == [True, False]
    assert degenerate_faces(turned, rest.vertices, 0.29).tolist() == [False, False]


def test_the_same_pairs_as_by_trying_all():
    """A crumpled vertebra of few triangles, every pair tried."""
    mesh = decimated(load_template().mean("L3"), 150)
    mesh = Mesh(mesh.vertices + np.random.default_rng(0).normal(0, 3.0, mesh.vertices.shape), mesh.faces)
    first, second = np.triu_indices(len(mesh.faces), 1)
    shared = [
        len(set(a) & set(b)) for a, b in zip(mesh.faces[first].tolist(), mesh.faces[second].tolist(), strict=True)
    ]
    apart = np.array(shared) < 2
    first, second = first[apart], second[apart]
    triangles = mesh.vertices[mesh.faces]
    crossing = _pierces(triangles[first], triangles[second]) | _pierces(triangles[second], triangles[first])
    expected = set(zip(first[crossing].tolist(), second[crossing].tolist(), strict=True))
    assert len(expected) > 20
    assert {tuple(sorted(pair)) for pair in self_intersections(mesh).tolist()} == expected
