"""One rigid motion for everything: its inverse, product, matrix and angle against what a hand computes."""

import numpy as np
import pytest

from ReVertLib.geometry.transform import RigidTransform, SimilarityTransform
from ReVertLib.geometry.views import view_rotation

QUARTER = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
POINTS = np.array([[1.0, 0.0, 0.0], [0.0, 2.0, 3.0]])


def test_a_quarter_turn_and_a_shift_by_hand():
    motion = RigidTransform(QUARTER, np.array([10.0, 0.0, 0.0]))
    assert np.array_equal(motion.apply(POINTS), [[10, 1, 0], [8, 0, 3]])
    assert motion.angle_deg == pytest.approx(90.0)
    assert motion.scale == 1.0


def test_about_a_centre():
    motion = RigidTransform.about(np.array([3.0, -8.0, 5.0]), view_rotation(20, 30, 40), np.array([1.0, 2.0, 600.0]))
    assert np.allclose(motion.apply(np.array([[3.0, -8.0, 5.0]])), [[1.0, 2.0, 600.0]])


@pytest.mark.parametrize(
    "motion",
    [
        RigidTransform(view_rotation(20, 30, 40), np.array([1.0, -2.0, 600.0])),
        SimilarityTransform(view_rotation(-80, 5, 170), np.array([9.0, 0.0, -3.0]), 1.25),
    ],
    ids=["rigid", "similarity"],
)
def test_matrix_inverse_and_product_agree_with_linear_algebra(motion):
    other = RigidTransform(QUARTER, np.array([0.0, 5.0, 0.0]))
    assert np.allclose((motion @ other).matrix, motion.matrix @ other.matrix)
    assert np.allclose((other @ motion).matrix, other.matrix @ motion.matrix)
    assert np.allclose(motion.inverse.matrix, np.linalg.inv(motion.matrix))
    assert np.allclose(motion.inverse.apply(motion.apply(POINTS)), POINTS)
    assert np.allclose(motion.apply(POINTS), POINTS @ motion.matrix[:3, :3].T + motion.matrix[:3, 3])


def test_what_keeps_lengths_stays_rigid():
    motion = RigidTransform(QUARTER, np.ones(3))
    assert type(motion.inverse) is type(motion @ motion) is RigidTransform
    assert type(SimilarityTransform(QUARTER, np.ones(3), 2.0).inverse) is SimilarityTransform


def test_identity_turn_shift_and_matrix():
    assert np.array_equal(RigidTransform.identity().matrix, np.eye(4))
    assert np.array_equal(RigidTransform.turn(QUARTER).apply(POINTS), [[0, 1, 0], [-2, 0, 3]])
    assert np.array_equal(RigidTransform.shift([1, 2, 3]).apply(POINTS), [[2, 2, 3], [1, 4, 6]])
    matrix = RigidTransform(QUARTER, np.arange(3.0)).matrix
    assert np.array_equal(RigidTransform.from_matrix(matrix).matrix, matrix)


@pytest.mark.parametrize(("angles", "degrees"), [((0, 0, 0), 0.0), ((180, 0, 0), 180.0), ((0, 35, 0), 35.0)])
def test_angle(angles, degrees):
    turn = view_rotation(*angles) @ view_rotation().T
    assert RigidTransform.turn(turn).angle_deg == pytest.approx(degrees, abs=1e-6)
