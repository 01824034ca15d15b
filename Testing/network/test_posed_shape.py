"""Estimates in the camera frame, and rotations as torch and SciPy know them."""

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from ReVertLib.network.posed_shape import PosedShape, rotation_vector, skew


def test_a_surface_in_the_camera_by_hand():
    turn = torch.tensor([[[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]])
    surface = PosedShape(turn, torch.tensor([[10.0, 20.0, 500.0]]), torch.tensor([[[1.0, 2.0, 3.0]]]))
    assert surface.vertices.tolist() == [[[8.0, 21.0, 503.0]]]


def testrotation_vectors_are_scipys():
    vectors = np.random.default_rng(0).normal(0, 1, (20, 3)) * np.geomspace(1e-4, 3, 20)[:, None]
    found = rotation_vector(torch.as_tensor(vectors)).numpy()
    assert np.abs(found - Rotation.from_rotvec(vectors).as_matrix()).max() < 1e-9
    assert torch.equal(rotation_vector(torch.zeros(1, 3))[0], torch.eye(3))


def test_no_rotation_has_the_gradient_of_a_small_one():
    """Of the sine of the angle, to each axis; where a network starts."""
    vector = torch.zeros(1, 3, requires_grad=True)
    weights = torch.arange(9.0).reshape(3, 3)
    (rotation_vector(vector)[0] * weights).sum().backward()
    assert vector.grad[0].tolist() == [7.0 - 5.0, 2.0 - 6.0, 3.0 - 1.0]


def test_a_skew_matrix_is_a_cross_product():
    random = torch.Generator().manual_seed(0)
    first, second = torch.randn(2, 4, 5, 3, generator=random)
    found = (skew(first) @ second[..., None])[..., 0]
    assert torch.allclose(found, torch.linalg.cross(first, second), atol=1e-6)
