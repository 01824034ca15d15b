"""The original's protocol by hand: balls of cubes, and the loss it was trained with."""

import numpy as np
import pytest
import tiny
import torch

from ReVertLib.anatomy.template import baseline_mesh
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.geometry.views import rotation_about
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.metrics.surface import dice
from ReVertLib.metrics.unit_ball import onto_ball
from ReVertLib.training.loss_terms import sphere_loss


def cube(side, corner):
    return Mesh(side * tiny.CUBE.vertices + corner, tiny.CUBE.faces)


def test_a_cube_takes_the_place_and_size_of_another():
    """From side 2 about (1, 1, 1) to side 6 about (13, 3, 3)."""
    motion = onto_ball(cube(2.0, [0, 0, 0]), cube(6.0, [10, 0, 0]))
    assert motion.scale == pytest.approx(3.0)
    assert (motion.rotation == np.eye(3)).all()
    assert motion.translation_mm == pytest.approx([10, 0, 0], abs=1e-9)
    assert np.allclose(cube(2.0, [0, 0, 0]).moved(motion).vertices, cube(6.0, [10, 0, 0]).vertices)


def test_the_middle_is_that_of_the_box_and_not_of_the_vertices():
    """A spike far out on one side makes the ball, however many vertices lie on the other."""
    spiked = Mesh(np.vstack([tiny.CUBE.vertices, [[9.0, 0.5, 0.5]]]), tiny.CUBE.faces)
    motion = onto_ball(spiked, cube(2.0, [-1, -1, -1]))
    assert motion.scale == pytest.approx(np.sqrt(3) / np.sqrt(4.5**2 + 2 * 0.5**2))
    assert motion.translation_mm == pytest.approx(-motion.scale * np.array([4.5, 0.5, 0.5]))


def test_the_ball_is_that_of_the_published_loss():
    """What the loss makes of a truth, and what `onto_ball` makes of it in the ball of radius 1, are the same points."""
    truth = tiny.deformed(baseline_mesh("L4")).moved(
        RigidTransform(rotation_about("x", 70.0), np.array([5.0, 4.0, 600.0]))
    )
    ball = Mesh([[-1, 0, 0], [1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]], np.zeros((0, 3)))
    points = torch.as_tensor(truth.moved(onto_ball(truth, ball)).vertices)[None]
    vertices = torch.as_tensor(truth.vertices)[None]
    assert float(sphere_loss(points, vertices)["chamfer"]) < 1e-12
    assert float(sphere_loss(1.1 * points, vertices)["chamfer"]) > 1e-4


def test_a_wrong_view_is_not_forgiven():
    truth = baseline_mesh("L3")
    turned = truth.moved(RigidTransform.turn(rotation_about("z", 20.0)))
    assert dice(turned.moved(onto_ball(turned, truth)), truth) < 0.8
    assert dice(truth.moved(onto_ball(truth, truth)), truth) == 1.0
