"""Endplates, wedges and places of bones, by hand and on the template."""

import numpy as np
import pytest
from tiny import deformed
from tiny_patients import SLOPE_DEG, sacrum

from ReVertLib.anatomy.landmarks import endplate_through, endplate_vertices
from ReVertLib.anatomy.template import load_template
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.geometry.views import rotation_about
from ReVertLib.mesh.mesh import Mesh, volume_centroid
from ReVertLib.registration.icp import best_motion
from ReVertLib.synthesis import vertebra
from ReVertLib.synthesis.vertebra import Bone, measured, of_label, wedge

FACES = load_template().faces


def bone_between(upper_turn, lower_turn, label=22) -> Bone:
    """A bone of no shape whose endplates are turned as told, the upper one 28 mm above the lower."""
    ends = (RigidTransform(turn, np.array([0.0, 0.0, z])) for turn, z in ((upper_turn, 14.0), (lower_turn, -14.0)))
    return Bone(label, Mesh(np.zeros((3, 3)), np.zeros((0, 3))), RigidTransform.identity(), *ends)


def test_a_plane_through_points_that_slope():
    rng = np.random.default_rng(0)
    flat = np.column_stack([rng.uniform(-20, 20, 200), rng.uniform(-15, 15, 200), np.zeros(200)])
    turn = rotation_about("x", 30.0)
    points = flat @ turn.T + [1.0, 2.0, 3.0]
    plane = endplate_through(points)
    assert np.allclose(plane.rotation, turn, atol=1e-9)
    assert np.allclose(plane.translation_mm, points.mean(0))


def test_the_endplates_of_the_means_face_up_and_down_a_body_apart():
    upper, lower = endplate_vertices()
    assert min(len(upper), len(lower)) > 80
    assert not set(upper) & set(lower)
    for mean in load_template().means.astype(float):
        top, bottom = endplate_through(mean[upper]), endplate_through(mean[lower])
        assert min(top.rotation[2, 2], bottom.rotation[2, 2]) > 0.8  # L5's slope by 30 degrees
        assert 22 < top.translation_mm[2] - bottom.translation_mm[2] < 32
        assert np.abs(top.rotation @ top.rotation.T - np.eye(3)).max() < 1e-9


@pytest.mark.parametrize("label", [18, 19, 20, 24])
def test_a_bent_bone_stays_where_it_is_and_its_shape_lies_over_the_mean(label):
    place = RigidTransform(rotation_about("x", 25.0) @ rotation_about("z", 10.0), np.array([30.0, -8.0, 100.0]))
    level = max(label - 20, 0)
    bone = of_label(label, Mesh(load_template().means[level], FACES))
    moved = bone.moved(place)
    wanted = deformed(moved.mesh_lps).vertices
    bent = moved.with_vertices(wanted)
    assert np.abs(bent.mesh_lps.vertices - wanted).max() < 1e-9
    assert np.abs(volume_centroid(bent.shape)).max() < 1e-9
    motion = best_motion(bent.shape.vertices, load_template().means[level].astype(float), "rigid")
    assert np.abs(motion.rotation - np.eye(3)).max() < 1e-9
    assert np.abs(bent.lps_from_shape.rotation @ bent.lps_from_shape.rotation.T - np.eye(3)).max() < 1e-9


def test_a_body_taller_in_front_leans_backward():
    side, back = np.degrees(wedge(bone_between(rotation_about("x", -6.0), rotation_about("x", 3.0))))
    assert (side, back) == pytest.approx((0.0, 9.0))
    side, back = np.degrees(wedge(bone_between(rotation_about("y", 5.0), np.eye(3))))
    assert (side, back) == pytest.approx((5.0, 0.0))


def test_what_is_measured_of_a_chain_by_hand():
    """Plane blocks 40 mm apart leave discs of 12 mm; S1 slopes by 40 degrees forward; L3 is tilted by 7 to a side."""
    bones = []
    for i, label in enumerate(vertebra.LABELS[:-1]):
        turn = rotation_about("y", 7.0 if i == 4 else 0.0)
        place = RigidTransform(turn, np.array([0.0, 0.0, -40.0 * i]))
        bones.append(bone_between(np.eye(3), np.eye(3), label).moved(place))
    base = RigidTransform.shift([0.0, 0.0, -40.0 * 6 - 14 - 12 / np.cos(np.radians(SLOPE_DEG))])
    found = measured([*bones, sacrum().moved(base)])
    assert found["lordosis_deg"] == pytest.approx(SLOPE_DEG)
    assert found["cobb_deg"] == pytest.approx(7.0)
    assert found["disc_heights_mm"][:3] == pytest.approx([12.0] * 3)
    assert found["disc_heights_mm"][6] == pytest.approx(12.0)
