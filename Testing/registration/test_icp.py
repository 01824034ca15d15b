"""Alignments whose answer is known: a lopsided shape moved by a known motion must be found again."""

from types import SimpleNamespace

import numpy as np
import pytest
import vtk
from scipy.spatial import cKDTree

from ReVertLib.errors import InputError
from ReVertLib.geometry.transform import RigidTransform, SimilarityTransform
from ReVertLib.geometry.views import LPS_FROM_RAS, rotation_about, view_rotation
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.mesh.polydata import from_polydata
from ReVertLib.registration.icp import ALIGNMENTS, _Nearest, align, best_motion


def lopsided(seed=None):
    """A vertebra-like lump, about 90 x 70 x 40 mm: a body, one long process back, two unequal ones to the sides."""
    source = vtk.vtkSphereSource()
    source.SetThetaResolution(64)
    source.SetPhiResolution(48)
    source.Update()
    mesh = from_polydata(source.GetOutput())
    unit = mesh.vertices / np.linalg.norm(mesh.vertices, axis=1)[:, None]
    radius = np.full(len(unit), 20.0)
    for direction, height, width in (((0, 1, -0.5), 40, 8), ((1, 0.5, 0.1), 28, 10), ((-1, 0.5, 0.2), 22, 9)):
        peak = np.array(direction) / np.linalg.norm(direction)
        radius += height * np.exp(width * (unit @ peak - 1))
    if seed is not None:
        bumps = np.random.default_rng(seed).normal(size=(6, 3))
        radius += 0.6 * np.sin(3 * unit @ bumps.T).sum(1)
    return Mesh(radius[:, None] * unit * [1, 1, 0.7], mesh.faces)


def vertex_error_mm(alignment, mesh, expected):
    return np.linalg.norm(mesh.moved(alignment).vertices - expected.vertices, axis=1).mean()


OBLIQUE = view_rotation(30.0, 12.0, -8.0)
UPSIDE_DOWN = rotation_about("x", 180.0)


def test_none_is_the_identity():
    mesh = lopsided()
    alignment = align(mesh, mesh.moved(RigidTransform(OBLIQUE, [0, 0, 700])), "none")
    assert np.array_equal(alignment.matrix, np.eye(4))
    assert np.array_equal(mesh.moved(alignment).vertices, mesh.vertices)


def test_translation_finds_the_shift_and_does_not_turn():
    mesh = lopsided()
    alignment = align(mesh, mesh.moved(RigidTransform.shift([30, -12, 700])), "translation")
    assert np.allclose(alignment.translation_mm, [30, -12, 700], atol=0.1)
    assert np.array_equal(alignment.rotation, np.eye(3))
    assert alignment.scale == 1.0
    turned = align(mesh, mesh.moved(RigidTransform(OBLIQUE, [0, 0, 700])), "translation")
    assert np.array_equal(turned.rotation, np.eye(3))


@pytest.mark.parametrize(
    "rotation",
    [np.eye(3), rotation_about("y", 12.0), LPS_FROM_RAS, UPSIDE_DOWN, OBLIQUE, OBLIQUE @ UPSIDE_DOWN],
    ids=["identity", "near", "ras-lps", "upside-down", "camera", "camera-upside-down"],
)
def test_rigid_finds_any_turn(rotation):
    mesh = lopsided()
    target = mesh.moved(RigidTransform(rotation, [15, -40, 700]))
    alignment = align(mesh, target, "rigid")
    assert vertex_error_mm(alignment, mesh, target) < 0.2
    assert np.allclose(alignment.rotation, rotation, atol=0.01)
    assert np.allclose(alignment.rotation @ alignment.rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(alignment.rotation) == pytest.approx(1.0)
    assert alignment.scale == 1.0


def test_similarity_finds_turn_and_size():
    mesh = lopsided()
    target = mesh.moved(SimilarityTransform(OBLIQUE, [15, -40, 700], 1.12))
    alignment = align(mesh, target, "similarity")
    assert alignment.scale == pytest.approx(1.12, abs=0.005)
    assert vertex_error_mm(alignment, mesh, target) < 0.3
    assert vertex_error_mm(align(mesh, target, "rigid"), mesh, target) > 1.0


def test_a_different_shape_ends_the_same_from_any_frame():
    """The found motion follows the target: turning the target turns the answer, up to the sampling."""
    mesh, other = lopsided(), lopsided(seed=4)
    here = align(mesh, other, "rigid")
    there = align(mesh, other.moved(RigidTransform(OBLIQUE, [0, 0, 700])), "rigid")
    assert np.allclose(there.rotation, OBLIQUE @ here.rotation, atol=0.01)


def test_the_seed_decides_the_samples():
    mesh, other = lopsided(), lopsided(seed=4)
    first, again, second = (align(mesh, other, "rigid", seed=s) for s in (0, 0, 7))
    assert np.array_equal(first.rotation, again.rotation)
    assert not np.array_equal(first.rotation, second.rotation)
    assert np.allclose(first.rotation, second.rotation, atol=0.02)


def test_best_motion_undoes_a_motion_exactly():
    points = np.random.default_rng(0).normal(size=(50, 3))
    motion = best_motion(points, 2.5 * points @ OBLIQUE.T + [1, 2, 3], "similarity")
    assert np.allclose(motion.rotation, OBLIQUE)
    assert np.allclose(motion.translation_mm, [1, 2, 3])
    assert motion.scale == pytest.approx(2.5)


def test_best_motion_never_mirrors():
    """A mirrored copy: the best proper rotation must beat a thousand random ones and still not be a reflection."""
    random = np.random.default_rng(1)
    points = random.normal(size=(40, 3)) * [3, 2, 1]
    mirrored = points * [1, 1, -1]
    motion = best_motion(points, mirrored, "rigid")
    assert np.linalg.det(motion.rotation) == pytest.approx(1.0)
    best = ((points @ motion.rotation.T + motion.translation_mm - mirrored) ** 2).sum()
    for matrix in random.normal(size=(1000, 3, 3)):
        q = np.linalg.qr(matrix)[0]
        q[:, 0] *= np.linalg.det(q)
        moved = (points - points.mean(0)) @ q.T + mirrored.mean(0)
        assert ((moved - mirrored) ** 2).sum() >= best - 1e-9


def test_apply_by_hand():
    alignment = SimilarityTransform(rotation_about("z", 90.0), np.array([10.0, 0.0, 0.0]), 2.0)
    assert np.allclose(Mesh([[1, 0, 0]], [[0, 0, 0]]).moved(alignment).vertices, [[10, 2, 0]])


def test_unknown_mode():
    assert ALIGNMENTS == ("none", "translation", "rigid", "similarity")
    with pytest.raises(InputError, match="alignment: expected one of none, translation, rigid, similarity, got 'icp'"):
        align(lopsided(), lopsided(), "icp")


def test_who_has_hardly_moved_keeps_the_nearest_that_a_search_would_find():
    """Points that move less and less, and many times only a little, against a search for each of them."""
    random = np.random.default_rng(0)
    tree, points = cKDTree(random.random((400, 3))), random.random((300, 3))
    nearest, searched = _Nearest(tree), []
    query = tree.query
    for size in (0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 0.001, 0.001):
        points = points + size * random.normal(size=3)
        nearest._tree = SimpleNamespace(data=tree.data, query=lambda p, k: searched.append(len(p)) or query(p, k))
        assert np.array_equal(nearest.to(points), query(points)[1])
    assert searched[0] == 300 and searched[-1] < 10
