"""A CT and films for the module: what the library is asked with, and what comes back."""

import json

import numpy as np
import pytest

from ReVertLib.ct_registration.records import ACCEPTED, CtRegistration, Judgement, PoseError, RegisteredVertebra
from ReVertLib.geometry.layers import LayeredGeometry
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.geometry.views import view_rotation
from ReVertLib.imaging.labels import label_mesh
from ReVertLib.imaging.volume import Volume
from ReVertLib.service.registration import CtGiven, FilmGiven
from ReVertLib.service.service import Service

KNOWN = LayeredGeometry().over({"sdd_mm": 1000, "sod_mm": 700, "pixel_spacing_mm": [1, 1], "yaw_deg": 0}, "entered")
BOXES = {"L2": (60.0, 20.0, 140.0, 80.0), "L3": (60.0, 80.0, 140.0, 140.0)}
SECOND = RigidTransform.shift([-35.0, 0.0, 0.0])
POSE = RigidTransform(view_rotation(), np.array([0.0, 0.0, 700.0]))


@pytest.fixture
def ct():
    """A block of 600 HU, 24 x 20 x 16 mm around the origin, in TotalSegmentator's number of L3."""
    to_lps = np.diag([1.0, 1.0, 1.0, 1.0])
    to_lps[:3, 3] = [-14.5, -12.5, -10.5]
    labels = np.zeros((22, 26, 30), np.uint8)
    labels[3:19, 3:23, 3:27] = 29
    array = np.where(labels, 600, -1000).astype(np.int16)
    return CtGiven(array, to_lps, labels[2:], to_lps @ _shift(0, 0, 2), "totalsegmentator-v2")


def _shift(*by):
    matrix = np.eye(4)
    matrix[:3, 3] = by
    return matrix


@pytest.fixture
def asked(monkeypatch):
    """(CT, labels, films) of each call; the answer is L3 at POSE."""
    asked = []

    def registered(ct, labels, films, second_from_first, say):
        say("L3, 3 mm")
        asked.append((ct, labels, films))
        mesh = label_mesh(Volume((labels.array == 22).astype(np.uint8), labels.ijk_to_lps), 1).moved(POSE)
        judged = Judgement(ACCEPTED, "alike", 0.99, 0.9, 1.0, {})
        one = RegisteredVertebra("L3", POSE, POSE, mesh, np.zeros(len(mesh.vertices)), PoseError(0.3, 4.0, 1.0), judged)
        return CtRegistration((one,), SECOND if len(films) > 1 else None, False, 1.0)

    monkeypatch.setattr("ReVertLib.ct_registration.register.registered", registered)
    monkeypatch.setattr("ReVertLib.spine.film.film_result", lambda _predictor, given, second_view: given)
    return asked


def film(boxes, level="L3", known=KNOWN):
    pixels = np.zeros((160, 200), np.float32)
    pixels[60:100, 70:130] = np.linspace(0.5, 1, 60)
    return FilmGiven(pixels, known, boxes, level)


def test_what_comes_back_lies_on_the_film(ct, asked):
    told = []
    answer = Service(predictor=object()).register(ct, [film(BOXES)], lambda *stage: told.append(stage))
    assert told[2] == ("Aligning the CT: L3, 3 mm", 2, 14)  # of 4 and 5 a vertebra
    ((_ct, labels, ((given, _result),)),) = asked
    assert set(np.unique(labels.array)) == {0, 22}
    assert labels.array.shape == ct.ct.shape
    assert list(given.asked) == ["L2", "L3"]
    assert given.anchor == "L3"
    # 24 x 16 mm at 700 of 1000 mm around the middle of 200 x 160 pixels of 1 mm; in soft tissue 20 mm deep.
    (line,) = answer.outlines_px[0]["L3"]
    assert np.ptp(line, axis=0) == pytest.approx([34.3, 22.9], abs=2)
    assert answer.drr.shape == (160, 200)
    assert answer.drr[80, 100] == pytest.approx(20 * (0.6 * 0.0573 + 0.4 * 0.0192 - 1.04 * 0.0192), rel=0.02)
    assert json.loads(answer.report)["vertebrae"]["L3"]["judgement"]["word"] == ACCEPTED


def test_the_second_film_has_its_own_outlines(ct, asked):
    second = KNOWN.over({"principal_point_px": (109.5, 79.5)}, "sidecar")
    answer = Service(predictor=object()).register(ct, [film(BOXES), film(BOXES, known=second)])
    (line,), (other,) = (drawn["L3"] for drawn in answer.outlines_px)
    # 35 mm to the left of the second camera's axis, 690 mm deep at the front, and its image 10 pixels to the right.
    assert other.min(0) - line.min(0) == pytest.approx([-35 / 0.69 + 10, 0], abs=0.3)


def test_the_distance_is_that_of_the_only_vertebra(ct, asked):
    other = KNOWN.over({"level": "L1", "box_px": (10.0, 10.0, 20.0, 20.0)}, "sidecar")
    own = KNOWN.over({"level": "L4", "box_px": (50.0, 50.0, 150.0, 150.0)}, "sidecar")
    films = [film({"L2": BOXES["L2"]}), film({}, "L4", other), film({}, "L4", own)]
    Service(predictor=object()).register(ct, films[:2])
    Service(predictor=object()).register(ct, films[2:])
    found = [one for _ct, _labels, films in asked for one in films]
    asked_for = [
        (given.anchor, {level: one.geometry.box_px for level, one in given.asked.items()}) for given, _ in found
    ]
    assert asked_for[0] == ("L2", {"L2": BOXES["L2"]})
    assert asked_for[1] == ("L4", {"L4": (70.0, 60.0, 130.0, 100.0)})  # what is not black, not the box of another level
    assert asked_for[2] == ("L4", {"L4": (50.0, 50.0, 150.0, 150.0)})
