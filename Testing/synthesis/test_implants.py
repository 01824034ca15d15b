"""Where screws and needles go."""

import numpy as np
import pytest

from ReVertLib.anatomy.template import load_template
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.imaging.volume import Volume
from ReVertLib.synthesis.bone import drawn_bone, voxelised
from ReVertLib.synthesis.implants import (
    CEMENT,
    STEEL,
    TITANIUM,
    cemented,
    needle,
    pedicle_axis,
    screws_and_rods,
)
from ReVertLib.synthesis.vertebra import of_label


@pytest.fixture
def l3():
    return of_label(22, load_template().mean("L3"))


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
    l4 = of_label(23, load_template().mean("L4")).moved(RigidTransform.shift([0.0, 0.0, -36.0]))
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
    before = Volume(bone.array, l3.lps_from_shape.matrix @ bone.ijk_to_lps)
    for seed in range(3):
        after = cemented(before, l3, np.random.default_rng(seed))
        changed = after.array != before.array
        assert after.array[changed].min() >= np.float32(CEMENT)
        assert before.array[changed].min() > 0
        k, j, i = np.nonzero(changed)
        points = np.stack([i, j, k], 1) @ before.ijk_to_lps[:3, :3].T + before.ijk_to_lps[:3, 3]
        assert 400 < len(points) * before.spacing_mm.prod() < 12_000
        middle = (l3.lps_from_upper.translation_mm + l3.lps_from_lower.translation_mm) / 2
        assert np.linalg.norm(points.mean(0) - middle) < 9
