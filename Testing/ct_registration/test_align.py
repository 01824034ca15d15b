"""A bone laid back into the beam from starts that are off, on films with other gain or metal."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from registered_sample import CAMERA, SIZE_PX, film, moved, off, sample_bone, sample_volumes, true_pose
from sample_case import SAMPLE_LABEL

from ReVertLib.ct_registration import align
from ReVertLib.ct_registration.align import aligned
from ReVertLib.ct_registration.bone import CtBone
from ReVertLib.ct_registration.patches import Scale
from ReVertLib.ct_registration.records import View
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.imaging.volume import Volume
from ReVertLib.projection.projector import line_integrals

SD_MM = {"L3": 5.0}


@pytest.fixture(autouse=True)
def coarse(monkeypatch):
    """What counts is seen without the finest scale, which takes most of the time."""
    monkeypatch.setattr(align, "SCALES", (Scale(4.0, 8.0), Scale(2.0, 5.0, near=True)))
    monkeypatch.setattr(align, "ROUNDS", (8, 10))


def found(start: RigidTransform, *views: View):
    return aligned([sample_bone()], {"L3": start}, views, SD_MM)["L3"]


def test_a_start_some_mm_and_degrees_off_comes_back():
    truth = true_pose(20.0)
    fit = found(moved(truth, [4.0, -3.0, 2.0], [4.0, -3.0, 3.0]), film(20.0))
    across, along, turned = off(fit.pose, truth)
    assert fit.similarity > 0.97
    assert fit.restarts >= 0.5
    assert across < 0.2
    assert abs(along) < 3.0
    assert turned < 0.7


def spoilt(how: str) -> View:
    view = film(20.0)
    pixels = view.pixels.copy()
    if how == "gain":
        v, u = np.indices(pixels.shape)
        pixels = 300 * pixels**0.7 + 0.8 * u + 2.0 * v
    else:
        pixels[60:110, 84:90] = 2 * pixels.max()
    return replace(view, pixels=pixels.astype(np.float32))


@pytest.mark.parametrize(("how", "most_deg"), [("gain", 1.0), ("metal", 3.0)])
def test_a_spoilt_film_still_tells(how, most_deg):
    """A bar of metal over the middle of the bone costs most."""
    truth = true_pose(20.0)
    across, _, turned = off(found(moved(truth, [2.0, 2.0, 0.0], [2.0, 2.0, -2.0]), spoilt(how)).pose, truth)
    assert across < 0.8
    assert turned < most_deg


def test_a_start_far_off_is_sought_again():
    truth = true_pose(0.0)
    fit = found(moved(truth, [16.0, -12.0, 0.0], [0.0, 8.0, 0.0]), film(0.0))
    assert off(fit.pose, truth)[0] < 0.3


def test_two_views_tell_the_distance():
    """What one leaves within some mm."""
    truth, side = true_pose(0.0), true_pose(90.0)
    second = replace(film(90.0), camera_from_first=side @ truth.inverse)
    start = moved(truth, [1.0, 1.0, 8.0], [2.0, -2.0, 2.0])
    fit = aligned([sample_bone()], {"L3": start}, [film(0.0), second], {"L3": 20.0})["L3"]
    across, along, turned = off(fit.pose, truth)
    assert across < 0.2
    assert abs(along) < 0.3
    assert turned < 0.5


@cache
def bone_above() -> CtBone:
    """The same bone once more, 28 mm towards the head in the CT, as L2."""
    up = np.eye(4)
    up[2, 3] = 28.0
    ct, labels = (Volume(one.array, up @ one.ijk_to_lps) for one in sample_volumes())
    return CtBone(ct, labels, SAMPLE_LABEL, "L2", alone=True)


def test_what_covers_a_bone_is_laid_into_the_beam_too():
    """The bone above is bent against the one that is sought, and covers its upper part."""
    truth, start = true_pose(20.0), moved(true_pose(20.0), [2.0, -2.0, 0.0], [2.0, 2.0, 2.0])
    bent = moved(truth, [2.0, 0.0, 0.0], [6.0, 0.0, 4.0])
    covered = film(20.0).pixels + line_integrals(bone_above().mu, bent, CAMERA, SIZE_PX)
    view = replace(film(20.0), pixels=covered)
    alone, beside = (
        aligned([sample_bone()], {"L3": start}, [view], SD_MM, others)["L3"] for others in ((), (bone_above(),))
    )
    across, _, turned = off(beside.pose, truth)
    assert across < 0.1
    assert turned < 0.3
    assert off(alone.pose, truth)[2] > 1.0  # what was in the way


def test_a_bone_that_is_not_on_the_film_changes_nothing():
    start = moved(true_pose(20.0), [2.0, -2.0, 0.0], [2.0, 2.0, 2.0])
    alone, beside = (
        aligned([sample_bone()], {"L3": start}, [film(20.0)], SD_MM, others)["L3"] for others in ((), (bone_above(),))
    )
    assert beside.pose.matrix == pytest.approx(alone.pose.matrix)


def test_work_can_be_stopped():
    def stop(_what: str) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        aligned([sample_bone()], {"L3": true_pose(0.0)}, [film(0.0)], SD_MM, say=stop)
