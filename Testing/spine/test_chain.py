"""The chain: exact where the evidence is, steady where it is bad, the same wherever the camera stands."""

import numpy as np
import pytest
from straight_spine import SOD_MM, depths_mm, evidence, seen_at, turn, usual_spine

from ReVertLib.geometry.levels import LEVELS
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.registration.icp import best_motion
from ReVertLib.spine.anatomy_prior import BEND_DEG, DISC_HEIGHT_MM, SIZE, SLIP_MM
from ReVertLib.spine.chain import _Problem, chained, disc_between

L3 = 2


def read_at_one_distance(spine, expected_error_mm=(1.0,) * 5):
    return [
        evidence(level, seen_at(spine[level], SOD_MM), error_mm)
        for level, error_mm in zip(LEVELS, expected_error_mm, strict=True)
    ]


def placed(seen, chain):
    return [one.mesh.moved(motion) for one, motion in zip(seen, chain.motions, strict=True)]


def test_a_disc_is_measured_in_its_own_axes():
    """Endplates 8 apart along z, the upper one 3 to the left and 1 behind, leaning 10 degrees backward."""
    upper = RigidTransform.identity()
    lower = RigidTransform(np.eye(3), np.array([3.0, 1.0, 8.0]))
    height_mm, slip_mm, bend_deg = disc_between(lower, upper)
    assert (height_mm, *slip_mm, *bend_deg) == pytest.approx((8, 3, 1, 0, 0, 0))
    bent = disc_between(RigidTransform(turn(-10, 0, 0), lower.translation_mm), upper)
    assert bent[2] == pytest.approx([-10, 0, 0])
    axis = turn(-5, 0, 0)[:, 2]
    assert bent[0] == pytest.approx(axis @ [3, 1, 8])
    moved = RigidTransform(turn(30, 40, 50), np.array([5.0, 6.0, 7.0]))
    again = disc_between(moved @ lower, moved @ upper)
    assert (again[0], *again[1]) == pytest.approx((8, 3, 1))


@pytest.mark.parametrize("view", [(0.0, 0.0, 0.0), (180.0, 0.0, 0.0), (-90.0, 0.0, 0.0), (30.0, 5.0, 3.0)])
def test_consistent_evidence_gives_the_true_depths_and_changes_nothing_else(view):
    spine = usual_spine(view)
    seen = read_at_one_distance(spine)
    chain = chained(seen, L3, SOD_MM)
    truth, found = list(spine.values()), placed(seen, chain)
    assert np.abs(depths_mm(truth) - SOD_MM).max() > 1.0
    assert np.abs(depths_mm(found) - depths_mm(truth)).max() < 0.3
    assert max(np.abs(a.vertices - b.vertices).max() for a, b in zip(found, truth, strict=True)) < 0.5
    assert chain.depth_sd[L3] == 0.0
    assert all(0.5 < sd * SOD_MM < 6 for i, sd in enumerate(chain.depth_sd) if i != L3)


def test_the_anchor_may_be_any_level():
    spine = usual_spine()
    depth_mm = float(depths_mm([spine["L1"]])[0])
    seen = [evidence(level, seen_at(mesh, depth_mm)) for level, mesh in spine.items()]
    found = placed(seen, chained(seen, 0, depth_mm))
    assert np.abs(depths_mm(found) - depths_mm(spine.values())).max() < 0.4


def test_bad_evidence_leans_on_its_neighbours():
    """L4 is read turned by 12 degrees: it is turned back where it is said to be unsure, and less where it is not."""
    spine, wrong = usual_spine(), turn(12, 0, 0)
    left = {}
    for error_mm in (1.0, 4.0):
        seen = read_at_one_distance(spine, (1.0, 1.0, 1.0, error_mm, 1.0))
        l4 = seen[3]
        about = RigidTransform.about(l4.centre_mm, wrong, l4.centre_mm)
        seen[3] = evidence("L4", l4.mesh.moved(about), error_mm)
        found = placed(seen, chained(seen, L3, SOD_MM))[3]
        left[error_mm] = best_motion(found.vertices, spine["L4"].vertices, "rigid").angle_deg
    assert left[4.0] < 4.0
    assert left[4.0] < left[1.0] < 12.0


def test_without_a_distance_the_usual_size_decides():
    """All is read 10 % too near, and so too small: most of that is made good."""
    spine = usual_spine()
    seen = [evidence(level, seen_at(mesh, 0.9 * SOD_MM)) for level, mesh in spine.items()]
    chain = chained(seen, L3, None)
    assert depths_mm(placed(seen, chain))[L3] > 0.95 * SOD_MM
    assert chain.depth_sd[L3] > 0.02
    assert depths_mm(placed(seen, chained(seen, L3, 0.95 * SOD_MM)))[L3] == pytest.approx(0.95 * SOD_MM, abs=1e-6)


def test_the_hand_made_spine_is_as_the_prior_says():
    spine = [evidence(level, mesh) for level, mesh in usual_spine((40.0, 10.0, 5.0)).items()]
    for i in range(4):
        height_mm, slip_mm, bend_deg = disc_between(spine[i].lower, spine[i + 1].upper)
        assert height_mm == pytest.approx(DISC_HEIGHT_MM)
        assert slip_mm == pytest.approx(SLIP_MM)
        assert bend_deg == pytest.approx(BEND_DEG[i])


def disc_by_disc(seen, x, ratio):
    """The residuals of a chain whose anchor is L3, one vertebra and one disc after another. ratio: of L3's distance to
    where it was read."""
    person, turns, places, sizes = 0.052 * x[-1], [], [], []
    for i, one in enumerate(seen):
        own, worse = x[7 * i : 7 * i + 7], max(one.expected_error_mm / 1.1, 0.5)
        depth, growth = ratio * np.exp(0.08 * own[0] * (i != L3)), np.exp(worse * 0.02 * own[1])
        rotation = turn(*(worse * np.array([3.0, 3.0, 1.5]) * own[2:5]))
        shift = np.append(worse * 0.7 * own[5:], 0.0)
        sizes.append((np.log(one.size * depth * growth) - SIZE[one.level] - person) / 0.010)
        turns.append([rotation @ end.rotation for end in (one.upper, one.lower)])
        arms = [rotation @ (end.translation_mm - one.centre_mm) for end in (one.upper, one.lower)]
        places.append([depth * (one.centre_mm + shift + growth * arm) for arm in arms])
    discs = []
    for i in range(len(seen) - 1):
        ends = RigidTransform(turns[i][1], places[i][1]), RigidTransform(turns[i + 1][0], places[i + 1][0])
        height_mm, slip_mm, bend_deg = disc_between(*ends)
        discs += [
            [(height_mm - 8.5) / 2.2],
            (slip_mm - SLIP_MM) / [1.2, 1.8],
            (bend_deg - BEND_DEG[i]) / [3.8, 2.0, 1.8],
        ]
    return np.concatenate([x, sizes, *discs])


def test_all_residuals_at_once_are_those_of_one_disc_after_another():
    spine, random = usual_spine((30.0, 5.0, 3.0)), np.random.default_rng(0)
    seen = read_at_one_distance(spine, (0.4, 1.0, 1.5, 2.0, 3.0))
    ratio = 1.02
    problem = _Problem(tuple(seen), L3, ratio * float(seen[L3].centre_mm[2]))
    stack = random.normal(0, 0.5, (2, 36))
    expected = np.stack([disc_by_disc(seen, x, ratio) for x in stack])
    assert problem.residuals(stack) == pytest.approx(expected, abs=1e-9)
    step = 1e-3 * random.normal(size=36)
    ahead, back = (disc_by_disc(seen, stack[0] + sign * step, ratio) for sign in (1, -1))
    assert problem.jacobian(stack[0]) @ step == pytest.approx((ahead - back) / 2, abs=1e-5)
