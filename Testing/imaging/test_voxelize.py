"""Shares of voxels inside a surface, against boxes worked out by hand and against counting."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from tiny import CUBE

from ReVertLib.anatomy.template import load_template
from ReVertLib.imaging.volume import Volume
from ReVertLib.imaging.voxelize import coverage
from ReVertLib.mesh.inside import inside_voxels
from ReVertLib.mesh.mesh import Mesh, mesh_volume_mm3


def grid_around(mesh, spacing_mm, turn_deg=0.0, flip=1.0):
    """An empty grid turned about three axes, with a border of a voxel; left-handed where flip is -1."""
    matrix = np.eye(4)
    turn = Rotation.from_euler("xyz", [turn_deg, turn_deg / 2, turn_deg / 3], degrees=True).as_matrix()
    matrix[:3, :3] = turn * spacing_mm * [flip, 1.0, 1.0]
    at = mesh.vertices @ np.linalg.inv(matrix[:3, :3]).T
    lower = np.floor(at.min(0)) - 1.0
    matrix[:3, 3] = matrix[:3, :3] @ lower
    return Volume(np.zeros((np.ceil(at.max(0) - lower).astype(int) + 2)[::-1], np.float32), matrix)


def test_a_box_by_hand():
    """A box from 1 to 2.75 voxels along i; along j and k it fills whole voxels."""
    box = Mesh(CUBE.vertices * [1.75, 1.0, 2.0] + [0.5, 0.5, 0.5] + [0.5, 0.0, 0.0], CUBE.faces)
    share = coverage(box, Volume(np.zeros((4, 3, 5), np.float32), np.eye(4)))
    expected = np.zeros((4, 3, 5))
    expected[1:3, 1, 1:3] = [0.5, 1.0]
    expected[1:3, 1, 3] = 0.25
    assert share == pytest.approx(expected, abs=1e-6)


def test_lines_divide_a_voxel_across():
    """A box over the lower half of a voxel along j and k: one line of four."""
    box = Mesh(CUBE.vertices * [1.0, 0.5, 0.5] + 0.5, CUBE.faces)
    share = coverage(box, Volume(np.zeros((3, 3, 3), np.float32), np.eye(4)))
    assert share[1, 1, 1] == pytest.approx(0.25, abs=1e-6)
    assert share.sum() == pytest.approx(0.25, abs=1e-6)


@pytest.mark.parametrize(
    ("spacing_mm", "turn_deg", "flip"), [((1, 1, 1), 0, 1), ((1, 1, 3), 20, -1), ((2, 1, 1), 75, 1)]
)
def test_a_vertebra_as_counted(spacing_mm, turn_deg, flip):
    """Eight points along each axis of each voxel, counted by another method in a frame of the grid's own."""
    mesh = load_template().mean("L2")
    grid = grid_around(mesh, np.array(spacing_mm, float), turn_deg, flip)
    share = coverage(mesh, grid)
    assert share.sum() * np.prod(spacing_mm) == pytest.approx(mesh_volume_mm3(mesh), rel=2e-3)
    ijk_from_mm = np.linalg.inv(grid.ijk_to_lps)
    own = Mesh(mesh.vertices @ ijk_from_mm[:3, :3].T + ijk_from_mm[:3, 3], mesh.faces[:, :: int(flip)])
    size = np.array(share.shape)[::-1]
    fine = inside_voxels(own, np.full(3, -0.5 + 1 / 16), np.full(3, 1 / 8), np.zeros(3, int), size * 8 - 1)
    counted = fine.reshape(size[2], 8, size[1], 8, size[0], 8).mean((1, 3, 5))
    assert np.abs(share - counted)[counted > 0].mean() < 0.02
    assert np.abs(share - counted).max() < 0.3
    assert np.abs(np.roll(share, 1, 2) - counted)[counted > 0].mean() > 0.05  # one voxel off is seen
