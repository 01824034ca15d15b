"""How far a silhouette is from an outline that was seen."""

from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation
from seen_vertebra import CAMERA, L3, answered, camera_from_canonical, true_shape

from ReVertLib.fusion.outline import OUTSIDE_MM, STEP_MM, outline_of, pulls
from ReVertLib.fusion.shape_space import shape_space
from ReVertLib.geometry.transform import RigidTransform


def test_points_lie_at_even_steps_with_normals_outward():
    """A square of 100 pixels, what is covered to the right of every step; 35 mm a side at the vertebra's depth."""
    square = np.array([[150.0, 150.0], [250.0, 150.0], [250.0, 250.0], [150.0, 250.0]])
    found = outline_of([square], CAMERA)
    assert abs(len(found.points) - 4 * 35.0 / STEP_MM) <= 1
    middle = np.linalg.norm(found.points, axis=1).argmin()
    outward = (found.points * found.normals).sum(1)
    assert outward.min() > 0
    np.testing.assert_allclose(found.normals[middle], np.round(found.normals[middle]), atol=1e-6)


def test_specks_and_nothing_make_no_outline():
    speck = np.array([[10.0, 10.0], [12.0, 10.0], [12.0, 12.0]])
    for seen in ((), (speck,)):
        assert outline_of(seen, CAMERA).points.shape == (0, 2)


def test_a_silhouette_meets_its_own_outline():
    shape = true_shape(1)
    seen = answered(shape, 0.0)
    found = pulls(outline_of(seen.seen_px, CAMERA), shape, camera_from_canonical(0.0), shape_space().at_vertices)
    assert abs(np.median(found.off_mm) + OUTSIDE_MM) < 0.1
    assert np.abs(found.off_mm + OUTSIDE_MM).mean() < 0.25  # pixels are 0.35 mm there
    assert len(found.off_mm) > 150


def test_what_a_step_makes_good_is_what_it_says():
    """Against differences: of the shape, a turn and a shift, small enough that most matches stay as they are."""
    space, shape, pose = shape_space(), true_shape(1), camera_from_canonical(30.0)
    outline = outline_of(answered(true_shape(2), 30.0).seen_px, CAMERA)
    before = pulls(outline, shape, pose, space.at_vertices)
    random = np.random.default_rng(0)
    coefficients = 2e-3 * random.normal(size=len(space.deviations_mm))
    turn, shift = 1e-4 * random.normal(size=3), 5e-3 * random.normal(size=3)
    changed = space.shape(L3, space.displacement(coefficients)) - space.means[L3] + shape
    moved = RigidTransform(Rotation.from_rotvec(turn).as_matrix() @ pose.rotation, pose.translation_mm + shift)
    for new_shape, new_pose, told in (
        (changed, pose, before.on_shape @ coefficients),
        (shape, moved, before.on_pose @ np.concatenate([turn, shift])),
    ):
        after = pulls(outline, new_shape, new_pose, space.at_vertices)
        assert len(after.off_mm) == len(before.off_mm)
        made_good = before.off_mm - after.off_mm
        same = np.abs(made_good - told) < 0.2 * np.abs(told).max()
        assert same.mean() > 0.8
        np.testing.assert_allclose(made_good[same], told[same], atol=0.05 * np.abs(told).max())


def test_far_matches_are_left_out_and_trusted_less():
    shape, pose = true_shape(1), camera_from_canonical(0.0)
    outline = outline_of(answered(shape, 0.0).seen_px, CAMERA)
    away = replace(outline, points=outline.points + np.array([4.0 / CAMERA.sod_mm, 0.0]))
    near, all_of_it = (pulls(away, shape, pose, shape_space().at_vertices, far) for far in (2.0, np.inf))
    assert len(near.off_mm) < len(all_of_it.off_mm) == len(away.points)
    assert all_of_it.trust[np.abs(all_of_it.off_mm).argmax()] < 0.5 < all_of_it.trust.max()
