"""Evaluations whose figures are known in advance: by predictors that know the truth, or know nothing."""

import csv
import shutil

import numpy as np
import pytest
import SimpleITK as sitk
import tiny

from ReVertLib import evaluate as module
from ReVertLib.errors import InputError
from ReVertLib.evaluate import evaluate
from ReVertLib.evaluation_report import chosen_shots, report_text, write_report
from ReVertLib.evaluation_tables import level_table, overall_table, title_of
from ReVertLib.geometry import camera_from_lps, rotation_about
from ReVertLib.measure import ALIGNMENTS, UNIT_BALL
from ReVertLib.mesh import Mesh, volume_centroid
from ReVertLib.oracle import Oracle
from ReVertLib.reconstruction import Reconstruction
from ReVertLib.shape_model import load_model
from ReVertLib.template import RESOURCES, control_mesh


@pytest.fixture(scope="module", autouse=True)
def plain_model():
    """The shape model's modes as they are: what is widened takes seconds to be worked out."""
    model = load_model(RESOURCES / "shape_model.npz")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Oracle, "of", lambda rank: Oracle(model.means, np.moveaxis(model.modes, 0, 2)))
        yield


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Two vertebrae, three images."""
    folder = tmp_path_factory.mktemp("dataset")
    tiny.write_vertebra(folder, "L3", 600.0, {"ap": 0.0, "lateral": 90.0})
    tiny.write_vertebra(folder, "L5", 650.0, {"ap": 0.0})
    return folder


@pytest.fixture(scope="module")
def one_image(tmp_path_factory):
    folder = tmp_path_factory.mktemp("one_image")
    tiny.write_vertebra(folder, "L5", 650.0, {"ap": 0.0})
    return folder


def knowing(answer, folder, expects=None):
    """A stand-in for Predictor that knows a data set: answer(truth) to an image, the mean vertebra to darkness.
    expects: mm, the error it says of every vertex."""

    class Knowing:
        architecture, weights_sha256 = "template", "0" * 64

        def __init__(self, weights, device):
            self.shots = {shot.geometry.sod_mm: shot for of_one in module._checked_shots(folder) for shot in of_one}

        def reconstruct(self, pixels, geometry):
            shot = self.shots[geometry.sod_mm]
            dark = control_mesh(shot.level).moved(camera_from_lps(), np.array([0, 0, geometry.sod_mm]))
            mesh = answer(shot.truth) if pixels.any() else dark
            return Reconstruction(mesh, geometry, 0.0, (), expects and np.full(len(mesh.vertices), expects))

    return Knowing


def run(folder, answer, expects=None, **options):
    lines = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "Predictor", knowing(answer, folder, expects))
        result = evaluate(folder, None, samples=1_000, **({"workers": 1, "say": lines.append} | options))
    return result, lines


@pytest.fixture(scope="module")
def measured(dataset):
    """An evaluation of a predictor that answers with a bent truth."""
    return run(dataset, tiny.deformed)[0]


def rows_of(result, answer, alignment=None):
    return [row for row in result.rows if row.answer == answer and alignment in (None, row.alignment)]


def test_a_perfect_answer_is_perfect_in_every_alignment(one_image):
    result, lines = run(one_image, lambda truth: truth)
    assert len(result.rows) == 4 + 3 + 2 + 1
    for row in rows_of(result, "network"):
        assert row.metrics.dice > 0.995
        assert row.metrics.hd95_mm < 0.05
        assert max(row.pose.across_beam_mm, row.pose.along_beam_mm) < 1e-3
        assert row.pose.rotation_deg < 0.2
        assert (row.closed, row.euler_number) == (True, 0)
    assert all(row.metrics.dice < 0.95 for row in rows_of(result, "control"))
    (control,), (ceiling,) = rows_of(result, "control", "rigid"), rows_of(result, "oracle")
    assert control.metrics.dice < ceiling.metrics.dice < 0.995
    assert "| one radiograph | none | 1 | 1.000 | 0.00 | 0.00 | 1.000 | 0.0 | 0.0 | 0.0 |" in lines[-1].splitlines()


def test_errors_of_place_are_told_apart(one_image):
    """3 and 4 mm across the beam, 12 mm away, turned by 10 degrees about the centroid."""

    def answer(truth):
        turn, centre = rotation_about("y", 10.0), volume_centroid(truth)
        return truth.moved(turn, centre - turn @ centre + [3.0, -4.0, 12.0])

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


def test_an_untrained_network_is_its_own_blank_and_the_control(tmp_path, dataset):
    lines = []
    result = evaluate(dataset, tiny.weights(tmp_path), "cpu", samples=1_000, workers=1, say=lines.append)
    assert [asked.architecture for asked in result.networks] == ["template"]
    network, blank, control = (rows_of(result, answer, "rigid") for answer in ("network", "blank", "control"))
    for seen, dark, constant in zip(network, blank, control, strict=True):
        assert (seen.vertebra, seen.view) == (dark.vertebra, dark.view) == (constant.vertebra, constant.view)
        assert seen.metrics == dark.metrics
        assert seen.metrics.dice == pytest.approx(constant.metrics.dice, abs=0.01)
        assert seen.metrics.assd_mm == pytest.approx(constant.metrics.assd_mm, abs=0.05)
        expected = {"ap": 0.0, "lateral": 90.0}[seen.view]
        assert seen.pose.rotation_deg == pytest.approx(expected, abs=6)
    assert "blank image" in lines[-1]


def test_workers_find_the_same_and_the_report_is_whole(tmp_path, one_image, measured):
    result, lines = run(one_image, tiny.deformed, workers=2, report=tmp_path / "report")
    rows = [row for row in measured.rows if row.level == "L5"]
    *same, ceiling = result.rows
    assert same == rows[:-1]
    assert ceiling.metrics.dice == pytest.approx(rows[-1].metrics.dice, abs=1e-4)  # a fit may differ in the last digits
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
    assert {row["rotation_deg"] == "" for row in rows if row["answer"] == "control"} == {True}
    text = (tmp_path / "report" / "report.md").read_text()
    assert overall_table(result) in text and "1 image of 1 vertebra of 1 person" in text
    assert all(f"]({name})" in text for name in pictures)
    assert any(line.startswith("| one radiograph | 1 | 1 | 1 |") for line in text.splitlines())
    assert "case_segment" not in text


def test_what_a_network_says_of_its_answers_is_measured(one_image, measured):
    """A surface 0.2 mm outside the truth everywhere, of which 0.1 mm is expected: trusted, and twice as wrong."""
    assert measured.judgements == ()
    assert "What the network said" not in report_text(measured)

    def grown(truth):
        normals = vertex_normals(truth)
        return Mesh(truth.vertices + 0.2 * normals, truth.faces)

    result, _ = run(one_image, grown, expects=0.1)
    (said,) = result.judgements
    assert said.verdict.word == "trust"
    assert (said.expected_mm == 0.1).all()
    assert said.actual_mm.mean() == pytest.approx(0.2, abs=0.02)
    text = report_text(result)
    assert "| trust | 1 | 0.20 | 0.20 | 100 % |" in text.splitlines()
    assert f"Actual error over expected: {10 * said.actual_mm.mean():.2f}." in text


def vertex_normals(mesh):
    """(n, 3) unit normals, outward: the mean of the faces around each vertex, by their area."""
    a, b, c = (mesh.vertices[mesh.faces[:, i]] for i in range(3))
    normals = np.zeros_like(mesh.vertices)
    for i in range(3):
        np.add.at(normals, mesh.faces[:, i], np.cross(b - a, c - a))
    return normals / np.linalg.norm(normals, axis=1, keepdims=True)


def test_an_answer_that_is_no_surface_is_left_out_and_said(one_image):
    text = "points: expected points around a volume, got points in one plane"

    def answer(truth):
        raise InputError(text)

    result, lines = run(one_image, answer)
    assert [(row.answer, row.alignment) for row in result.rows] == [
        *(("blank", alignment) for alignment in ALIGNMENTS),
        ("control", "rigid"),
        ("control", UNIT_BALL),
        ("oracle", "rigid"),
    ]
    assert [(failure.shot.view, failure.answer, failure.reason) for failure in result.failures] == [
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
    assert chosen_shots(result) == {}


def test_a_report_that_fails_leaves_nothing(tmp_path, measured):
    with pytest.raises(AssertionError, match="work began"):
        write_report(measured, tmp_path / "report", never)
    assert not list(tmp_path.iterdir())


def test_an_empty_folder_is_filled(monkeypatch, tmp_path, measured):
    monkeypatch.setattr("ReVertLib.evaluation_report.demo_picture", lambda *_: None)
    write_report(measured, tmp_path, lambda shot: None)
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


def test_other_weights_are_answers_of_their_own(tmp_path, one_image):
    """The others answer with the truth, 3 mm beside its place; in everything that is measured."""
    lines = []
    ours = knowing(tiny.deformed, one_image)
    theirs = knowing(lambda truth: truth.moved(np.eye(3), np.array([3.0, 0.0, 0.0])), one_image)
    theirs.architecture, theirs.weights_sha256 = "sphere", "abcdef01" + "0" * 56
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "Predictor", lambda path, device: (theirs if path else ours)(path, device))
        options = {"report": tmp_path / "report", "against": [tmp_path / "s.safetensors"], "say": lines.append}
        result = evaluate(one_image, None, samples=1_000, workers=1, **options)
    network, other = result.networks
    assert (network.name, network.file) == ("network", None)
    assert (other.name, other.file) == ("sphere abcdef01", "s.safetensors")
    dice = {row.alignment: row.metrics.dice for row in rows_of(result, other.name)}
    assert list(dice) == [*ALIGNMENTS, UNIT_BALL]
    assert dice["none"] < 0.9 < min(dice["translation"], dice["rigid"], dice[UNIT_BALL])
    assert len(rows_of(result, "blank")) == 3
    text = (tmp_path / "report" / "report.md").read_text()
    assert f"revert evaluate {one_image.name} --against s.safetensors --report DIR" in text
    title = title_of(result, other.name)
    assert sum(f"| {title} |" in line for line in text.splitlines()) == 3 + 4 + 1 + 2 + 1 + 1
    assert f"| {title} | rigid | 1 |" in lines[0]


def test_the_same_weights_twice(tmp_path, one_image):
    weights = tiny.weights(tmp_path)
    with pytest.raises(InputError, match=r"against: expected each weights once, got template.safetensors twice"):
        evaluate(one_image, weights, "cpu", against=[weights])


def test_missing_weights(tmp_path, dataset):
    for weights, against in (("none", ()), ("template", ["none"])):
        paths = [tiny.weights(tmp_path).with_stem(name) for name in (weights, *against)]
        with pytest.raises(InputError, match=r"weights none.safetensors: expected an existing file, got none"):
            evaluate(dataset, paths[0], "cpu", against=paths[1:])


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


def test_the_scene_of_a_shot_is_as_measured(dataset, measured):
    shot = chosen_shots(measured)["worst"]
    scene = module.scene_of(knowing(tiny.deformed, dataset)(None, "cpu"), shot)
    figure = min(row.metrics.dice for row in rows_of(measured, "network", "rigid"))
    assert scene.comparison.metrics.dice == figure
