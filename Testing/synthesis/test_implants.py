"""Shadows of cylinders by hand, and where screws and needles go."""

from dataclasses import replace

import numpy as np
import pytest

from ReVertLib.anatomy.template import load_template
from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.geometry.views import view_rotation
from ReVertLib.imaging.volume import Volume
from ReVertLib.projection.projector import Projector
from ReVertLib.synthesis.bone import drawn_bone, voxelised
from ReVertLib.synthesis.implants import (
    CEMENT,
    STEEL,
    TITANIUM,
    Cylinder,
    cemented,
    needle,
    pedicle_axis,
    screws_and_rods,
)
from ReVertLib.synthesis.vertebra import of_label

CAMERA = Geometry(1000.0, 500.0, (0.5, 0.5), (60.0, 60.0))
AP = RigidTransform(view_rotation(), np.array([0.0, 0.0, 500.0]))


@pytest.fixture
def l3():
    return of_label(22, load_template().mean("L3"))


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


def test_screws_run_through_the_pedicles_into_the_body(l3):
    for left in (True, False):
        middle, into = pedicle_axis(l3, left)
        side = 1 if left else -1
        assert 11 < side * middle[0] < 22
        assert into[1] < -0.8  # forward
        assert side * into[0] < 0  # towards the middle
        matrix = np.diag([1.0, 1.0, 1.0, 1.0])
        matrix[:3, 3] = -60.0
        bone = voxelised(l3.mesh_lps, Volume(np.zeros((120, 120, 120), np.uint8), matrix))
        for step_mm in (-3, 0, 5, 15, 25):
            i, j, k = np.rint(middle + step_mm * into + 60).astype(int)
            assert bone[k, j, i], step_mm


def test_an_instrumented_pair_has_four_screws_and_two_rods(l3):
    l4 = of_label(23, load_template().mean("L4"))
    l4.matrix[2, 3] -= 36.0
    parts = screws_and_rods((l3, l4), np.random.default_rng(0))
    assert len(parts) == 2 * (2 * 2 + 1)
    assert {p.mu for p in parts} == {TITANIUM}
    rods = [p for p in parts if p.radius_mm == 2.75]
    for rod in rods:
        assert 36 < np.linalg.norm(rod.end - rod.start) < 65
        assert min(rod.start[1], rod.end[1]) > 15  # behind the joints


def test_a_needle_ends_in_the_vertebra_and_begins_outside(l3):
    for seed in range(5):
        steel = needle(l3, np.random.default_rng(seed))
        assert steel.mu == STEEL
        assert steel.start[1] > 70
        assert np.abs(steel.end - l3.mesh_lps.vertices).max(1).min() < 20


def test_cement_lies_in_the_body_and_changes_nothing_else(l3):
    bone = drawn_bone(l3.shape, np.random.default_rng(0))
    before = Volume(bone.array, l3.matrix @ bone.ijk_to_lps)
    for seed in range(3):
        after = cemented(before, l3, np.random.default_rng(seed))
        changed = after.array != before.array
        assert after.array[changed].min() >= np.float32(CEMENT)
        assert before.array[changed].min() > 0
        k, j, i = np.nonzero(changed)
        points = np.stack([i, j, k], 1) @ before.ijk_to_lps[:3, :3].T + before.ijk_to_lps[:3, 3]
        assert 400 < len(points) * before.spacing_mm.prod() < 12_000
        middle = (l3.upper_lps[:3, 3] + l3.lower_lps[:3, 3]) / 2
        assert np.linalg.norm(points.mean(0) - middle) < 9
