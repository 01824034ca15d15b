"""Whole films and where the vertebrae lie on them."""

from dataclasses import replace

import numpy as np
import pytest
from tiny_patients import patient

from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.views import camera_from_lps, view_rotation
from ReVertLib.synthesis.films import FILM_SIZE_PX, film_angles, film_marks, film_of
from ReVertLib.synthesis.vertebra import S1

CAMERA = Geometry(1100.0, 800.0, (1.5 * 1100 / 800,) * 2, (111.5, 143.5))


def seen_from(yaw_deg):
    return camera_from_lps(view_rotation(yaw_deg, 4.0, 3.0), np.zeros(3), 800.0)


@pytest.mark.parametrize("yaw_deg", [0.0, -90.0, 40.0, 180.0])
def test_boxes_are_those_of_the_projected_bones(yaw_deg):
    motion = seen_from(yaw_deg)
    marks, view = film_marks(patient(), motion, CAMERA), patient().view(motion, CAMERA, FILM_SIZE_PX)
    assert marks.labels.tolist() == [18, 19, 20, 21, 22, 23, 24, 26]
    for box, bone in zip(marks.boxes[:-1], view.bones[:-1], strict=True):
        assert box == pytest.approx(bone.box_px, abs=2.0)


@pytest.mark.parametrize("yaw_deg", [0.0, -90.0, 180.0])
def test_corners_go_around_the_body_from_the_cranial_left(yaw_deg):
    marks = film_marks(patient(), seen_from(yaw_deg), CAMERA)
    for corners, centre in zip(marks.corners[:-1], marks.centres[:-1], strict=True):
        down = corners[2:].mean(0) - corners[:2].mean(0)
        down /= np.linalg.norm(down)
        assert down[1] > 0.5
        across, along = (corners - centre) @ [down[1], -down[0]], (corners - centre) @ down
        assert (np.array([-1, 1, 1, -1]) * across > 7).all()
        assert (np.array([-1, -1, 1, 1]) * along > 5).all()
        assert corners.mean(0) == pytest.approx(centre, abs=3.0)
    assert np.isnan(marks.corners[-1, 2:]).all()
    assert np.isfinite(marks.corners[-1, :2]).all()


def test_the_middle_of_s1_lies_below_its_endplate():
    marks = film_marks(patient(), seen_from(-90.0), CAMERA)
    endplate = marks.corners[-1, :2].mean(0)
    assert np.linalg.norm(marks.centres[-1] - endplate) * 1.5 == pytest.approx(15.0, abs=1.0)
    assert marks.centres[-1, 1] > endplate[1]


def test_without_last_ribs_there_are_six_lumbar_vertebrae():
    somebody = replace(patient(), metadata=patient().metadata | {"last_ribs": "none"})
    assert film_marks(somebody, seen_from(0.0), CAMERA).labels.tolist() == [19, 20, 21, 22, 23, 24, 25, S1]


def test_layers_add_up_to_the_radiograph():
    motion = seen_from(0.0)
    spine, body = patient().spine_and_body(motion, CAMERA, (56, 72))
    assert spine + body == pytest.approx(patient().image(motion, CAMERA, (56, 72)), abs=1e-4)


def test_a_film_shows_the_bones_at_its_marks():
    film = film_of(patient(), (0.0, 0.0, 0.0), np.random.default_rng(0))
    assert film.spine.shape == film.body.shape == FILM_SIZE_PX[::-1]
    for u, v in film.marks.centres[1:-1]:
        assert film.spine[round(v), round(u)] > 0.2
    assert film.rows[0] < film.marks.centres[0, 1] < film.marks.centres[-1, 1] < film.rows[1]


def test_views_are_of_a_clinic_and_of_all_around():
    rng = np.random.default_rng(0)
    yaw, pitch, roll = np.array([film_angles(rng) for _ in range(800)]).T
    assert (np.abs(pitch).max() <= 20, np.abs(roll).max() <= 15) == (True, True)
    near = np.stack([np.abs((yaw - way + 180) % 360 - 180) < 20 for way in (0, 180, 90, -90)])
    assert (near.mean(1) > 0.12).all()
    assert 0.15 < 1 - near.any(0).mean() < 0.5
