"""The page: what stands on it, and what must not."""

import re
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk
from tiny_evaluation import NETWORK, SPHERE, constants, evaluation, row

from ReVertLib.evaluation import report
from ReVertLib.evaluation.measure import Failure
from ReVertLib.evaluation.report import chosen_images, command_line, report_text, write_report


@pytest.fixture
def whole():
    """Two networks, two levels, an answer left out."""
    rows = []
    for level, dice in (("L3", 0.9), ("L4", 0.7)):
        rows += [row(dice, level), row(dice, level, alignment="none"), row(dice, level, alignment="unit ball")]
        rows += [row(0.6, level, answer=SPHERE.name), row(0.5, level, answer="blank"), *constants(level)]
    image = evaluation(rows).images[1]
    failure = Failure(image, "blank", "reconstruction: expected a closed surface, got one with 3 open edges")
    errors_mm = {name: np.full(3000, 0.5) for name in ("network", "baseline")}
    return evaluation(rows, (NETWORK, SPHERE), [failure], errors_mm)


def test_the_page_names_no_person_and_no_place(whole):
    text = report_text(whole)
    assert "secret" not in text
    assert "/home" not in text
    assert "Left out: person 1, L4, ap, blank: reconstruction: expected a closed surface" in text


def test_the_page_says_how_many_and_how_much_better(whole):
    text = " ".join(report_text(whole).split())
    assert "2 images of 2 vertebrae of 1 person." in text
    assert "makes: 0 of 1." in text
    assert "Source-detector distance 1000 mm, source-object distance 500 mm." in text
    assert "1 of 2 answers overlap the truth more than" in text
    assert text.count("trained:") == text.count("trained: 7 steps of 3 samples") == 1
    assert "- One person is little" in text


def test_images_are_listed_while_they_are_few(whole, monkeypatch):
    assert "| person 1, L4 | ap | 1 | -0.100 |" in report_text(whole)
    monkeypatch.setattr(report, "_MOST_LISTED", 1)
    assert "## Every image" not in report_text(whole)


def test_people_held_out_are_counted(whole, monkeypatch):
    monkeypatch.setattr(report, "HELD_OUT", ("secret",))
    assert "makes: 1 of 1." in " ".join(report_text(whole).split())


def test_a_range_of_distances_is_said(whole):
    first, second = whole.images
    far = replace(second, geometry=replace(second.geometry, sod_mm=700.0))
    assert "source-object distance 500 to 700 mm" in " ".join(report_text(replace(whole, images=(first, far))).split())


def test_the_command_is_the_one_that_was_run(whole):
    assert command_line(whole) == "revert evaluate data --against model.safetensors --report DIR"
    own = replace(NETWORK, file="mine.safetensors")
    assert command_line(replace(whole, networks=(own,))) == (
        "revert evaluate data --weights mine.safetensors --report DIR"
    )


def test_every_picture_of_the_page_is_written_and_no_other(whole, monkeypatch, tmp_path):
    titles = []

    def draw(path, scene, lines):
        titles.append(" ".join(lines))
        sitk.WriteImage(sitk.GetImageFromArray(np.zeros((864, 1920, 4), np.uint8), isVector=True), str(path))

    monkeypatch.setattr(report, "demo_picture", draw)
    write_report(whole, tmp_path / "page", lambda image: image)
    text = (tmp_path / "page" / "report.md").read_text()
    written = {path.name for path in (tmp_path / "page").glob("*.png")}
    assert set(re.findall(r"\]\((.*?)\)", text)) == written
    assert len(written) == 5
    assert titles == [
        f"{name} of 2 images: {level}, ap person 1 source-object distance 500 mm"
        for name, level in (("Best", "L3"), ("Worst", "L4"))
    ]
    sizes = [sitk.ReadImage(str(path)).GetSize() for path in (tmp_path / "page").glob("*.png")]
    assert max(width for width, _ in sizes) <= 1024
    assert (1024, 461) in sizes


def test_best_median_and_worst():
    rows = [row(dice, view=str(i)) for i, dice in enumerate((0.3, 0.9, 0.5, 0.7, 0.1))]
    for count, expected in (
        (5, {"best": "1", "median": "2", "worst": "4"}),
        (3, {"best": "1", "median": "2", "worst": "0"}),
        (2, {"best": "1", "worst": "0"}),
        (1, {"best": "0"}),
        (0, {}),
    ):
        found = chosen_images(evaluation(rows[:count]))
        assert {name: image.view for name, image in found.items()} == expected
