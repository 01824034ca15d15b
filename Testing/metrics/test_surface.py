"""Metrics against figures computed by hand, slow second implementations, and the reference tool where it is at hand."""

import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest
import vtk
from triangles import triangle_distance

from ReVertLib.errors import InputError
from ReVertLib.mesh.distance import check_closed, signed_distances_mm, vertex_distances_mm
from ReVertLib.mesh.mesh import Mesh, mesh_volume_mm3
from ReVertLib.mesh.polydata import from_polydata
from ReVertLib.mesh.sampling import surface_points
from ReVertLib.metrics.surface import dice, surface_metrics

REFERENCE = Path(os.environ.get("REVERT_REFERENCE_TOOLS", Path(__file__).parents[3] / "shared" / "tools"))


def sphere(radius, centre=(0.0, 0.0, 0.0), resolution=60):
    source = vtk.vtkSphereSource()
    source.SetRadius(radius)
    source.SetCenter(*centre)
    source.SetThetaResolution(2 * resolution)
    source.SetPhiResolution(resolution)
    source.Update()
    return from_polydata(source.GetOutput())


def cube(side, low=(0.0, 0.0, 0.0)):
    corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], float)
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    return Mesh(side * corners + low, [t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))])


def winding_number(points, mesh):
    """Solid angle of the mesh from each point over 4 pi (Van Oosterom and Strackee, 1983): 1 inside, 0 outside."""
    a, b, c = (mesh.vertices[mesh.faces[:, i]][None] - points[:, None] for i in range(3))
    la, lb, lc = (np.linalg.norm(x, axis=2) for x in (a, b, c))
    triple = (a * np.cross(b, c)).sum(2)
    below = la * lb * lc + (a * b).sum(2) * lc + (b * c).sum(2) * la + (c * a).sum(2) * lb
    return np.arctan2(triple, below).sum(1) / (2 * np.pi)


def test_identical_meshes_are_perfect():
    metrics = surface_metrics(sphere(15), sphere(15), samples=2_000)
    assert (metrics.dice, metrics.nsd_2mm) == (1.0, 1.0)
    assert max(metrics.hd95_mm, metrics.assd_mm, metrics.chamfer_mm2) < 1e-6
    assert metrics.volume_mm3 == metrics.target_volume_mm3


def test_concentric_spheres():
    metrics = surface_metrics(sphere(20, resolution=120), sphere(17, resolution=120), samples=5_000)
    assert metrics.dice == pytest.approx(2 * 17**3 / (20**3 + 17**3), abs=2e-3)
    assert metrics.hd95_mm == pytest.approx(3.0, abs=0.01)
    assert metrics.assd_mm == pytest.approx(3.0, abs=0.01)
    assert metrics.chamfer_mm2 == pytest.approx(18.0, abs=0.1)
    assert metrics.nsd_2mm == 0.0
    assert metrics.volume_mm3 == pytest.approx(4 / 3 * np.pi * 20**3, rel=2e-3)
    assert metrics.target_volume_mm3 == pytest.approx(4 / 3 * np.pi * 17**3, rel=2e-3)


def test_shifted_cubes():
    """Side 20, shifted by 5 along x, so that two faces of six move. From the face at x = 0 the nearest surface is 5
    off in its middle and the distance to the border near it; the face at x = 20 lies inside, likewise. The strips of
    the sides at 0 <= x <= 5 are x from the edge of the other cube; all else is at 0."""
    metrics = surface_metrics(cube(20), cube(20, (5, 0, 0)), samples=200_000)
    inside = np.minimum.reduce(np.meshgrid(*[np.minimum(t := (np.arange(800) + 0.5) / 40, 20 - t)] * 2))
    outer = np.full(inside.size, 5.0)
    inner = np.minimum(inside.ravel(), 5.0)
    strip = np.repeat((np.arange(200) + 0.5) / 40, 4 * 800)
    zeros = np.zeros(6 * 640_000 - outer.size - inner.size - strip.size)
    expected = np.concatenate([outer, inner, strip, zeros])
    assert metrics.dice == pytest.approx(0.75, abs=0.02)
    assert metrics.assd_mm == pytest.approx(expected.mean(), rel=0.01)
    assert metrics.chamfer_mm2 == pytest.approx(2 * (expected**2).mean(), rel=0.01)
    assert metrics.nsd_2mm == pytest.approx((expected <= 2).mean(), abs=0.003)
    assert metrics.hd95_mm == pytest.approx(5.0, abs=1e-6)


def test_hd95_is_the_larger_direction_and_not_pooled():
    """A second, far sphere of a tenth of the area: one direction's 95th percentile sees it, the other is 0."""
    small = sphere(10 / 3, (100, 0, 0))
    big = sphere(10)
    both = Mesh(np.vstack([big.vertices, small.vertices]), np.vstack([big.faces, small.faces + len(big.vertices)]))
    for metrics in (surface_metrics(both, big, 4_000), surface_metrics(big, both, 4_000)):
        assert 86 < metrics.hd95_mm < 94
        assert metrics.assd_mm == pytest.approx(0.1 * 90.2 / 2, abs=0.3)


def test_distances_equal_triangle_by_triangle_search():
    target = sphere(10, (1, 2, 3), resolution=8)
    points = np.random.default_rng(0).uniform(-15, 15, (60, 3))
    corners = target.vertices[target.faces]
    expected = [min(triangle_distance(p, *triangle) for triangle in corners) for p in points]
    assert np.allclose(np.abs(signed_distances_mm(points, target)), expected, atol=1e-9)


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0]])
def test_sign_is_that_of_the_winding_number_for_either_winding(order):
    target = cube(10)
    probe = Mesh(np.random.default_rng(1).uniform(-5, 15, (300, 3)), [[0, 1, 2]])
    inside = winding_number(probe.vertices, target) > 0.5
    signed = vertex_distances_mm(probe, Mesh(target.vertices, target.faces[:, order]))
    assert 20 < inside.sum() < 280
    assert np.array_equal(signed < 0, inside)


def test_signed_distances_of_spheres():
    assert np.allclose(vertex_distances_mm(sphere(20), sphere(17, resolution=120)), 3.0, atol=0.02)
    assert np.allclose(vertex_distances_mm(sphere(17), sphere(20, resolution=120)), -3.0, atol=0.02)


def test_points_are_uniform_in_area_not_per_triangle():
    """Half of the cube's top is cut into many triangles; its share of the points must stay 1 / 12."""
    mesh = cube(12)
    x = np.linspace(0, 6, 40)
    row = np.array([[p, q, 12.0] for p in x for q in (0.0, 12.0)])
    cut = [t for i in range(0, 78, 2) for t in ((i, i + 2, i + 1), (i + 1, i + 2, i + 3))]
    top = [f for f in mesh.faces.tolist() if (mesh.vertices[f][:, 2] == 12).all()]
    rest = [f for f in mesh.faces.tolist() if f not in top]
    half = np.array([[6, 0, 12], [12, 0, 12], [12, 12, 12], [6, 12, 12]], float)
    vertices = np.vstack([mesh.vertices, row, half])
    faces = np.vstack([rest, np.array(cut) + 8, np.array([[0, 1, 2], [0, 2, 3]]) + 88])
    points = surface_points(Mesh(vertices, faces), 12_000, 0)
    on_cut = (points[:, 2] > 12 - 1e-9) & (points[:, 0] < 6)
    assert abs(on_cut.mean() - 1 / 12) < 1e-3
    assert np.abs(points[on_cut].mean(0) - [3, 6, 12]).max() < 0.2
    assert np.array_equal(points, surface_points(Mesh(vertices, faces), 12_000, 0))
    assert not np.array_equal(points, surface_points(Mesh(vertices, faces), 12_000, 1))


def test_dice_counts_voxel_centres():
    """Two boxes on one grid, counted by comparison of coordinates."""
    a, b = cube(7.3, (0.11, 0.2, 0.3)), cube(5.1, (2.2, -1.3, 1.7))
    origin = np.minimum(a.vertices.min(0), b.vertices.min(0)) - 2
    centres = origin + 0.5 * np.stack(np.meshgrid(*[np.arange(40)] * 3), -1)
    x, y = (((centres > m.vertices.min(0)) & (centres < m.vertices.max(0))).all(-1) for m in (a, b))
    assert dice(a, b) == 2 * (x & y).sum() / (x.sum() + y.sum())
    assert dice(b, a) == dice(a, b)


def test_far_apart_is_zero_and_cheap():
    metrics = surface_metrics(sphere(10), sphere(10, (5_000, 5_000, 5_000)), samples=200)
    assert metrics.dice == 0.0
    assert metrics.hd95_mm == pytest.approx(5_000 * 3**0.5, abs=25)


def test_a_pinched_surface_is_closed():
    """Two cubes that share an edge: four faces meet there, and it still bounds a volume."""
    a, b = cube(5), cube(5, (5, 5, 0))
    merged = np.vstack([a.vertices, b.vertices])
    vertices, index = np.unique(merged, axis=0, return_inverse=True)
    faces = index.ravel()[np.vstack([a.faces, b.faces + 8])]
    assert len(vertices) == 14
    check_closed(Mesh(vertices, np.vstack([faces, [[0, 0, 1]]])), "mesh")
    assert mesh_volume_mm3(Mesh(vertices, faces)) == pytest.approx(250)


@pytest.mark.parametrize(
    ("mesh", "text"),
    [
        (Mesh(cube(9).vertices, cube(9).faces[:-1]), "mesh: expected a closed surface, got one with 3 open edges"),
        (Mesh(np.zeros((0, 3)), np.zeros((0, 3))), "mesh: expected a surface with triangles, got none"),
        (Mesh(np.zeros((4, 3)), [[0, 0, 1]]), "mesh: expected a surface with triangles, got none"),
        (cube(2_000), "mesh: expected a vertebra in mm, at most 400 across, got 2000"),
        (Mesh(0 * cube(9).vertices, cube(9).faces), "surface: expected a positive area, got zero"),
    ],
)
def test_unusable_surfaces(mesh, text):
    with pytest.raises(InputError, match=text):
        surface_metrics(mesh, cube(9), samples=100)


def test_a_surface_with_a_wall_inside_is_not_closed():
    """Two tetrahedra with the triangle between them: no edge has one face, but its three have three."""
    vertices = np.array([[0.0, 0, 0], [9, 0, 0], [0, 9, 0], [0, 0, 9], [0, 0, -9]])
    faces = [[0, 2, 1], [0, 1, 3], [1, 2, 3], [2, 0, 3], [0, 4, 1], [1, 4, 2], [2, 4, 0]]
    with pytest.raises(InputError, match="wall: expected a closed surface, got one with 3 open edges"):
        check_closed(Mesh(vertices, faces), "wall")
    check_closed(Mesh(vertices, faces[1:]), "both")


def test_unusable_target_is_named():
    with pytest.raises(InputError, match="target: expected a closed surface"):
        surface_metrics(cube(9), Mesh(cube(9).vertices, cube(9).faces[1:]), samples=100)
    with pytest.raises(InputError, match="target: expected a closed surface"):
        vertex_distances_mm(cube(9), Mesh(cube(9).vertices, cube(9).faces[1:]))


def test_metres_instead_of_mm():
    with pytest.raises(InputError, match=r"expected surfaces in mm, got none with a voxel of 0.5 mm inside"):
        surface_metrics(sphere(0.04), sphere(0.05), samples=100)


@pytest.mark.filterwarnings("ignore:Call to deprecated method SetCells")
@pytest.mark.skipif(not (REFERENCE / "surface_eval.py").is_file(), reason="reference tool not at hand")
def test_agrees_with_the_reference_tool():
    spec = importlib.util.spec_from_file_location("surface_eval", REFERENCE / "surface_eval.py")
    reference = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reference)
    random = np.random.default_rng(5)
    a = sphere(20, (3, -2, 1), resolution=40)
    a = Mesh(a.vertices * [1.4, 1.0, 0.6] + random.normal(0, 0.2, a.vertices.shape), a.faces)
    b = sphere(21, resolution=30)
    expected = reference.metrics((a.vertices, a.faces), (b.vertices, b.faces), 50_000)
    metrics = surface_metrics(a, b)
    assert metrics.dice == pytest.approx(expected["dice"], abs=1e-9)
    assert metrics.hd95_mm == pytest.approx(expected["hd95"], abs=0.05)
    assert metrics.assd_mm == pytest.approx(expected["assd"], abs=0.03)
    assert metrics.nsd_2mm == pytest.approx(expected["nsd2"], abs=0.006)
