"""Folds undone where they are, and nothing changed where there are none."""

import numpy as np
import pytest

from ReVertLib.anatomy.template import load_template
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.mesh.self_intersection import degenerate_faces, flipped_faces, self_intersections
from ReVertLib.registration.nonrigid import graph_laplacian
from ReVertLib.registration.untangle import filled_in, untangled

MESH = load_template().mean("L3")
MESH = Mesh(MESH.vertices.astype(float), MESH.faces)


def test_a_surface_without_folds_is_left_alone():
    moved = MESH.vertices * [1.1, 0.9, 1.0] + [0.0, 5.0, 0.0]
    assert np.array_equal(untangled(Mesh(moved, MESH.faces), MESH.vertices).vertices, moved)


@pytest.mark.parametrize("push_mm", [[0.0, -60.0, 0.0], [9.0, 0.0, 0.0]])
def test_a_vertex_pushed_through_the_surface_comes_back(push_mm):
    """The tip of the spinous process, pushed to the front or to the side: what is 15 mm away stays as it is."""
    tip = MESH.vertices[:, 1].argmax()
    moved = MESH.vertices * [1.0, 1.1, 1.0]
    moved[tip] += push_mm
    folded = Mesh(moved, MESH.faces)
    assert flipped_faces(folded, MESH.vertices).any() or len(self_intersections(folded))
    found = untangled(folded, MESH.vertices)
    assert flipped_faces(found, MESH.vertices).sum() == 0
    assert len(self_intersections(found)) == 0
    far = np.linalg.norm(MESH.vertices - MESH.vertices[tip], axis=1) > 15.0
    assert np.array_equal(found.vertices[far], moved[far])
    assert np.abs(found.vertices[tip] - MESH.vertices[tip] * [1.0, 1.1, 1.0]).max() < 1.0


def test_a_wide_fold_is_undone_by_patches_that_grow():
    """The spinous process pushed forward by 40 mm, its surroundings with it: smoothing only the flipped triangles
    would leave 72 of them."""
    distance_mm = np.linalg.norm(MESH.vertices - MESH.vertices[MESH.vertices[:, 1].argmax()], axis=1)
    push_mm = 40.0 * np.exp(-((distance_mm / 12.0) ** 2) / 2)
    found = untangled(Mesh(MESH.vertices - push_mm[:, None] * [0.0, 1.0, 0.0], MESH.faces), MESH.vertices)
    assert flipped_faces(found, MESH.vertices).sum() == 0
    assert len(self_intersections(found)) == 0


def test_random_folds_all_over_are_undone():
    noisy = Mesh(MESH.vertices + np.random.default_rng(0).normal(0, 0.4, MESH.vertices.shape), MESH.faces)
    assert flipped_faces(noisy, MESH.vertices).sum() > 50
    found = untangled(noisy, MESH.vertices)
    assert flipped_faces(found, MESH.vertices).sum() == 0
    assert len(self_intersections(found)) == 0


def test_degenerate_triangles_are_opened_where_that_is_asked_for():
    flattened = MESH.vertices.copy()
    one, other = MESH.faces[0, :2]
    flattened[one] = 0.1 * MESH.vertices[one] + 0.9 * MESH.vertices[other]
    mesh = Mesh(flattened, MESH.faces)
    assert degenerate_faces(mesh, MESH.vertices, 0.4).any()
    assert degenerate_faces(untangled(mesh, MESH.vertices, 0.4), MESH.vertices, 0.4).sum() == 0


def test_filling_in_by_hand():
    """A single vertex gets the mean of its neighbours; in a constant field the constant; all of them, zero."""
    laplacian = graph_laplacian(MESH.faces, len(MESH.vertices))
    field = np.random.default_rng(0).normal(size=MESH.vertices.shape)
    patch = np.arange(len(field)) == 700
    around = np.setdiff1d(MESH.faces[(MESH.faces == 700).any(1)], 700)
    filled = filled_in(laplacian, field, patch)
    assert filled[700] == pytest.approx(field[around].mean(0))
    assert np.array_equal(filled[~patch], field[~patch])
    constant = np.ones_like(field)
    constant[patch] = 7.0
    assert filled_in(laplacian, constant, patch) == pytest.approx(np.ones_like(field))
    assert filled_in(laplacian, field, np.ones(len(field), bool)) == pytest.approx(np.zeros_like(field), abs=1e-6)
