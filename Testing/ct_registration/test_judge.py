"""What a pose is worth, from what was seen."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from registered_sample import CAMERA, film, off, sample_bone, true_pose

from ReVertLib.ct_registration.judge import HIGHER, LOWER, MIRRORED, Looked, judged, looked_around, looked_at, mirrored
from ReVertLib.ct_registration.records import ACCEPTED, CHECK, REFUSED
from ReVertLib.ct_registration.refine import NOISE, UNITS, Fit
from ReVertLib.ct_registration.starts import mirrored_start
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.geometry.views import camera_from_lps, rotation_about, view_rotation

IDENTITY, CENTRE = RigidTransform.identity(), np.array([0.0, 35.0, 700.0])
HEIGHTS_MM = {"L2": 35.0, "L3": 0.0, "L4": -35.0}


def fit(similarity: float, restarts: float = 1.0, seen: float = 1.0, turned_deg: float = 0.5) -> Fit:
    information = NOISE * np.diag((UNITS / np.radians(turned_deg)) ** 2)
    return Fit(true_pose(0.0), similarity, 1.0, information, seen, restarts)


def look(own: float = 0.92, **rivals: float) -> Looked:
    names = {"higher": HIGHER, "lower": LOWER, "mirrored": MIRRORED}
    return Looked(own, {names[name]: value for name, value in rivals.items()}, 0.85)


@pytest.mark.parametrize(
    ("known", "word", "reason"),
    [
        ({"similarity": 0.95}, ACCEPTED, "film and CT are alike (0.95)"),
        ({"similarity": 0.88}, CHECK, "only somewhat alike (0.88"),
        ({"similarity": 0.95, "restarts": 0.25}, CHECK, "starts nearby end elsewhere"),
        ({"similarity": 0.95, "seen": 0.6}, CHECK, "only 60% of it is on the film"),
        ({"similarity": 0.95, "turned_deg": 1.4}, CHECK, "its rotation is known to 1.4 degrees only"),
        ({"similarity": 0.80}, REFUSED, "not alike (0.80"),
    ],
)
def test_a_pose_is_judged_by_what_its_fit_says(known, word, reason):
    looked = {"L3": look(higher=0.90, mirrored=0.92)}
    found = judged([sample_bone()], {"L3": fit(**known)}, looked)["L3"]
    assert found.word == word
    assert reason in found.reason
    assert found.started_at == 0.85


@pytest.mark.parametrize(
    ("rivals", "reason"),
    [
        ([{"higher": 0.96}, {"higher": 0.93}, {}], "the CT's next level up is more alike: are the names right?"),
        ([{"lower": 0.93}, {"lower": 0.93}, {"lower": 0.8}], "the CT's next level down is more alike"),
        (
            [{"mirrored": 0.93}, {"mirrored": 0.925}, {"mirrored": 0.9}],
            "the mirrored film is more alike: is it mirrored?",
        ),
    ],
)
def test_a_rival_that_is_more_alike_in_the_median_refuses_all(rivals, reason):
    found = of_three(rivals)
    assert [one.word for one in found] == [REFUSED] * 3
    assert reason in found[0].reason
    assert [one.word for one in of_three([{"higher": 0.99}, {"higher": 0.90}, {"higher": 0.90}])] == [ACCEPTED] * 3


def test_from_the_side_the_mirrored_film_tells_nothing():
    rivals = [{"mirrored": 0.93}] * 3
    assert [one.word for one in of_three(rivals, yaw_deg=80.0)] == [ACCEPTED] * 3
    assert [one.word for one in of_three(rivals, yaw_deg=45.0)] == [REFUSED] * 3


def of_three(rivals, poses=(IDENTITY,) * 3, similarities=(0.97, 0.96, 0.95), yaw_deg=0.0) -> list:
    """The judgements of L2 to L4, 35 mm apart, where they are in the CT but for motions in the camera's frame."""
    bones = [SimpleNamespace(level=level, centre_lps=np.array([0, 0, z])) for level, z in HEIGHTS_MM.items()]
    fits = {
        bone.level: replace(fit(similarity), pose=motion @ camera_from_lps(view_rotation(yaw_deg), np.zeros(3), 700.0))
        for bone, motion, similarity in zip(bones, poses, similarities, strict=True)
    }
    looks = dict(zip(HEIGHTS_MM, (look(**one) for one in rivals), strict=True))
    return list(judged(bones, fits, looks).values())


def test_of_two_that_lie_to_each_other_not_as_in_the_ct_the_less_alike_is_refused():
    some, much = RigidTransform.shift(np.array([0, 6.0, 30.0])), RigidTransform.shift(np.array([0, -30.0, 0]))
    few_deg, many_deg = (RigidTransform.about(CENTRE, rotation_about("z", deg), CENTRE) for deg in (12.0, 30.0))
    for fine in (some, few_deg):
        assert [one.word for one in of_three([{}] * 3, (IDENTITY, IDENTITY, fine))] == [ACCEPTED] * 3
    for wrong in (much, many_deg):
        found = of_three([{}] * 3, (IDENTITY, IDENTITY, wrong))
        assert [one.word for one in found] == [ACCEPTED, CHECK, REFUSED]
        assert found[1].reason == "L4 does not lie to it as in the CT"
        assert found[2].reason == "it does not lie to L3 as in the CT"


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
