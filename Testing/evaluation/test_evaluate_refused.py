"""What an evaluation leaves out or refuses, and says so: before any work, and leaving nothing behind."""

import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
import tiny
from tiny_evaluation import (  # noqa: F401 - fixtures among them
    constants,
    evaluation,
    knowing,
    no_scenes,
    one_image,
    plain_model,
    row,
    rows_of,
    run,
)

from ReVertLib.__main__ import main
from ReVertLib.errors import InputError
from ReVertLib.evaluation import evaluate as module
from ReVertLib.evaluation.evaluate import evaluate
from ReVertLib.evaluation.measure import UNIT_BALL
from ReVertLib.evaluation.report import chosen_images, write_report
from ReVertLib.evaluation.tables import level_table
from ReVertLib.mesh.mesh import Mesh, volume_centroid
from ReVertLib.registration.icp import RIGID_ALIGNMENTS

WHOLE = evaluation([row(0.9), *constants()], errors_mm={"baseline": np.ones(3000)})


def test_an_answer_that_is_no_surface_is_left_out_and_said(one_image):
    text = "points: expected points around a volume, got points in one plane"

    def answer(truth):
        raise InputError(text)

    result, lines = run(one_image, answer)
    assert [(row.answer, row.alignment) for row in result.rows] == [
        *(("blank", alignment) for alignment in RIGID_ALIGNMENTS),
        ("baseline", "rigid"),
        ("baseline", UNIT_BALL),
        ("best fit", "rigid"),
    ]
    assert [(failure.image.view, failure.answer, failure.reason) for failure in result.failures] == [
        ("ap", "network", text)
    ]
    assert f"Left out: case_segment_24, ap, network: {text}" in lines[-1].splitlines()
    assert "one computed radiograph" not in level_table(result)


def test_an_open_answer_is_left_out_and_the_report_says_so(one_image, tmp_path):
    report = tmp_path / "report"
    result, _ = run(one_image, lambda truth: Mesh(truth.vertices, truth.faces[1:]), report=report)
    assert "Left out: person 1, L5, ap, network: reconstruction" in (report / "report.md").read_text()
    assert not rows_of(result, "network")
    assert "reconstruction: expected a closed surface" in result.failures[0].reason
    assert chosen_images(result) == {}


def test_a_report_that_fails_leaves_nothing(tmp_path):
    with pytest.raises(AssertionError, match="work began"):
        write_report(WHOLE, tmp_path / "report", never)
    assert not list(tmp_path.iterdir())


def test_an_empty_folder_is_filled(monkeypatch, tmp_path):
    monkeypatch.setattr("ReVertLib.evaluation.report.demo_picture", lambda *_: None)
    write_report(WHOLE, tmp_path, lambda image: None)
    assert (tmp_path / "report.md").is_file()


def never(*_):
    raise AssertionError("work began")


def test_a_report_folder_in_use_is_refused_before_any_work(monkeypatch, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    monkeypatch.setattr(module, "Predictor", never)
    with pytest.raises(InputError, match=r"report: expected a new or empty folder, got '.*' with content"):
        evaluate(tmp_path, None, report=tmp_path)
    with pytest.raises(InputError, match="report: expected an existing folder"):
        evaluate(tmp_path, None, report=tmp_path / "none" / "report")


def test_the_same_weights_twice(tmp_path, one_image):
    weights = tiny.weights(tmp_path)
    with pytest.raises(InputError, match=r"against: expected each weights once, got template.safetensors twice"):
        evaluate(one_image, weights, "cpu", against=[weights])


def test_missing_weights(tmp_path, one_image):
    for weights, against in (("none", ()), ("template", ["none"])):
        paths = [tiny.weights(tmp_path).with_stem(name) for name in (weights, *against)]
        with pytest.raises(InputError, match=r"weights none.safetensors: expected an existing file, got none"):
            evaluate(one_image, paths[0], "cpu", against=paths[1:])


BAD_FILES = pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("DRR/case_segment_24/rendering/00.png", b"no image", "case_segment_24: expected the image 00.png, got"),
        ("Mesh/case_segment_24.stl", b"solid x\nendsolid x\n", "mesh case_segment_24.stl: expected a surface with tri"),
        ("DRR/case_segment_24/rendering/00.json", b"{}", "case_segment_24: geometry: expected sdd_mm, sod_mm"),
    ],
)


@BAD_FILES
def test_a_data_set_of_one_bad_file_is_refused_before_any_work(monkeypatch, tmp_path, one_image, name, content, text):
    monkeypatch.setattr(module, "Predictor", knowing(None, one_image))
    monkeypatch.setattr(module, "_job", never)
    folder = shutil.copytree(one_image, tmp_path / "copy")
    (folder / name).write_bytes(content)
    with pytest.raises(InputError, match=text):
        evaluate(folder, None)


@BAD_FILES
def test_a_bad_file_costs_only_itself(tmp_path, one_image, no_scenes, name, content, text):
    """Beside a vertebra that is whole, of another person."""
    folder = shutil.copytree(one_image, tmp_path / "copy")
    for path in (folder / "DRR/case_segment_24", folder / "Mesh/case_segment_24.stl"):
        (shutil.copytree if path.is_dir() else shutil.copy)(path, path.with_name(path.name.replace("case", "anna")))
    (folder / name).write_bytes(content)
    result, _ = run(folder, lambda truth: truth, report=tmp_path / "report")
    assert {row.case for row in result.rows} == {"anna"} and len(result.images) == 1
    (reason,) = result.failed.values()
    assert re.search(text, reason)
    page = (tmp_path / "report" / "report.md").read_text().split("## Failed")[1]
    assert "- person 2, L5" in page and "case" not in page.split("##")[0]


def test_an_error_nobody_foresaw_costs_only_its_image(tmp_path, monkeypatch):
    """Of looking at the image, and of measuring what was found."""
    tiny.write_vertebra(tmp_path, "L5", 650.0, {"ap": 0.0, "lateral": 90.0, "oblique": 25.0})

    def answer(truth):
        depth = round(volume_centroid(truth)[2])
        if depth == 650:
            raise ZeroDivisionError("no depth")
        return truth if depth == 652 else Mesh(truth.vertices[:, :2], truth.faces)

    result, _ = run(tmp_path, answer)
    assert [image.view for image in result.images] == ["oblique"]
    assert list(result.failed) == ["case_segment_24 00.png", "case_segment_24 01.png"]
    assert result.failed["case_segment_24 00.png"] == "ZeroDivisionError: no depth"


def test_what_failed_is_named_in_the_end_with_exit_code_2(monkeypatch, capsys):
    failed = {"a_segment_20": "mesh a_segment_20.stl: expected more", "b_segment_21 00.png": "expected light"}
    found = replace(WHOLE, failed=failed)
    monkeypatch.setattr(module, "evaluate", lambda *_, **__: found)
    assert main(["evaluate", "dataset"]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "revert: error: mesh a_segment_20.stl: expected more",
        "revert: error: b_segment_21 00.png: expected light",
        "revert: data set: expected all images to be measured, got 1; not: a_segment_20, b_segment_21 00.png",
    ]
