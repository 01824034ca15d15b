"""Views: rotations of the right kinds, images centred as a hand-drawn box would."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from ReVertLib.anatomy.template import load_template
from ReVertLib.geometry.crop_camera import crop_camera
from ReVertLib.geometry.views import view_rotation
from ReVertLib.synthesis import views as module


def test_views_are_rotations_and_mostly_near_ap_and_lateral():
    rng = np.random.default_rng(0)
    views = np.stack([module.sample_view(rng) for _ in range(400)])
    assert np.abs(views @ views.transpose(0, 2, 1) - np.eye(3)).max() < 1e-12
    assert np.linalg.det(views) == pytest.approx(np.ones(400))
    upright = views[:, 1, 2] < -np.cos(np.radians(35))  # image rows run to the patient's feet
    assert 0.8 < upright.mean() < 0.97


def test_positions_centre_the_image_to_within_a_hand_drawn_box():
    rng = np.random.default_rng(0)
    camera = crop_camera(600.0)
    vertices = load_template().means[2].astype(float) @ module.sample_view(rng).T
    off = []
    for _ in range(200):
        seen = camera.project(vertices + module.sample_position(vertices, 600.0, camera, rng))
        off.append((seen.min(0) + seen.max(0)) / 2 - 63.5)
    assert np.abs(np.mean(off, 0)).max() < 0.6
    assert np.std(off, 0) == pytest.approx([2.5, 2.5], rel=0.15)


def test_an_aligned_view_looks_along_the_axes_of_the_ct():
    """Whatever way the CT is turned, from it the view is AP, lateral or oblique to the last digit."""
    axes = Rotation.from_euler("xyz", [12, -5, 4], degrees=True).as_matrix()
    rng = np.random.default_rng(0)
    seen = [module.aligned_view(axes, rng) @ axes.T for _ in range(60)]
    yaws = {yaw: sum(np.allclose(view, view_rotation(yaw)) for view in seen) for yaw in (0, 90, -90, 25, -25)}
    assert sum(yaws.values()) == 60
    assert min(yaws.values()) > 3
