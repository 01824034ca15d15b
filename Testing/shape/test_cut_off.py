"""Vertebrae that a scan cuts off: where it does, and that the missing tip comes back."""

import numpy as np

from ReVertLib.anatomy.template import load_template
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.imaging.labels import label_mesh
from ReVertLib.imaging.volume import Volume
from ReVertLib.mesh.inside import inside_voxels
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.registration.correspondence import fitted
from ReVertLib.shape.cut_off import Border, continued, cuts


def label_map(mesh, lower, upper):
    """Voxels of 1 mm between two corners, mm; label 22 inside the mesh."""
    matrix = np.eye(4)
    matrix[:3, 3] = lower
    size = np.asarray(upper) - lower
    inside = inside_voxels(mesh, matrix[:3, 3], np.ones(3), np.zeros(3, int), size - 1)
    return Volume(22 * inside.astype(np.uint8), matrix)


def test_a_plane_through_a_process_is_a_cut_and_a_tip_at_the_border_is_none():
    mesh = load_template().mean("L3")
    low, high = np.floor(mesh.vertices.min(0)).astype(int) - 3, np.ceil(mesh.vertices.max(0)).astype(int) + 4
    assert cuts(label_map(mesh, low, high), 22) == ()
    assert cuts(label_map(mesh, [int(mesh.vertices[:, 0].min()), *low[1:]], high), 22) == ()
    (border,) = cuts(label_map(mesh, [-30, *low[1:]], high), 22)
    assert np.allclose(border.outward, [-1, 0, 0])
    assert border.point[0] == -30.5
    assert np.allclose(border.mirrored.outward, [1, 0, 0])
    assert border.mirrored.point[0] == 30.5


def test_a_border_is_reached_from_a_little_before_it():
    border = Border(np.array([10.0, 0, 0]), np.array([1.0, 0, 0]))
    assert border.reached(np.array([[6.0, 5, 5], [8.0, 0, 0], [20.0, 0, 0]])).tolist() == [False, True, True]


def test_a_cut_off_process_is_continued_as_the_start_is_shaped():
    """An L3 larger than the mean, one transverse process cut off: its tip comes back to within a few mm, where the fit
    to the cut surface ends at the cut."""
    mean = load_template().mean("L3")
    whole = Mesh(1.08 * mean.vertices, mean.faces)
    low, high = np.floor(whole.vertices.min(0)).astype(int) - 3, np.ceil(whole.vertices.max(0)).astype(int) + 4
    labels = label_map(whole, [-28, *low[1:]], high)
    borders, fit = cuts(labels, 22), fitted(mean, label_mesh(labels, 22))
    tip = int(mean.vertices[:, 0].argmin())
    off_mm = np.linalg.norm(continued(fit, mean, borders).vertices[tip] - whole.vertices[tip])
    assert fit.vertices[tip, 0] > -30
    assert off_mm < 4 < np.linalg.norm(fit.vertices[tip] - whole.vertices[tip])


def test_what_is_far_from_the_cut_stays():
    mean = load_template().mean("L3")
    moved = mean.moved(RigidTransform.shift([3.0, 0.0, 0.0]))
    border = Border(np.array([-25.0, 0, 0]), np.array([-1.0, 0, 0]))
    found = continued(moved, mean, [border])
    assert np.abs(found.vertices - moved.vertices).max() < 0.1
