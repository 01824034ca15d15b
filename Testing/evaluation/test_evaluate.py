"""Evaluations whose figures are known in advance: by predictors that know the truth, or know nothing."""

import csv
import shutil
from dataclasses import astuple, replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import tiny
from few_points import aligned_by_many_points
from log_lines import log_lines
from tiny_evaluation import (  # noqa: F401 - fixtures among them
    evaluation,
    knowing,
    no_scenes,
    one_image,
    plain_model,
    rows_of,
    run,
)

from ReVertLib.__main__ import main
from ReVertLib.errors import InputError
from ReVertLib.evaluation import evaluate as module
from ReVertLib.evaluation.evaluate import evaluate
from ReVertLib.evaluation.measure import UNIT_BALL
from ReVertLib.evaluation.report import chosen_images, report_text
from ReVertLib.evaluation.tables import overall_table, title_of
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.geometry.views import rotation_about
from ReVertLib.mesh.mesh import Mesh, vertex_normals, volume_centroid
from ReVertLib.registration.icp import RIGID_ALIGNMENTS


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Two vertebrae, three images."""
    folder = tmp_path_factory.mktemp("dataset")
    tiny.write_vertebra(folder, "L3", 600.0, {"ap": 0.0, "lateral": 90.0})
    tiny.write_vertebra(folder, "L5", 650.0, {"ap": 0.0})
    return folder


@pytest.fixture(scope="module")
def measured(dataset):
    """An evaluation of a predictor that answers with a bent truth."""
    with aligned_by_many_points():
        return run(dataset, tiny.deformed)[0]


def test_a_perfect_answer_is_perfect_in_every_alignment(one_image):
    with aligned_by_many_points():
        result, lines = run(one_image, lambda truth: truth)
    assert len(result.rows) == 4 + 3 + 2 + 1
    for row in rows_of(result, "network"):
        assert row.metrics.dice > 0.995
        assert row.metrics.hd95_mm < 0.05
        assert max(row.pose.across_beam_mm, row.pose.along_beam_mm) < 1e-3
        assert row.pose.rotation_deg < 0.2
        assert (row.closed, row.euler_number) == (True, 0)
    assert all(row.metrics.dice < 0.95 for row in rows_of(result, "baseline"))
    (baseline,), (ceiling,) = rows_of(result, "baseline", "rigid"), rows_of(result, "best fit")
    assert baseline.metrics.dice < ceiling.metrics.dice < 0.995
    assert (
        "| one computed radiograph | none | 1 | 1.000 | 0.00 | 0.00 | 1.000 | 0.0 | 0.0 | 0.0 |"
        in lines[-1].splitlines()
    )


def test_errors_of_place_are_told_apart(one_image):
    """3 and 4 mm across the beam, 12 mm away, turned by 10 degrees about the centroid."""

    def answer(truth):
        turn, centre = rotation_about("y", 10.0), volume_centroid(truth)
        return truth.moved(RigidTransform(turn, centre - turn @ centre + [3.0, -4.0, 12.0]))

    result, _ = run(one_image, answer)
    for row in rows_of(result, "network"):
        assert row.pose.across_beam_mm == pytest.approx(5.0, abs=0.01)
        assert row.pose.along_beam_mm == pytest.approx(12.0, abs=0.01)
        assert row.pose.rotation_deg == pytest.approx(10.0, abs=0.1)
    none, translation, rigid = (
        np.mean([row.metrics.dice for row in rows_of(result, "network", alignment)])
        for alignment in ("none", "translation", "rigid")
    )
    assert none + 0.2 < translation < rigid - 0.03
    assert rigid > 0.985


def test_an_untrained_network_is_its_own_blank_and_the_baseline(tmp_path, dataset):
    with log_lines() as lines:
        result = evaluate(dataset, tiny.weights(tmp_path), "cpu", samples=1_000, workers=1)
    assert [model.architecture for model in result.networks] == ["template"]
    network, blank, baseline = (rows_of(result, answer, "rigid") for answer in ("network", "blank", "baseline"))
    for seen, dark, constant in zip(network, blank, baseline, strict=True):
        assert (seen.vertebra, seen.view) == (dark.vertebra, dark.view) == (constant.vertebra, constant.view)
        assert seen.metrics == dark.metrics
        assert seen.metrics.dice == pytest.approx(constant.metrics.dice, abs=0.01)
        assert seen.metrics.assd_mm == pytest.approx(constant.metrics.assd_mm, abs=0.05)
        expected = {"ap": 0.0, "lateral": 90.0}[seen.view]
        assert seen.pose.rotation_deg == pytest.approx(expected, abs=6)
    assert "blank image" in lines[-1]


def test_workers_find_the_same(tmp_path, one_image):
    weights = tiny.weights(tmp_path)
    with aligned_by_many_points():  # as the other processes do
        one, two = (evaluate(one_image, weights, "cpu", samples=1_000, workers=count) for count in (1, 2))
    assert [(row.answer, row.alignment) for row in one.rows] == [(row.answer, row.alignment) for row in two.rows]
    pairs = [pair for pair in zip(one.rows, two.rows, strict=True) if pair[0].answer in ("network", "blank")]
    for row, same in pairs:
        assert replace(row, metrics=None, pose=None) == replace(same, metrics=None, pose=None)
        assert astuple(row.metrics) == pytest.approx(astuple(same.metrics), rel=1e-6)
    assert [image.name for image in one.images] == [image.name for image in two.images]


def test_the_report_is_whole(tmp_path, one_image, measured):
    with aligned_by_many_points():
        result, lines = run(one_image, tiny.deformed, report=tmp_path / "report")
    assert [*result.rows] == [row for row in measured.rows if row.level == "L5"]
    assert lines[-1] == f"report: {tmp_path / 'report'}"
    names = sorted(path.name for path in (tmp_path / "report").iterdir())
    pictures = ["best.png", "by_level.png", "by_view.png", "error_map.png"]
    assert names == sorted([*pictures, "report.md", "rows.csv", "summary.csv"])
    assert [path.name for path in tmp_path.iterdir()] == ["report"]
    for name in pictures:
        assert min(sitk.ReadImage(str(tmp_path / "report" / name)).GetSize()) > 300
    assert sum((tmp_path / "report" / name).stat().st_size for name in pictures) < 600_000
    with (tmp_path / "report" / "rows.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["dice"]) for row in rows] == [row.metrics.dice for row in result.rows]
    assert {row["rotation_deg"] == "" for row in rows if row["answer"] == "baseline"} == {True}
    text = (tmp_path / "report" / "report.md").read_text()
    assert overall_table(result) in text and "1 image of 1 vertebra of 1 person" in text
    assert all(f"]({name})" in text for name in pictures)
    assert any(line.startswith("| one computed radiograph | 1 | 1 | 1 |") for line in text.splitlines())
    assert "case_segment" not in text


def test_a_stopped_evaluation_goes_on_from_whole_vertebrae(tmp_path, dataset, measured, no_scenes, monkeypatch):
    """Stopped at the second vertebra: the first is not measured again, unless its files have changed."""
    folder, report = shutil.copytree(dataset, tmp_path / "data"), tmp_path / "report"
    asked, real = [], module.measured

    def noting(job, stop=False):
        asked.append(job.image.name)
        if stop and job.image.level == "L5":
            raise KeyboardInterrupt
        return real(job)

    monkeypatch.setattr(module, "measured", partial(noting, stop=True))
    with pytest.raises(KeyboardInterrupt), aligned_by_many_points():
        run(folder, tiny.deformed, report=report)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".report-parts", "data"]
    monkeypatch.setattr(module, "measured", noting)
    asked.clear()
    with aligned_by_many_points():
        result, lines = run(folder, tiny.deformed, report=report)
    assert asked == ["case_segment_24 00.png"]
    assert "going on: 2 of 3 images were measured before" in lines
    assert result.rows == measured.rows
    assert {name: errors.tolist() for name, errors in result.vertex_errors_mm.items()} == {
        name: errors.tolist() for name, errors in measured.vertex_errors_mm.items()
    }
    assert result.region_errors == measured.region_errors
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "report"]


def test_what_a_network_says_of_its_answers_is_measured(one_image, measured):
    """A surface 0.2 mm outside the truth everywhere, of which 0.1 mm is expected: trusted, and twice as wrong."""
    assert measured.predicted is None
    assert "## Predicted errors" not in report_text(measured)

    def grown(truth):
        normals = vertex_normals(truth)
        return Mesh(truth.vertices + 0.2 * normals, truth.faces)

    result, _ = run(one_image, grown, expects=0.1)
    found = result.predicted
    assert found.words == ("trust",)
    assert found.reliability.deciles[:, 0] == pytest.approx(0.1)
    assert found.means_mm == pytest.approx([0.2], abs=0.02)
    text = report_text(result)
    assert "| trust | 1 | 0.20 | 0.20 | 100 % |" in text.splitlines()
    assert f"Actual error over expected: {10 * found.means_mm[0]:.2f}." in text


def test_other_weights_are_answers_of_their_own(tmp_path, one_image, no_scenes):
    """The others answer with the truth, 3 mm beside its place; in everything that is measured."""
    ours = knowing(tiny.deformed, one_image)
    theirs = knowing(lambda truth: truth.moved(RigidTransform.shift(np.array([3.0, 0.0, 0.0]))), one_image)
    theirs.architecture, theirs.weights_sha256 = "sphere", "abcdef01" + "0" * 56
    with pytest.MonkeyPatch.context() as patch, log_lines() as lines:
        patch.setattr(module, "Predictor", lambda path, device: (theirs if path else ours)(path, device))
        options = {"report": tmp_path / "report", "against": [tmp_path / "s.safetensors"]}
        result = evaluate(one_image, None, samples=1_000, workers=1, **options)
    network, other = result.networks
    assert (network.name, network.file) == ("network", None)
    assert (other.name, other.file) == ("sphere abcdef01", "s.safetensors")
    dice = {row.alignment: row.metrics.dice for row in rows_of(result, other.name)}
    assert list(dice) == [*RIGID_ALIGNMENTS, UNIT_BALL]
    assert dice["none"] < 0.9 < min(dice["translation"], dice["rigid"], dice[UNIT_BALL])
    assert len(rows_of(result, "blank")) == 3
    text = (tmp_path / "report" / "report.md").read_text()
    assert f"revert evaluate {one_image.name} --against s.safetensors --report DIR" in text
    title = title_of(result, other.name)
    assert sum(f"| {title} |" in line for line in text.splitlines()) == 3 + 4 + 1 + 2 + 1 + 2 + 1
    assert f"| {title} | rigid | 1 |" in lines[0]


def test_others_are_named_together_or_one_by_one(monkeypatch):
    named = []

    def evaluate(*_, against, tell_view, workers, scheduler):
        assert (tell_view, workers, scheduler) == (True, None, None)
        named.append(against)
        return evaluation([])

    monkeypatch.setattr(module, "evaluate", evaluate)
    for options in ([], ["--against", "a", "b"], ["--against", "a", "--against", "b"]):
        assert main(["evaluate", "dataset", *options]) == 0
    assert named == [[], [Path("a"), Path("b")], [Path("a"), Path("b")]]


def test_the_scene_of_an_image_is_as_measured(dataset, measured):
    image = chosen_images(measured)["worst"]
    with aligned_by_many_points():
        scene = module.scene_of(knowing(tiny.deformed, dataset)(None, "cpu"), image)
    figure = min(row.metrics.dice for row in rows_of(measured, "network", "rigid"))
    assert scene.comparison.metrics.dice == pytest.approx(figure, abs=1e-3)  # each on a grid of its own


@pytest.mark.parametrize(("tell_view", "told"), [(True, [0.0, 90.0, 0.0]), (False, [None, None, None])])
def test_networks_are_told_the_view_unless_it_is_withheld(dataset, monkeypatch, tell_view, told):
    seen = []

    def noting(networks, samples, image):
        seen.append(image.geometry.view_deg)
        raise InputError("answer: expected none")

    monkeypatch.setattr(module, "_job", noting)
    monkeypatch.setattr(module, "measured_constants", lambda job: None)
    with pytest.raises(InputError, match="expected 3 images to be measured, got none"):
        run(dataset, lambda truth: truth, tell_view=tell_view)
    assert [view and pytest.approx(view[0]) for view in seen] == told
