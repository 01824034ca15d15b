"""Shadows of cylinders by hand, and against their voxels."""

from dataclasses import replace

import numpy as np
import pytest

from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.geometry.views import view_rotation
from ReVertLib.imaging.volume import Volume
from ReVertLib.projection.cylinder import Cylinder
from ReVertLib.projection.projector import Projector

CAMERA = Geometry(1000.0, 500.0, (0.5, 0.5), (60.0, 60.0))
AP = RigidTransform(view_rotation(), np.array([0.0, 0.0, 500.0]))


def test_rays_across_and_along_a_cylinder():
    upright = Cylinder(np.array([0.0, 0, -10]), np.array([0.0, 0, 10]), 3.0, 0.5)
    image = upright.line_integrals(AP, CAMERA, (121, 121))
    assert image[60, 60] == pytest.approx(0.5 * 6.0)
    assert image[60, 52] == pytest.approx(0.5 * 2 * np.sqrt(9 - 4), rel=1e-3)  # 2 mm beside the axis
    assert image[60, 47] == image[5, 60] == 0.0
    along = Cylinder(np.array([0.0, -30, 0]), np.array([0.0, 10, 0]), 3.0, 0.5)
    assert along.line_integrals(AP, CAMERA, (121, 121))[60, 60] == pytest.approx(0.5 * 40.0)


@pytest.mark.parametrize("yaw", [0, 35, 90])
def test_a_cylinder_against_its_voxels(yaw):
    """A second way: the same cylinder as voxels of 0.5 mm, through the projector."""
    rod = Cylinder(np.array([-8.0, -6, -9]), np.array([7.0, 9, 8]), 3.0, 0.4)
    matrix = np.diag([0.5, 0.5, 0.5, 1.0])
    matrix[:3, 3] = -15.0
    volume = Volume(np.zeros((61, 61, 61), np.float32), matrix)
    rod.drawn_on(volume)
    assert volume.array.sum() * 0.125 == pytest.approx(0.4 * np.pi * 9 * np.linalg.norm(rod.end - rod.start), rel=0.04)
    pose = replace(AP, rotation=view_rotation(yaw, 10.0))
    exact = rod.line_integrals(pose, CAMERA, (121, 121))
    voxels = Projector(volume).line_integrals(pose, CAMERA, (121, 121))
    assert np.abs(exact - voxels).mean() < 0.03 * exact[exact > 0].mean()
