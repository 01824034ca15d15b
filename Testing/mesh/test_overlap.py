"""The volume that two surfaces share."""

import numpy as np
import pytest
from solids import cube

from ReVertLib.anatomy.template import load_template
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.geometry.views import view_rotation
from ReVertLib.mesh.inside import inside_voxels
from ReVertLib.mesh.overlap import shared_volume_mm3


def test_blocks_by_hand():
    """Of 20 mm, shifted by 13, 15 and 4 mm: 7 x 5 x 16; apart along one axis; one within the other."""
    block = cube(20.0)
    assert shared_volume_mm3(block, cube(20.0, (13.0, -15.0, 4.0))) == 7 * 5 * 16
    assert shared_volume_mm3(block, cube(20.0, (3.0, 2.0, 20.5))) == 0
    assert shared_volume_mm3(cube(6.0, (1.0, 2.0, 3.0)), block) == 6**3


@pytest.mark.parametrize("yaw_deg", [0.0, 35.0])
def test_neighbours_share_the_voxels_that_lie_in_both(yaw_deg):
    template, turn = load_template(), RigidTransform.turn(view_rotation(yaw_deg))
    above = template.mean("L2").moved(RigidTransform.shift(np.array([0.3, -1.2, 26.1]))).moved(turn)
    below = template.mean("L3").moved(turn)
    low = np.maximum(above.vertices.min(0), below.vertices.min(0))
    size = np.ceil(np.minimum(above.vertices.max(0), below.vertices.max(0)) - low).astype(int)
    grid = low + 0.5, np.ones(3), np.zeros(3, int), size - 1
    expected = (inside_voxels(above, *grid) & inside_voxels(below, *grid)).sum()
    assert expected > 300
    assert shared_volume_mm3(above, below) == pytest.approx(expected, abs=2)
