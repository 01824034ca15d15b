"""Rows brought together, by hand."""

from dataclasses import replace

import numpy as np
import pytest
from tiny_evaluation import NETWORK, SPHERE, constants, evaluation, row

from ReVertLib.evaluation.summary import better_than_baseline, pose_summaries, quality_summaries, summaries


def test_summaries_by_hand():
    rows = [
        row(0.8),
        row(0.9, "L4"),
        row(1.0, "L3", "lat", pose=(7.0, 8.0, 90.0)),
        row(0.5, answer="baseline", pose=None),
        row(0.3, alignment="unit ball"),
    ]
    found = {(s.group, s.name, s.answer, s.alignment): s for s in summaries(evaluation(rows))}
    overall = found["overall", "all", "network", "rigid"]
    assert (overall.images, overall.dice, overall.hd95_mm) == (3, pytest.approx(0.9), pytest.approx(9.0))
    assert (overall.median_across_beam_mm, overall.median_along_beam_mm, overall.median_rotation_deg) == (1, 2, 3)
    assert found["level", "L3", "network", "rigid"].dice == pytest.approx(0.9)
    assert found["level", "L4", "network", "rigid"].images == 1
    assert found["view", "lat", "network", "rigid"].median_rotation_deg == 90
    assert np.isnan(found["level", "L3", "baseline", "rigid"].median_rotation_deg)
    assert found["overall", "all", "network", "unit ball"].dice == pytest.approx(0.3)
    assert len(found) == 3 + 4 + 4  # overall; L3 and L4; ap and lat


def test_answers_come_in_the_order_of_tables_whichever_was_first_a_surface():
    rows = [*constants(), row(0.7, answer="blank"), row(0.6, answer=SPHERE.name), row(0.9)]
    found = summaries(evaluation(rows, (NETWORK, SPHERE)))
    expected = ["network", SPHERE.name, "blank", "baseline", "best fit"]
    assert [s.answer for s in found if s.group == "overall"] == expected


def test_poses_by_hand():
    """Eleven turns of 0, 10, ... 100 degrees: the median is 50, the 90th percentile 90, and 8 of 11 are over 20."""
    rows = [row(0.9, f"L{i}", "ap", alignment="none", pose=(i, 2 * i, 10.0 * i)) for i in range(11)]
    rows.append(row(0.9, "L1", "lat", alignment="none", pose=(0.0, 0.0, 20.0)))
    ap, lat, overall = pose_summaries(evaluation(rows))
    assert (ap.view, ap.images, lat.view, lat.images, overall.view, overall.images) == ("ap", 11, "lat", 1, "all", 12)
    assert ap.rotation_deg == pytest.approx((50.0, 90.0))
    assert ap.across_beam_mm == pytest.approx((5.0, 9.0))
    assert ap.along_beam_mm == pytest.approx((10.0, 18.0))
    assert ap.far == pytest.approx(8 / 11)
    assert lat.far == 0.0  # 20 degrees are not over 20 degrees
    assert overall.far == pytest.approx(8 / 12)


def test_poses_are_those_of_every_network_and_of_nothing_else():
    rows = [row(0.9, alignment="none", answer=a) for a in ("network", SPHERE.name, "blank")]
    found = pose_summaries(evaluation(rows, (NETWORK, SPHERE)))
    assert [(s.view, s.answer) for s in found] == [
        (view, answer) for view in ("ap", "all") for answer in ("network", SPHERE.name)
    ]


def test_quality_counts_each_surface_once():
    rows = [row(0.9, crossing=0.02), row(0.9, "L4"), row(0.9, "L5", euler=2), row(0.9, alignment="none", crossing=1.0)]
    (found,) = quality_summaries(evaluation(rows))
    assert (found.surfaces, found.closed, found.one_foramen, found.crossing) == (3, 3, 2, 1)
    assert found.crossing_share == pytest.approx(0.02 / 3)


def test_an_open_surface_has_no_foramen():
    """Its Euler number may still be that of a vertebra."""
    (found,) = quality_summaries(evaluation([replace(row(0.9), closed=False), row(0.9, "L4")]))
    assert (found.surfaces, found.closed, found.one_foramen) == (2, 1, 1)


def test_better_than_the_baseline_is_asked_image_by_image():
    """The means are equal: one image better, one worse, one as good; one without an answer."""
    levels = ("L1", "L2", "L3", "L4")
    rows = [row(dice, level) for dice, level in zip((0.9, 0.7, 0.8), levels, strict=False)]
    rows += [row(0.8, level, answer="baseline", pose=None) for level in levels]
    assert better_than_baseline(evaluation(rows)) == (1, 3)
