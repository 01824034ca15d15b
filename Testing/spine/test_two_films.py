"""Two films of a spine that is known, each with its own errors, made into one."""

from dataclasses import replace

import numpy as np
import pytest
from straight_spine import SOD_MM, depths_mm, usual_spine

from ReVertLib.errors import InputError
from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.levels import LEVELS
from ReVertLib.geometry.transform import RigidTransform, SimilarityTransform
from ReVertLib.geometry.views import view_rotation
from ReVertLib.inference.results import Reconstruction
from ReVertLib.inference.verdict import DISAGREE, verdict
from ReVertLib.metrics.records import ErrorParts
from ReVertLib.spine.measurements import film_measurements
from ReVertLib.spine.records import FilmLevel, FilmResult, LevelChange
from ReVertLib.spine.scale import GIVEN, Scale
from ReVertLib.spine.two_films import films_fused, fusion_report

AP, LL = (0.0, 0.0, 0.0), (-90.0, 0.0, 0.0)
DEPTH_SD_MM = {"L1": 6.0, "L2": 3.0, "L3": 0.0, "L4": 3.0, "L5": 6.0}
OFF = {"L1": 1.008, "L2": 0.996, "L3": 1.0, "L4": 1.004, "L5": 0.991}
"""By how much too far a film has each level."""


def pose_between(first, second):
    """From the first camera's frame to the second's, both SOD_MM from the centroid of L3."""
    cameras = [RigidTransform(view_rotation(*view), np.array([0.0, 0.0, SOD_MM])) for view in (first, second)]
    return cameras[1] @ cameras[0].inverse


def film_of(spine, view, off=None, levels=LEVELS):
    """What a film shows of meshes by level in its camera frame, as far off along its beams as it is told."""
    found = []
    for level in levels:
        mesh = spine[level].moved(SimilarityTransform(np.eye(3), np.zeros(3), (off or {}).get(level, 1.0)))
        geometry = Geometry(1150.0, float(depths_mm([mesh])[0]), (0.9, 0.9), (223.5, 255.5), level=level, view_deg=view)
        ones = np.ones(len(mesh.vertices))
        parts = ErrorParts(0.6 * ones, 0.8 * ones, 2.0 * ones)
        one = Reconstruction(mesh, geometry, 0.1, (), ones, error_parts=parts)
        found.append(FilmLevel(level, one, None, False, DEPTH_SD_MM[level], LevelChange(0.0, 0.0, 0.0, 0.0)))
    return FilmResult(tuple(found), (), "L3", Scale(GIVEN, 0.0, 0.0, "distances and spacing"))


@pytest.fixture(scope="module")
def ap():
    return usual_spine(AP, 25.0)


@pytest.fixture(scope="module")
def ll(ap):
    return {level: mesh.moved(pose_between(AP, LL)) for level, mesh in ap.items()}


def places_off_mm(found, spine):
    """How far the centre of each level is off."""
    return [
        np.linalg.norm((one.reconstruction.mesh.vertices - spine[one.level].vertices).mean(0)) for one in found.levels
    ]


def test_distances_that_one_film_hardly_tells_the_other_one_does(ap, ll):
    first = film_of(ap, AP, OFF)
    found = films_fused(first, film_of(ll, LL))
    off = found.second_from_first @ pose_between(AP, LL).inverse
    assert not found.given
    assert off.angle_deg < 1.5
    assert max(places_off_mm(first, ap)) > 6
    assert max(places_off_mm(found.result, ap)) < 2
    assert all(one.depth_sd_mm < max(DEPTH_SD_MM[one.level], 1.5) for one in found.result.levels)
    assert found.result.warnings == ()
    assert [one.level for one in found.result.levels] == list(LEVELS)


def test_with_a_known_pose_all_distances_need_only_be_near(ap, ll):
    far = dict.fromkeys(LEVELS, 1.04)
    found = films_fused(film_of(ap, AP, far), film_of(ll, LL, far), pose_between(AP, LL))
    assert found.given
    assert max(places_off_mm(found.result, ap)) < 2.5


def test_a_level_on_one_film_alone_is_there_and_said(ap, ll):
    found = films_fused(film_of(ap, AP, levels=LEVELS[:4]), film_of(ll, LL, levels=LEVELS[1:]))
    assert [one.level for one in found.result.levels] == list(LEVELS)
    assert max(places_off_mm(found.result, ap)) < 1
    assert list(found.levels) == list(LEVELS[1:4])
    assert found.result.warnings == (
        "L1 is on the first film alone, and stays as that gives it",
        "L5 is on the second film alone, and stays as that gives it",
    )
    first, *_, last = (one.reconstruction for one in found.result.levels)
    assert first.expected_error_mm.mean() == last.expected_error_mm.mean() == 1.0
    assert last.geometry.view_deg == AP
    parts = last.error_parts
    np.testing.assert_allclose(np.hypot(parts.across_mm, parts.along_mm), last.expected_error_mm)


@pytest.mark.parametrize(
    ("shift", "said"),
    [
        ([0.0, 12.0, 0.0], "by the relative pose of all levels, the vertebra lies"),
        ([25.0, 0.0, 0.0], "the vertebra is at another distance than they say by themselves"),
    ],
    ids=["across both beams", "along the first one's beam"],
)
def test_a_level_on_which_both_disagree_is_told_and_does_not_move_the_others(ap, ll, shift, said):
    wrong = ll | {"L2": ll["L2"].moved(RigidTransform.shift(shift))}
    found = films_fused(film_of(ap, AP), film_of(wrong, LL))
    told = [line for line in found.result.warnings if DISAGREE in line]
    assert told[0].startswith(f"L2: {DISAGREE}{said}")
    assert all(line.startswith("L2: ") for line in told)
    words = {one.level: verdict(one.reconstruction).word for one in found.result.levels}
    assert words["L2"] == "do not use"
    assert {words[level] for level in LEVELS if level != "L2"} == {"trust"}
    assert (found.second_from_first @ pose_between(AP, LL).inverse).angle_deg < 3


def test_what_is_measured_is_measured_on_the_fused_surfaces(ap, ll):
    first = film_of(ap, AP)
    found = films_fused(first, film_of(ll, LL))
    sds = [film_measurements(one).levels["L3"]["canal depth"].sd for one in (first, found.result)]
    assert sds[1] < sds[0]
    said = fusion_report(found)
    assert list(said["levels"]) == list(LEVELS)
    assert np.shape(said["second_from_first"]) == (4, 4)
    assert all(one["gain_mm"] > 0 for one in said["levels"].values())


def test_the_scale_that_is_not_known_comes_from_the_pose(ap, ll):
    """Told a pose, both films of a scale that is 8 % in doubt."""
    far = dict.fromkeys(LEVELS, 1.08)
    films = [
        replace(one, scale=replace(one.scale, depth_sd=0.08))
        for one in (film_of(ap, AP, far), film_of(ll, LL, far, LEVELS[:4]))
    ]
    found = films_fused(*films, pose_between(AP, LL))
    assert max(places_off_mm(found.result, ap)) < 4


def test_films_without_a_level_in_common_are_refused(ap, ll):
    with pytest.raises(InputError, match="expected a level on both films, got L1, L2 and L4, L5"):
        films_fused(film_of(ap, AP, levels=LEVELS[:2]), film_of(ll, LL, levels=LEVELS[3:]))
