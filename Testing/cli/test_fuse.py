"""`revert fuse`."""

import json

import numpy as np
import pytest

from ReVertLib.cli.main import main
from ReVertLib.mesh.io import read_mesh
from ReVertLib.resources import SAMPLE_FOLDER

AP, LATERAL = (str(SAMPLE_FOLDER / f"verse008_L3_{view}.png") for view in ("ap", "lateral"))


def test_two_images_to_a_surface_and_a_report(tmp_path, capsys):
    out, report = tmp_path / "L3.ply", tmp_path / "L3.json"
    assert main(["fuse", AP, LATERAL, "-o", str(out), "--pose", "isocentre", "--report", str(report), "--strict"]) == 0
    said = json.loads(report.read_text())
    assert said["verdict"]["word"] == "trust"
    assert said["relative_pose"]["given"] is True
    assert said["mean_of_vertices_mm"]["expected_error_mm"] < min(
        alone["expected_error_mm"] for alone in said["alone_mm"]
    )
    assert len(read_mesh(out).vertices) == 3000
    line = capsys.readouterr().out
    assert "verse008_L3_ap.png, verse008_L3_lateral.png: " in line
    assert "less than the better image alone" in line


def test_a_wrong_pose_is_said(tmp_path, capsys):
    """The second camera stands where it would for another vertebra, 40 mm farther up."""
    pose = tmp_path / "pose.json"
    matrix = np.array([[0, 0, -1, 600], [0, 1, 0, 40], [1, 0, 0, 600], [0, 0, 0, 1.0]])
    pose.write_text(json.dumps({"second_from_first": matrix.tolist()}))
    out = tmp_path / "L3.stl"
    assert main(["fuse", AP, LATERAL, "-o", str(out), "--pose", str(pose), "--strict"]) == 3
    assert (
        "do not use: the two images disagree: by the relative pose given, the vertebra lies" in capsys.readouterr().out
    )
    assert out.is_file()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--pose", "iso.json"], "sidecar iso.json: expected a JSON file"),
        (["--level", "L9"], "first image: level: expected one of L1"),
        (["--report", "no/such/folder/r.json"], "report"),
    ],
)
def test_bad_input_is_refused_before_anything_is_written(tmp_path, capsys, monkeypatch, more, message):
    monkeypatch.chdir(tmp_path)
    assert main(["fuse", AP, LATERAL, "-o", "out.stl", *more]) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_pose_file_without_a_pose_and_an_output_of_no_form_are_refused(tmp_path, capsys):
    empty = tmp_path / "pose.json"
    empty.write_text("{}")
    assert main(["fuse", AP, LATERAL, "-o", str(tmp_path / "a.stl"), "--pose", str(empty)]) == 2
    assert main(["fuse", AP, LATERAL, "-o", str(tmp_path / "a.txt")]) == 2
    err = capsys.readouterr().err
    assert "pose pose.json: expected second_from_first in it, got none" in err
    assert "output: expected one of" in err
