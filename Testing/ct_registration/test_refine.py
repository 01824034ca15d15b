"""Steps of one bone at one scale."""

import numpy as np
import pytest
from registered_sample import film, moved, off, sample_bone, true_pose

from ReVertLib.ct_registration.expected import pose_error
from ReVertLib.ct_registration.patches import Scale, patch_of
from ReVertLib.ct_registration.refine import UNITS, Distance, refined, stepped

SCALE = Scale(2.0, 6.0)


@pytest.mark.parametrize(("sd_mm", "along_mm"), [(0.2, 6.0), (50.0, 0.0)])
def test_what_is_known_of_the_distance_counts_by_its_deviation(sd_mm, along_mm):
    truth, bone = true_pose(0.0), sample_bone()
    start = moved(truth, [0.0, 0.0, 6.0], [0.0, 0.0, 0.0])
    known = Distance(float(start.apply(bone.centre_lps[None])[0, 2]), sd_mm)
    fit = refined(bone, start, [patch_of(film(0.0), bone, start, SCALE, ())], 8, known)
    assert off(fit.pose, truth)[1] == pytest.approx(along_mm, abs=1.5)
    assert 0.9 * min(sd_mm, 10.0) < pose_error(fit).along_mm < sd_mm


def test_no_rounds_only_tell_how_alike_the_start_is():
    truth, bone = true_pose(0.0), sample_bone()
    patches = [patch_of(film(0.0), bone, truth, SCALE, ())]
    away = moved(truth, [5.0, 0.0, 0.0], [0.0, 0.0, 0.0])
    here, there = (refined(bone, pose, patches, 0) for pose in (truth, away))
    assert here.pose is truth
    assert here.similarity > 0.98
    assert there.similarity < here.similarity - 0.05


def test_a_bone_beside_the_film_stays_where_it_is():
    truth, bone = true_pose(0.0), sample_bone()
    beside = moved(truth, [400.0, 0.0, 0.0], [0.0, 0.0, 0.0])
    fit = refined(bone, beside, [patch_of(film(0.0), bone, beside, SCALE, ())], 5)
    assert fit.pose is beside
    assert fit.similarity <= 0.5


def test_a_step_along_the_beam_keeps_its_place_on_the_film():
    truth, bone = moved(true_pose(0.0), [30.0, -20.0, 0.0], [0.0, 0.0, 0.0]), sample_bone()
    nearer = stepped(truth, bone.centre_lps, np.array([0, 0, -1.0, 0, 0, 0]))
    places = [pose.apply(bone.centre_lps[None])[0] for pose in (truth, nearer)]
    assert places[1][2] == pytest.approx(places[0][2] - UNITS[2])
    assert places[1][:2] / places[1][2] == pytest.approx(places[0][:2] / places[0][2])
