"""Where the nearest point of a surface lies, and how far across and along the beam."""

import numpy as np
import pytest
from tiny import CUBE

from ReVertLib.mesh.distance import beam_parts_mm, offsets_mm, signed_distances_mm


def test_offsets_of_a_cube_by_hand():
    points = np.array([[0.5, 0.5, 3.0], [0.5, 0.1, 0.5], [2.0, 2.0, 0.5]])
    assert offsets_mm(points, CUBE) == pytest.approx(np.array([[0, 0, 2.0], [0, 0.1, 0], [1.0, 1.0, 0]]), abs=1e-9)


def test_offsets_are_as_long_as_the_distance():
    points = np.random.default_rng(0).uniform(-1, 2, (200, 3))
    length = np.linalg.norm(offsets_mm(points, CUBE), axis=1)
    assert length == pytest.approx(np.abs(signed_distances_mm(points, CUBE)), abs=1e-9)


def test_across_and_along_the_beam():
    """Straight ahead the beam is z; at 45 degrees an offset in x is half across and half along, by their squares."""
    points = np.array([[0.0, 0.0, 600.0], [600.0, 0.0, 600.0]])
    offsets = np.array([[3.0, 0.0, -4.0], [2.0, 0.0, 0.0]])
    expected = np.array([[5.0, 2.0], [3.0, np.sqrt(2)], [4.0, np.sqrt(2)]])
    assert beam_parts_mm(points, offsets) == pytest.approx(expected)
