"""`revert measure` on surfaces in files."""

import json

import numpy as np
import pytest

import ReVertLib as revert
from ReVertLib.anatomy.template import load_template
from ReVertLib.cli.main import main
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.mesh.io import write_mesh


@pytest.fixture
def surfaces(tmp_path):
    """L3 and L4 as means have them, 38 mm apart, one in each kind of file."""
    paths = [tmp_path / "film_L3.stl", tmp_path / "film_L4.ply"]
    for path, level, z_mm in zip(paths, ("L3", "L4"), (0.0, -38.0), strict=True):
        mesh = load_template().mean(level)
        write_mesh(mesh.moved(RigidTransform.shift(np.array([0.0, 0.0, z_mm]))), path, frame="camera")
    return paths


def run(*arguments):
    return main(["measure", *map(str, arguments)])


def test_a_report_and_lines(surfaces, tmp_path, capsys):
    out = tmp_path / "measured.json"
    assert run(*surfaces, "-o", out) == 0
    said = json.loads(out.read_text())
    assert list(said["levels"]) == ["L3", "L4"] and list(said["discs"]) == ["L3/L4"]
    height = said["levels"]["L3"]["middle height"]
    assert height["unit"] == "mm" and height["sd"] is None and not height["worth_a_look"]
    assert 24 < height["value"] < 30
    lines = capsys.readouterr().out.splitlines()
    assert f"L3 middle height: {height['value']:.1f} mm" in lines
    assert any(line.startswith("spine lordosis: ") for line in lines)


def test_markups_for_slicer(surfaces, tmp_path):
    out = tmp_path / "measured.mrk.json"
    assert run(surfaces[0], "-o", out, "--quiet") == 0
    nodes = json.loads(out.read_text())["markups"]
    assert [one["type"] for one in nodes] == ["Fiducial", "Line", "Line"]
    entry, end = (np.array(point["position"]) for point in nodes[1]["controlPoints"])
    length = revert.measure({"L3": surfaces[0]}).levels["L3"]["left pedicle length"].value
    assert np.linalg.norm(end - entry) == pytest.approx(length, abs=0.01)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["mean.stl"], "surface mean.stl: expected its level in the name, L1 to L5, got none"),
        (["film_L3.stl", "a_L3.stl"], "surfaces: expected each level once, got L3 twice"),
        (["film_L3.stl", "film_L4.ply", "--level", "L3"], "level: expected one surface with --level, got 2"),
        (["film_L3.stl", "--level", "T9"], "level: expected one of L1, L2, L3, L4, L5, got 'T9'"),
        (["film_L3.stl", "-o", "out.csv"], "output: expected a .json or .mrk.json file, got 'out.csv'"),
        (["film_L3.stl", "-o", "film_L3.stl"], "expected a file of its own, got that of the surface"),
        (["other_L3.ply"], "surface L3: expected a surface over the template, as ReVert makes them, got another with"),
    ],
)
def test_what_cannot_be_measured_is_refused(surfaces, tmp_path, capsys, monkeypatch, arguments, text):
    monkeypatch.chdir(tmp_path)
    mesh = load_template().mean("L3")
    write_mesh(revert.Mesh(mesh.vertices, mesh.faces[::-1]), tmp_path / "other_L3.ply")
    assert run(*arguments) == 2
    assert text in capsys.readouterr().err
    assert not (tmp_path / "out.csv").exists()
