"""What an evaluation leaves out or refuses, and says so: before any work, and leaving nothing behind."""

import shutil

import numpy as np
import pytest
import tiny
from tiny_evaluation import constants, evaluation, knowing, one_image, plain_model, row, rows_of, run  # noqa: F401

from ReVertLib.errors import InputError
from ReVertLib.evaluation import evaluate as module
from ReVertLib.evaluation.evaluate import evaluate
from ReVertLib.evaluation.measure import UNIT_BALL
from ReVertLib.evaluation.report import chosen_images, write_report
from ReVertLib.evaluation.tables import level_table
from ReVertLib.mesh.mesh import Mesh
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
    assert "one radiograph" not in level_table(result)


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


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("DRR/case_segment_24/rendering/00.png", b"no image", "case_segment_24: expected the image 00.png, got"),
        ("Mesh/case_segment_24.stl", b"solid x\nendsolid x\n", "mesh case_segment_24.stl: expected a surface with tri"),
        ("DRR/case_segment_24/rendering/00.json", b"{}", "case_segment_24: geometry: expected sdd_mm, sod_mm"),
    ],
)
def test_a_bad_file_is_found_before_any_work(monkeypatch, tmp_path, one_image, name, content, text):
    monkeypatch.setattr(module, "Predictor", knowing(None, one_image))
    monkeypatch.setattr(module, "_job", never)
    folder = shutil.copytree(one_image, tmp_path / "copy")
    (folder / name).write_bytes(content)
    with pytest.raises(InputError, match=text):
        evaluate(folder, None)
