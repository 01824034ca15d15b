"""Bones that stood in each other, and bones that never did."""

from dataclasses import replace

import numpy as np
from tiny import CUBE, assert_vertebra
from tiny_patients import sacrum

from ReVertLib.anatomy.template import load_template
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.synthesis.contacts import MOST_SLIDE_MM, contacts_resolved, overlap_mm3, slid_clear
from ReVertLib.synthesis.vertebra import Bone, of_label


def block(at, size=(10.0, 10.0, 10.0)) -> Bone:
    return replace(sacrum(), shape=Mesh(CUBE.vertices * size + at, CUBE.faces))


def vertebra(label, z_mm, y_mm=0.0) -> Bone:
    return of_label(label, load_template().mean(None)).moved(RigidTransform.shift([0.0, y_mm, z_mm]))


def test_the_overlap_of_blocks_by_hand():
    bones = [block((0, 0, 0)), block((4.0, 3.0, 8.0)), block((4.0, 3.0, 30.0))]
    assert overlap_mm3(bones) == 6 * 7 * 2
    assert overlap_mm3(bones[1:]) == 0.0
    assert overlap_mm3(bones[::-1]) == overlap_mm3(bones)


def test_bones_that_do_not_touch_stay_as_they_are():
    bones = (vertebra(21, 60.0), vertebra(22, 0.0))
    assert all(a is b for a, b in zip(bones, contacts_resolved(bones), strict=True))
    assert np.array_equal(slid_clear(bones[0], bones[1]).lps_from_shape.matrix, bones[0].lps_from_shape.matrix)


def test_joints_that_run_through_each_other_give_way_on_both_sides():
    bones = (vertebra(21, 34.5), vertebra(22, 0.0))
    assert overlap_mm3(bones) > 50
    found = contacts_resolved(bones)
    assert overlap_mm3(found) <= 1.0
    for before, after in zip(bones, found, strict=True):
        assert_vertebra(after.shape)
        moved = np.linalg.norm(after.mesh_lps.vertices - before.mesh_lps.vertices, axis=1)
        assert 0.1 < moved.max() < 6.0
        assert np.median(moved) < 0.05


def test_the_sacrum_does_not_give_way():
    l5, disc = of_label(24, load_template().mean("L5")), RigidTransform.shift([0.0, 0.0, -0.7])
    bones = (replace(l5, lps_from_shape=sacrum().lps_from_upper @ disc @ l5.shape_from_lower.inverse), sacrum())
    assert overlap_mm3(bones) > 50
    found = contacts_resolved(bones)
    assert found[1] is bones[1]
    assert overlap_mm3(found) < 0.1 * overlap_mm3(bones)


def test_a_bone_slides_out_of_the_one_below_but_not_far():
    below, above = vertebra(22, 0.0), vertebra(21, 34.5, -2.0)
    slid = slid_clear(above, below)
    assert overlap_mm3([slid, below]) < 0.5 * overlap_mm3([above, below])
    assert np.array_equal(slid.lps_from_shape.rotation, above.lps_from_shape.rotation)
    way = slid.lps_from_shape.translation_mm - above.lps_from_shape.translation_mm
    assert 0.1 < np.linalg.norm(way) <= MOST_SLIDE_MM + 1e-9
