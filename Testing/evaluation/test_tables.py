"""Tables whose every cell is known."""

from dataclasses import replace

import numpy as np
from tiny_evaluation import NETWORK, SPHERE, constants, evaluation, row

from ReVertLib.evaluation.measure import Failure
from ReVertLib.evaluation.predicted import PredictedError, brought_together
from ReVertLib.evaluation.regions import RegionError
from ReVertLib.evaluation.tables import (
    ball_table,
    image_table,
    left_out_lines,
    level_table,
    overall_table,
    pose_table,
    predicted_error_tables,
    quality_table,
    region_table,
    title_of,
    verdict_table,
    view_table,
)
from ReVertLib.inference.verdict import Verdict
from ReVertLib.metrics.records import ErrorParts

DRR_TITLE, SPHERE_TITLE = "one computed radiograph", "3D-ReVert's network (abcdef01)"


def two_networks(*rows):
    return evaluation(rows, (NETWORK, SPHERE))


def cells(text):
    """The cells of a Markdown table's lines below its head."""
    return [[cell.strip() for cell in line[1:-1].split("|")] for line in text.splitlines()[2:]]


def test_every_line_of_a_table_has_as_many_cells_as_its_head():
    rows = [row(0.9), row(0.8, "L4", "lat"), *constants(), *constants("L4", "lat")]
    rows += [row(0.9, alignment="none"), row(0.5, alignment="unit ball")]
    of = evaluation(rows)

    def images(of):
        return image_table(of, lambda row: row.case)

    for make in (overall_table, images, ball_table, level_table, view_table, pose_table, quality_table):
        lines = make(of).splitlines()
        assert len(lines) > 2
        assert {line.count("|") for line in lines} == {lines[0].count("|")}


def test_the_overall_table_has_alignments_and_no_other_protocol():
    of = two_networks(row(0.9), row(0.1, alignment="unit ball"), row(0.6, answer=SPHERE.name), *constants())
    assert cells(overall_table(of)) == [
        [DRR_TITLE, "rigid", "1", "0.900", "9.00", "0.90", "0.900", "1.0", "2.0", "3.0"],
        [SPHERE_TITLE, "rigid", "1", "0.600", "6.00", "0.60", "0.600", "1.0", "2.0", "3.0"],
        ["mean vertebra of 87 people, no network", "rigid", "1", "0.800", "8.00", "0.80", "0.800", "", "", ""],
        ["shape model fitted to the truth", "rigid", "1", "0.950", "9.50", "0.95", "0.950", "", "", ""],
    ]


def test_the_original_protocol_has_a_table_of_its_own():
    of = two_networks(row(0.9), row(0.7, alignment="unit ball"), row(0.5, answer=SPHERE.name, alignment="unit ball"))
    assert cells(ball_table(of)) == [
        [DRR_TITLE, "1", "0.700", "7.00", "0.70", "0.700"],
        [SPHERE_TITLE, "1", "0.500", "5.00", "0.50", "0.500"],
    ]


def test_levels_are_columns_and_a_metric_is_named_once():
    """The sphere has no surface for L5: an empty cell."""
    of = two_networks(row(0.9), row(0.7, "L5"), row(0.6, answer=SPHERE.name), *constants())
    text = level_table(of)
    assert text.splitlines()[0] == "|  | answer | L3 | L5 | all |"
    found = cells(text)
    assert found[:3] == [
        ["Dice", DRR_TITLE, "0.900", "0.700", "0.800"],
        ["", SPHERE_TITLE, "0.600", "", "0.600"],
        ["", "mean vertebra of 87 people, no network", "0.800", "", "0.800"],
    ]
    assert [line[0] for line in found if line[0]] == ["Dice", "HD95 mm", "ASSD mm", "NSD@2mm"]


def test_views_are_those_of_networks():
    of = two_networks(row(0.9), row(0.8, view="lat"), row(0.6, answer=SPHERE.name), *constants())
    assert [line[:4] for line in cells(view_table(of))] == [
        ["ap", DRR_TITLE, "1", "0.900"],
        ["ap", SPHERE_TITLE, "1", "0.600"],
        ["lat", DRR_TITLE, "1", "0.800"],
    ]


def test_poses_are_median_and_percentile():
    of = evaluation([row(0.9, f"L{i}", alignment="none", pose=(1.0, 2.0, x)) for i, x in enumerate((0.0, 90.0))])
    assert cells(pose_table(of))[0] == [
        "ap",
        DRR_TITLE,
        "2",
        "45.0 / 81.0",
        "50%",
        "1.0 / 1.0",
        "2.0 / 2.0",
    ]


def test_regions_are_columns_and_images_are_averaged():
    errors = [
        RegionError("network", "body", 1.0, 2.0),
        RegionError("network", "body", 2.0, 5.0),
        RegionError("baseline", "spinous process", 4.0, 9.0),
    ]
    baseline = "mean vertebra of 87 people, no network"
    assert cells(region_table(replace(evaluation([row(0.9)]), region_errors=tuple(errors)))) == [
        ["mean mm", DRR_TITLE, "1.50", "", "", "", ""],
        ["", baseline, "", "", "", "", "4.00"],
        ["95th percentile mm", DRR_TITLE, "3.50", "", "", "", ""],
        ["", baseline, "", "", "", "", "9.00"],
    ]


def test_every_image_has_a_row_and_the_least_gain_comes_first():
    """The baseline's Dice is 0.8: gains of 0.1 and, from the lateral, of -0.1."""
    of = two_networks(
        row(0.9), *constants(), row(0.7, "L4", "lat"), *constants("L4", "lat"), row(0.1, answer=SPHERE.name)
    )
    assert cells(image_table(of, lambda row: row.case.upper())) == [
        ["SECRET, L4", "lat", "1", "-0.100", "0.700 (0.800)", "7.00 (8.00)", "0.70 (0.80)", "0.700 (0.800)"],
        ["SECRET, L3", "ap", "2", "+0.100", "0.900 (0.800)", "9.00 (8.00)", "0.90 (0.80)", "0.900 (0.800)"],
    ]


def test_surfaces_are_told_by_what_is_wrong_with_them():
    of = evaluation([row(0.9, crossing=0.01), row(0.9, "L4", euler=2)])
    assert cells(quality_table(of)) == [[DRR_TITLE, "2", "2", "1", "1", "0.500%"]]


def test_errors_of_each_verdict():
    """Means of 1.4 and 1.6 mm: one of the two is below 1.5 mm. A verdict that no image has is left out."""
    trusted, refused = Verdict("trust", "", 1.0), Verdict("do not use", "", 3.0)
    means, off = ((trusted, 1.4), (trusted, 1.6), (refused, 2.0)), np.repeat([-0.1, 0.1], 10)
    errors = [PredictedError(v, np.ones(20), mean + off, None, np.ones((2, 20))) for v, mean in means]
    assert cells(verdict_table(brought_together(errors))) == [
        ["trust", "2", "1.50", "1.60", "50 %"],
        ["do not use", "1", "2.00", "2.00", "0 %"],
    ]


def test_parts_of_errors_and_their_bound_are_said():
    """1 mm across and 0.5 along expected, 2 and 0.25 actual; of the distances 2.1 and 3.9 one is below 3."""
    parts = ErrorParts(np.ones(20), np.linspace(0.4, 0.6, 20), np.full(20, 3.0))
    actual_mm, actual = np.repeat([2.1, 3.9], 10), np.stack([np.full(20, 2.0), np.full(20, 0.25)])
    error = PredictedError(Verdict("trust", "", 1.0), np.linspace(1.0, 2.0, 20), actual_mm, parts, actual)
    text = predicted_error_tables(brought_together([error, error]))
    assert "Across the beam 1.00 mm expected, 2.00 actual; along it 0.50 and 0.25." in text
    assert "Below the bound for nine in ten: 50.0%." in text


def test_weights_are_named_by_what_they_are():
    of = evaluation([], (NETWORK, SPHERE))
    assert title_of(of, "network") == DRR_TITLE
    assert title_of(of, SPHERE.name) == SPHERE_TITLE


def test_what_is_left_out_is_named_as_asked():
    image = evaluation([row(0.9)]).images[0]
    of = evaluation([row(0.9)], failures=[Failure(image, "blank", "expected, got")])
    assert left_out_lines(of, lambda image: image.level) == ["Left out: L3, ap, blank: expected, got"]
    assert left_out_lines(of, lambda image: image.vertebra) == ["Left out: secret_L3, ap, blank: expected, got"]
