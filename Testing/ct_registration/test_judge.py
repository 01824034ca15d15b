"""What a pose is worth, from what was seen."""

from dataclasses import replace

import numpy as np
import pytest
from registered_sample import CAMERA, film, off, sample_bone, true_pose

from ReVertLib.ct_registration.judge import HIGHER, LOWER, MIRRORED, Looked, judged, looked_around, looked_at, mirrored
from ReVertLib.ct_registration.records import ACCEPTED, CHECK, REFUSED
from ReVertLib.ct_registration.refine import Fit
from ReVertLib.ct_registration.starts import mirrored_start


def fit(similarity: float, restarts: float = 1.0) -> Fit:
    return Fit(true_pose(0.0), similarity, 1.0, np.eye(6), restarts)


def look(own: float = 0.92, **rivals: float) -> Looked:
    names = {"higher": HIGHER, "lower": LOWER, "mirrored": MIRRORED}
    return Looked(own, {names[name]: value for name, value in rivals.items()}, 0.85)


@pytest.mark.parametrize(
    ("similarity", "restarts", "word", "reason"),
    [
        (0.95, 1.0, ACCEPTED, "film and CT are alike (0.95)"),
        (0.88, 1.0, CHECK, "only somewhat alike (0.88"),
        (0.95, 0.25, CHECK, "starts nearby end elsewhere"),
        (0.80, 1.0, REFUSED, "not alike (0.80"),
    ],
)
def test_a_pose_is_judged_by_its_similarity_and_restarts(similarity, restarts, word, reason):
    (found,) = judged([fit(similarity, restarts)], [look(higher=0.90, mirrored=0.92)])
    assert found.word == word
    assert reason in found.reason
    assert found.started_at == 0.85


@pytest.mark.parametrize(
    ("rivals", "reason"),
    [
        ([{"higher": 0.96}, {"higher": 0.91}], "the CT's next level up is more alike: are the names right?"),
        ([{"lower": 0.93}, {"lower": 0.93}], "the CT's next level down is more alike"),
        ([{"mirrored": 0.93}, {"mirrored": 0.92}], "the mirrored film is more alike: is it mirrored?"),
    ],
)
def test_a_rival_that_is_more_alike_in_the_mean_refuses_all(rivals, reason):
    found = judged([fit(0.95), fit(0.95)], [look(**one) for one in rivals])
    assert [one.word for one in found] == [REFUSED] * 2
    assert reason in found[0].reason
    alone = judged([fit(0.95), fit(0.95)], [look(higher=0.93), look(higher=0.90)])
    assert [one.word for one in alone] == [ACCEPTED] * 2


def test_a_mirrored_view_shows_the_mirrored_bone():
    """A bone mirrored about the column of the principal ray is seen where the mirrored picture shows it."""
    view = replace(film(20.0), geometry=replace(CAMERA, principal_point_px=(70.0, 79.5)))
    turned = mirrored(view)
    point = np.array([[12.0, -7.0, 650.0]])
    u, v = view.geometry.project(point)[0]
    assert turned.geometry.project(point * [-1, 1, 1])[0] == pytest.approx([159 - u, v])
    assert (turned.pixels[:, 159 - 40] == view.pixels[:, 40]).all()


def test_the_true_film_is_more_alike_than_its_mirror_image():
    bone, truth = sample_bone(), true_pose(20.0)
    good = looked_at(bone, truth, [film(20.0)])
    looked = looked_around(bone, good, truth, [film(20.0)], [bone])
    assert set(looked.rivals) == {MIRRORED}
    assert looked.rivals[MIRRORED] < looked.own - 0.004
    turned = looked_at(bone, mirrored_start(bone, truth), [film(20.0, mirrored=True)])
    wrong = looked_around(bone, turned, turned.pose, [film(20.0, mirrored=True)], [bone])
    assert wrong.rivals[MIRRORED] > wrong.own + 0.004
    assert off(good.pose, truth)[2] < 1.0
