"""From how far off starts come back."""

import pytest
from registered_sample import film, moved, sample_bone, true_pose

from ReVertLib.ct_registration import capture
from ReVertLib.ct_registration.capture import captured
from ReVertLib.ct_registration.patches import Scale
from ReVertLib.ct_registration.refine import Fit


@pytest.fixture(autouse=True)
def coarse(monkeypatch):
    monkeypatch.setattr(capture, "SCALES", (Scale(4.0, 8.0), Scale(2.5, 5.0, near=True)))
    monkeypatch.setattr(capture, "ROUNDS", (8, 8))
    monkeypatch.setattr(capture, "OFF", (4, 60))
    monkeypatch.setattr(capture, "STARTS", 2)


def fit_at(pose):
    return Fit(pose, 1.0, 0.0, None)


def test_starts_nearby_come_back_and_others_do_not():
    assert captured(sample_bone(), fit_at(true_pose(20.0)), [film(20.0)], 3.0, ()) == {"4": 1.0, "60": 0.0}


def test_nothing_comes_back_to_where_the_bone_is_not():
    wrong = moved(true_pose(20.0), [8.0, 0.0, 0.0], [0.0, 20.0, 0.0])
    assert captured(sample_bone(), fit_at(wrong), [film(20.0)], 3.0, ()) == {"4": 0.0, "60": 0.0}
