"""`revert film` from end to end on the sample's CT, boxes given by hand; a small network answers."""

import json

import numpy as np
import pytest
from tiny import weights

import ReVertLib as revert
from ReVertLib.cli.main import main
from ReVertLib.finding.found import Answer, FoundSpine, FoundVertebra, Reading
from ReVertLib.imaging.grey_values import quantised
from ReVertLib.mesh.io import read_mesh
from ReVertLib.mesh.mesh import volume_centroid

LEVELS = ("L2", "L3", "L4")
BOXES = {"L2": [60, 20, 140, 80], "L3": [60, 80, 140, 140], "L4": [60, 140, 140, 200]}
LENGTHS = ["--sdd", "1000", "--sod", "700", "--pixel-spacing", "1"]


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    return str(weights(tmp_path_factory.mktemp("film"), "context"))


@pytest.fixture
def film(tmp_path):
    """A film of three bright vertebrae-like blocks, its boxes beside it."""
    import SimpleITK as sitk

    pixels = np.zeros((220, 200))
    for u0, v0, u1, v1 in BOXES.values():
        pixels[v0 + 4 : v1 - 10, u0 + 10 : u1 - 10] = 1
    path = tmp_path / "patient_name.png"
    sitk.WriteImage(sitk.GetImageFromArray(quantised(pixels, np.uint16)), str(path))
    entries = [{"level": level, "box_px": box} for level, box in BOXES.items()]
    path.with_suffix(".json").write_text(json.dumps({"vertebrae": entries, "yaw_deg": 0.0}))
    return path


def run(*arguments):
    return main(["film", *map(str, arguments), "--quiet", "--device", "cpu"])


def test_surfaces_report_and_picture_are_written(film, network, tmp_path):
    out = tmp_path / "out"
    report = tmp_path / "all.html"
    assert run(film, "-o", out, *LENGTHS, "--weights", network, "--report", report) == 0
    names = {f"patient_name_{level}.stl" for level in LEVELS} | {
        f"patient_name{end}" for end in (".json", ".svg", ".mrk.json")
    }
    assert {path.name for path in out.iterdir()} == names
    said = json.loads((out / "patient_name.json").read_text())
    assert list(said["levels"]) == list(LEVELS)
    assert said["anchor"] == "L3"
    assert said["scale"]["source"] == "given"
    for level in LEVELS:
        centre = volume_centroid(read_mesh(out / f"patient_name_{level}.stl"))
        assert centre[2] == pytest.approx(said["levels"][level]["geometry"]["sod_mm"], abs=0.01)
    assert said["levels"]["L3"]["geometry"]["sod_mm"] == pytest.approx(700, abs=1.0)
    measured = said["measurements"]
    assert list(measured["levels"]) == list(LEVELS) and list(measured["discs"]) == ["L2/L3", "L3/L4"]
    surfaces = {level: str(out / f"patient_name_{level}.stl") for level in LEVELS}
    again = revert.measure(surfaces)
    for level, group in measured["levels"].items():
        for name in ("canal width", "left pedicle transverse angle", "anterior height"):
            assert group[name]["value"] == pytest.approx(again.levels[level][name].value, abs=0.02)
    assert measured["spine"]["lordosis"]["value"] == pytest.approx(again.spine["lordosis"].value, abs=0.02)
    drawn = json.loads((out / "patient_name.mrk.json").read_text())["markups"]
    assert [one["name"] for one in drawn[:3]] == ["L2 points", "L2 left pedicle axis", "L2 right pedicle axis"]
    assert drawn[1]["controlPoints"][0]["position"] == pytest.approx(
        measured["levels"]["L2"]["left pedicle entry"]["value"], abs=0.01
    )
    assert "Coronal Cobb angle" in report.read_text()
    for text in ((out / "patient_name.svg").read_text(), report.read_text(), json.dumps([said, drawn])):
        assert "patient_name" not in text
    picture = (out / "patient_name.svg").read_text()
    assert picture.count("<polygon") >= 3
    assert all(f">{level} " in picture for level in LEVELS)


def test_without_a_view_both_that_are_likely_are_answered(film, network, tmp_path, monkeypatch):
    entries = json.loads(film.with_suffix(".json").read_text())["vertebrae"]
    film.with_suffix(".json").write_text(json.dumps({"vertebrae": entries}))
    likely = [((0.0, 0.0, 0.0), 0.6), ((180.0, 0.0, 0.0), 0.4)]
    monkeypatch.setattr("ReVertLib.network.context_answers.likely_views", lambda _: likely)
    out = tmp_path / "out"
    assert run(film, "-o", out, *LENGTHS, "--weights", network) == 0
    said = json.loads((out / "patient_name.json").read_text())
    assert list(said["other"]["levels"]) == list(LEVELS)
    for level in LEVELS:
        yaws = [part["levels"][level]["geometry"]["yaw_deg"] for part in (said, said["other"])]
        assert yaws == [0.0, 180.0]
        surfaces = [read_mesh(out / f"patient_name_{level}{which}.stl") for which in ("", "_second")]
        assert np.abs(surfaces[0].vertices - surfaces[1].vertices).max() > 5


def test_boxes_named_on_the_command_line_go_before_the_sidecars(film, network, tmp_path):
    boxes = tmp_path / "boxes.json"
    boxes.write_text(json.dumps({"vertebrae": [{"level": "L5", "box_px": BOXES["L4"]}]}))
    report = tmp_path / "all.json"
    arguments = ["--find", boxes, "--weights", network, "--report", report]
    assert run(film, "-o", tmp_path / "out", *LENGTHS, *arguments) == 0
    (said,) = json.loads(report.read_text())["films"]
    assert list(said["levels"]) == ["L5"]
    assert said["anchor"] == "L5"
    assert "L3, whose distance is given, is not on the film" in said["warnings"]


def test_without_distances_the_population_is_the_scale(film, network, tmp_path):
    assert run(film, "-o", tmp_path / "out", "--weights", network) == 0
    said = json.loads((tmp_path / "out" / "patient_name.json").read_text())
    assert said["scale"]["source"] == "population"
    assert all(one["depth_sd_mm"] > 20 for one in said["levels"].values())


@pytest.mark.parametrize(
    ("entries", "text"),
    [
        ([{"level": "L3"}], "expected vertebrae as a list of objects with level and box_px, got"),
        ("L3", "expected vertebrae as a list of objects"),
        ([{"level": "T9", "box_px": [0, 0, 9, 9]}], "level: expected one of L1, L2, L3, L4, L5, got 'T9'"),
        ([{"level": "L3", "box_px": [0, 0, 9, 9]}] * 2, "expected every level once, got L3 twice"),
        ([{"level": "L3", "box_px": [900, 0, 999, 9]}], "box_px: expected the box of L3 on the 200 x 220 film"),
    ],
)
def test_boxes_that_cannot_be_used_are_refused(film, network, tmp_path, capsys, entries, text):
    film.with_suffix(".json").write_text(json.dumps({"vertebrae": entries}))
    assert run(film, "-o", tmp_path / "out", *LENGTHS, "--weights", network) == 2
    assert text in capsys.readouterr().err
    assert not list(tmp_path.glob("out/*"))


def test_bad_options_are_refused_before_any_work(film, network, tmp_path, capsys):
    out = tmp_path / "out"
    for options, text in (
        (["--sod-of", "hip"], "sod-of: expected one of L1, L2, L3, L4, L5, or isocentre, got 'hip'"),
        (["--ball", "1", "1", "9", "25", "--length", "0", "0", "9", "9", "25"], "expected one of --ball and --length"),
        (["--ball", "1", "1", "0", "25"], "ball: expected a size above 0"),
    ):
        assert run(film, "-o", out, *LENGTHS, *options, "--weights", network) == 2
        assert text in capsys.readouterr().err
        assert not out.exists()
    assert run(film, "-o", film.parent, *LENGTHS, "--weights", network) == 2  # the report would be the film's sidecar
    assert "expected a file of its own, got that of the sidecar" in capsys.readouterr().err


def test_one_film_of_two_that_cannot_be_read_costs_only_itself(film, network, tmp_path, capsys):
    other = tmp_path / "other.png"
    other.write_text("no image")
    other.with_suffix(".json").write_text(film.with_suffix(".json").read_text())
    assert run(film, other, "-o", tmp_path / "out", *LENGTHS, "--weights", network) == 2
    assert "expected 2 to be reconstructed, got 1; not: other.png" in capsys.readouterr().err
    assert (tmp_path / "out" / "patient_name_L3.stl").is_file()


@pytest.fixture
def film_without_boxes(film):
    film.with_suffix(".json").write_text(json.dumps({"yaw_deg": 0.0}))
    return film


def test_where_nothing_is_found_the_boxes_are_asked_for(film_without_boxes, network, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("ReVertLib.finding.finder.LEAST_HEAT", 1.0)
    assert run(film_without_boxes, "-o", tmp_path / "out", *LENGTHS, "--weights", network) == 2
    assert "film: expected a lumbar vertebra on it, got none that was found; give the boxes" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


class Column:
    """A finder that finds the three blocks, and keeps what it was asked."""

    def __init__(self, asked, weights, device):
        self.asked = asked
        asked.append((weights and weights.name, device))

    def find(self, pixels, sdd_mm, pixel_spacing_mm, sod_mm, view_deg):
        self.asked.append((sdd_mm, tuple(pixel_spacing_mm), sod_mm, view_deg))
        corners = np.full((4, 2), np.nan)
        found = tuple(
            FoundVertebra(21 + i, np.array([100.0, np.mean(box[1::2])]), tuple(box), corners, 0.9)
            for i, box in enumerate(BOXES.values())
        )
        unsaid, readings = Answer(False, 0.9), (Reading((21, 22, 23), 0.8), Reading((20, 21, 22), 0.2))
        return FoundSpine(found, readings, frozenset(), (), unsaid, unsaid, unsaid, ("the names are a guess",))


def test_vertebrae_are_found_by_the_weights_that_are_named(film_without_boxes, network, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr("ReVertLib.finding.finder.Finder", lambda *given: Column(asked, *given))
    arguments = [*LENGTHS, "--weights", network, "--finder", "any.safetensors"]
    assert run(film_without_boxes, "-o", tmp_path / "out", *arguments) == 0
    assert asked == [("any.safetensors", "cpu"), (1000.0, (1.0, 1.0), 700.0, (0.0, 0.0, 0.0))]
    said = json.loads((tmp_path / "out" / "patient_name.json").read_text())
    assert list(said["levels"]) == list(LEVELS)
    assert said["levels"]["L2"]["probability"] == pytest.approx(0.9 * 0.8)
    assert "the names are a guess" in said["warnings"]
    assert [one["name"] for one in said["found"]["vertebrae"]] == ["L2", "L3", "L4"]
    assert said["found"]["inverted"] == {"is_so": False, "probability": 0.9}
    arguments += ["--shift", "1"]
    assert run(film_without_boxes, "-o", tmp_path / "lower", *arguments) == 0
    said = json.loads((tmp_path / "lower" / "patient_name.json").read_text())
    assert list(said["levels"]) == ["L3", "L4", "L5"]


@pytest.fixture
def second(film):
    """Another film of the same blocks, from the left and without L4."""
    path = film.with_name("other.png")
    path.write_bytes(film.read_bytes())
    entries = [{"level": level, "box_px": BOXES[level]} for level in LEVELS[:2]]
    path.with_suffix(".json").write_text(json.dumps({"vertebrae": entries, "yaw_deg": -90.0}))
    return path


def test_two_films_become_one_set_of_vertebrae(film, second, network, tmp_path):
    out, report = tmp_path / "out", tmp_path / "all.json"
    pose = tmp_path / "pose.json"
    matrix = [[0, 0, -1, 700], [0, 1, 0, 0], [1, 0, 0, 700], [0, 0, 0, 1]]
    pose.write_text(json.dumps({"second_from_first": matrix}))
    arguments = ["-o", out, *LENGTHS, "--weights", network, "--fuse", "--pose", pose, "--report", report]
    assert run(film, second, *arguments) == 0
    names = {f"patient_name_{level}.stl" for level in LEVELS} | {
        f"patient_name{end}" for end in (".json", ".svg", ".mrk.json")
    }
    assert {path.name for path in out.iterdir()} == names
    said = json.loads((out / "patient_name.json").read_text())
    assert list(said["levels"]) == list(LEVELS) and list(said["fusion"]["levels"]) == list(LEVELS[:2])
    assert said["fusion"]["given"] is True
    assert [list(one["levels"]) for one in said["fusion"]["alone"]] == [list(LEVELS), list(LEVELS[:2])]
    assert "L4 is on the first film alone, and stays as that gives it" in said["warnings"]
    entry = said["measurements"]["levels"]["L2"]["left pedicle entry"]["value"]
    drawn = json.loads((out / "patient_name.mrk.json").read_text())["markups"]
    assert drawn[1]["controlPoints"][0]["position"] == pytest.approx(entry, abs=0.01)
    assert json.loads(report.read_text())["films"] == [said]
    surface = read_mesh(out / "patient_name_L2.stl")
    assert volume_centroid(surface)[2] == pytest.approx(said["levels"]["L2"]["geometry"]["sod_mm"], abs=0.01)


def test_two_films_are_fused_whose_vertebrae_are_found_on_one(
    film_without_boxes, second, network, tmp_path, monkeypatch
):
    asked = []
    monkeypatch.setattr("ReVertLib.finding.finder.Finder", lambda *given: Column(asked, *given))
    arguments = [film_without_boxes, second, "-o", tmp_path / "out", *LENGTHS, "--weights", network, "--fuse"]
    assert run(*arguments, "--shift", "-1") == 0
    assert [one[3] for one in asked[1:]] == [(0.0, 0.0, 0.0)]
    said = json.loads((tmp_path / "out" / "patient_name.json").read_text())
    assert list(said["levels"]) == ["L1", "L2", "L3"] and list(said["fusion"]["levels"]) == ["L2", "L3"]
    assert said["levels"]["L2"]["probability"] == pytest.approx(0.9 * 0.2)
    assert [one["found"] is None for one in said["fusion"]["alone"]] == [False, True]
    assert "the names are a guess" in said["warnings"]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--fuse"], "images: expected two films to fuse, got 1"),
        (["--pose", "isocentre"], "pose: expected --fuse with it, got none"),
    ],
)
def test_what_fusing_needs_is_asked_for(film, network, tmp_path, capsys, options, text):
    assert run(film, "-o", tmp_path / "out", *LENGTHS, "--weights", network, *options) == 2
    assert text in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_pose_about_an_isocentre_is_of_films_at_its_distance(film, second, network, tmp_path, capsys):
    arguments = ["-o", tmp_path / "out", *LENGTHS, "--weights", network, "--fuse", "--pose", "isocentre"]
    assert run(film, second, *arguments) == 2
    assert "pose: expected --sod-of isocentre for a pose about it, got L3" in capsys.readouterr().err
    assert run(film, second, *arguments, "--sod-of", "isocentre") == 0
    said = json.loads((tmp_path / "out" / "patient_name.json").read_text())["fusion"]
    assert np.array(said["second_from_first"])[0, 2] == pytest.approx(-1.0, abs=0.05)


def test_nothing_is_written_where_one_of_two_films_cannot_be_used(film, second, network, tmp_path, capsys):
    second.with_suffix(".json").write_text(json.dumps({"vertebrae": "L3"}))
    assert run(film, second, "-o", tmp_path / "out", *LENGTHS, "--weights", network, "--fuse") == 2
    assert not (tmp_path / "out").exists()
