"""Registration: onto smoothly deformed copies of known surfaces; its parts by hand."""

import numpy as np
import pytest
from tiny import CUBE, assert_vertebra, deformed

from ReVertLib.anatomy.template import load_template
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.mesh.mesh import Mesh, mesh_quality, vertex_normals
from ReVertLib.mesh.polydata import decimated
from ReVertLib.mesh.self_intersection import flipped_faces, self_intersections
from ReVertLib.metrics.surface import dice, surface_metrics
from ReVertLib.registration import nonrigid as module
from ReVertLib.registration.nonrigid import farthest_points, gaussian, graph_laplacian, register


@pytest.fixture(scope="module")
def small():
    return decimated(load_template().mean("L3"), 700)


def split_cube():
    """A cube of side 1 about the origin, its triangles split three times."""
    vertices, faces = CUBE.vertices - 0.5, CUBE.faces
    for _ in range(3):
        middles = [(vertices[faces[:, i]] + vertices[faces[:, (i + 1) % 3]]) / 2 for i in range(3)]
        corners = [vertices[faces[:, i]] for i in range(3)]
        (a, b, c), (ab, bc, ca) = corners, middles
        triangles = np.concatenate([np.stack(t, 1) for t in ((a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca))])
        vertices, faces = np.unique(np.round(triangles.reshape(-1, 3), 9), axis=0, return_inverse=True)
        faces = faces.reshape(-1, 3)
    return Mesh(vertices, faces)


def ellipsoid(radii):
    """A split cube pulled onto a sphere, scaled."""
    cube = split_cube()
    return Mesh(cube.vertices / np.linalg.norm(cube.vertices, axis=1, keepdims=True) * radii, cube.faces)


def test_matches_are_found_on_the_side_that_faces_the_same_way():
    """A plate of 2 mm moved by 2.6 mm: the nearest points of its lower side are on the upper side of where it was."""
    cube = split_cube()
    plate = Mesh(cube.vertices * [40.0, 40.0, 2.0], cube.faces)
    moved = plate.moved(RigidTransform.shift([0.0, 0.0, 2.6]))
    matches = module.matched(moved, module.Target.of(plate, 20_000, 0), sliding=0.1)
    inner = (np.abs(plate.vertices[:, :2]) < 13).all(1)
    weights = []
    for side in (plate.vertices[:, 2] < -0.9, plate.vertices[:, 2] > 0.9):
        assert (inner & side).sum() == 25
        assert np.abs(matches.pull[inner & side] - [0.0, 0.0, -2.6]).max() < 0.1
        weights.append(matches.weight[inner & side].mean())
    assert weights[0] == pytest.approx(weights[1], rel=0.1)  # a match on the wrong side would hardly count


def test_a_bent_vertebra_is_reached_without_a_flip(small):
    target = deformed(small)
    before = surface_metrics(small, target, 5000)
    found = Mesh(register(small, target, samples=8000), small.faces)
    after = surface_metrics(found, target, 5000)
    assert before.dice < 0.93
    assert after.dice > 0.98
    assert after.assd_mm < 0.15
    assert after.hd95_mm < 0.5
    assert flipped_faces(found, small.vertices).sum() == 0
    assert len(self_intersections(found)) == 0
    assert_vertebra(found)


def test_vertices_come_near_the_place_they_stand_for(small):
    """Sliding along the surface is not seen by distances: vertex i itself must come nearer."""
    target = deformed(small)
    found = register(small, target, samples=8000)
    before, after = (np.linalg.norm(v - target.vertices, axis=1).mean() for v in (small.vertices, found))
    assert before > 2.0
    assert after < 0.6 * before


def test_a_sphere_becomes_an_ellipsoid():
    sphere, target = ellipsoid([20.0, 20.0, 20.0]), ellipsoid([23.0, 18.0, 21.0])
    assert (mesh_quality(sphere).euler_number, mesh_quality(sphere).closed) == (2, True)
    found = register(sphere, target, samples=5000)
    assert np.abs(np.linalg.norm(found / [23.0, 18.0, 21.0], axis=1) - 1).max() < 0.02
    assert flipped_faces(Mesh(found, sphere.faces), sphere.vertices).sum() == 0
    assert np.array_equal(register(sphere, target, samples=5000), found)


def test_a_step_that_would_flip_triangles_is_limited():
    """Every vertex of a sphere is pulled to its mirror image: followed, most triangles would flip."""
    sphere = ellipsoid([20.0, 20.0, 20.0])
    matches = module.Matches(np.ones(len(sphere.vertices)), sphere.vertices * [-2.0, 0.0, 0.0])
    free = np.zeros(0, int)
    moved = module._step(sphere.vertices, sphere, matches, farthest_points(sphere.vertices, 100), 10.0, free)
    assert flipped_faces(Mesh(moved, sphere.faces), sphere.vertices).sum() == 0
    assert mesh_quality(Mesh(moved, sphere.faces)).volume_mm3 > 0


def test_the_farthest_point_is_taken_each_time():
    points = np.array([[0.0, 0, 0], [1, 0, 0], [9, 0, 0], [5, 0, 0]])
    assert farthest_points(points, 3).tolist() == [0, 2, 3]


def test_gaussian_kernel_by_hand():
    """At one standard deviation exp(-1/2), at two exp(-2)."""
    points = np.array([[0.0, 0, 0], [0, 3, 0], [0, 6, 0]])
    assert gaussian(points, points[:1], 3.0).ravel() == pytest.approx([1.0, np.exp(-0.5), np.exp(-2.0)])


def test_a_surface_on_itself_stays(small):
    found = Mesh(register(small, small, samples=8000), small.faces)
    assert np.linalg.norm(found.vertices - small.vertices, axis=1).mean() < 1.0  # edges are about 4 mm
    assert dice(found, small) > 0.97


def test_normals_of_a_cube_by_hand():
    """Each corner's normal is the sum over its triangles, which all have the same area."""
    assert (mesh_quality(CUBE).volume_mm3, mesh_quality(CUBE).closed) == (pytest.approx(1.0), True)
    normals = vertex_normals(CUBE)
    corner = np.array([-2.0, -2.0, -2.0])  # vertex 0 belongs to two triangles of each of its three sides
    assert normals[0] == pytest.approx(corner / np.linalg.norm(corner))
    mixed = np.array([1.0, -2.0, 1.0])  # vertex 5, (1, 0, 1): one triangle of x = 1, two of y = 0, one of z = 1
    assert normals[5] == pytest.approx(mixed / np.linalg.norm(mixed))
    tall = vertex_normals(Mesh(CUBE.vertices * [1.0, 1.0, 3.0], CUBE.faces))[0]  # four sides of 3, two of 1
    assert tall == pytest.approx(np.array([-6.0, -6.0, -2.0]) / np.sqrt(76))
    outward = CUBE.vertices - 0.5
    assert (np.einsum("ij,ij->i", normals, outward) > 0).all()
    assert np.linalg.norm(normals, axis=1) == pytest.approx(np.ones(8))


def test_laplacian_is_each_vertex_minus_the_mean_of_its_neighbours(small):
    laplacian = graph_laplacian(small.faces, len(small.vertices))
    assert np.abs(laplacian @ np.full(len(small.vertices), 7.0)).max() < 1e-12
    values = np.random.default_rng(0).normal(size=len(small.vertices))
    for vertex in (0, 100, 350):
        neighbours = sorted({i for face in small.faces.tolist() if vertex in face for i in face} - {vertex})
        assert (laplacian @ values)[vertex] == pytest.approx(values[vertex] - values[neighbours].mean())
