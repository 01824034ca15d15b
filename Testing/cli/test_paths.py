"""No command writes over what it reads, or twice into one file."""

import os
import shutil

import pytest

from ReVertLib.__main__ import main
from ReVertLib.cli import paths
from ReVertLib.cli.paths import check_apart
from ReVertLib.errors import InputError

RECONSTRUCT = "reconstruct film.png -o out.stl --report"
REFUSED = {
    f"{RECONSTRUCT} film.png": "report film.png: expected a file of its own, got that of the image",
    f"{RECONSTRUCT} film.json": "report film.json: expected a file of its own, got that of the sidecar",
    f"{RECONSTRUCT} ./folder/../film.json": "report film.json: expected a file of its own, got that of the sidecar",
    f"{RECONSTRUCT} hard": "report hard: expected a file of its own, got that of the image",
    f"{RECONSTRUCT} soft": "report soft: expected a file of its own, got that of the image",
    f"{RECONSTRUCT} out.stl": "report out.stl: expected a file of its own, got that of the output",
    f"{RECONSTRUCT} other.json --geometry other.json": "report other.json: expected a file of its own",
    f"{RECONSTRUCT} w.st --weights w.st": "report w.st: expected a file of its own, got that of the weights",
    f"{RECONSTRUCT} w.st.sha256 --weights w.st": "report w.st.sha256: expected a file of its own, got that of the hash",
    "reconstruct bare.png -o out.stl --report bare.json": "report bare.json: expected a file of its own",
    "reconstruct bare.png film.png -o folder --report folder/film.stl": "report film.stl: expected a file of its own",
    "compare a.stl b.stl --report b.stl": "report b.stl: expected a file of its own, got that of the target",
    "compare a.stl b.stl --report a.stl": "report a.stl: expected a file of its own, got that of the surface",
    "average w.st w.st v.st": "output w.st: expected a file of its own, got that of the weights",
    "calibrate samples data w.safetensors --weights w.safetensors": "output w.safetensors: expected a file of its own",
    "train samples folder --start folder/model.safetensors": "output model.safetensors: expected a file of its own",
    "shape-model data folder/shape_model.npz folder": "output shape_model.npz: expected a file of its own, got that of",
    "demo -o {demo}": "output verse008_L1_ap.png: expected a file of its own, got that of the image",
    "drr soft.png seg.nii.gz -o film.png": "output film.png: expected a file of its own, got that of the CT",
}


@pytest.fixture
def folder(tmp_path, resources, monkeypatch):
    """Files that a command may take; nothing in them is read."""
    monkeypatch.chdir(tmp_path)
    for name in ("film.png", "film.json", "bare.png", "other.json", "a.stl", "b.stl", "w.st", "v.st", "w.safetensors"):
        (tmp_path / name).write_text(name)
    os.link("film.png", "hard")
    os.symlink("film.png", "soft")
    os.symlink("film.png", "soft.png")
    (tmp_path / "folder").mkdir()
    for name in ("model.safetensors", "shape_model.npz"):
        (tmp_path / "folder" / name).write_text(name)
    shutil.copytree(resources / "demo", tmp_path / "demo")
    monkeypatch.setattr("ReVertLib.cli.demo_case.DEMO_FOLDER", tmp_path / "demo")
    return tmp_path


def contents(folder):
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


@pytest.mark.parametrize("line", REFUSED)
def test_an_output_that_is_taken_is_refused_and_nothing_is_touched(folder, capsys, line):
    before = contents(folder)
    assert main(line.format(demo=folder / "demo").split()) == 2
    assert capsys.readouterr().err.startswith(f"revert: {REFUSED[line]}")
    assert contents(folder) == before


@pytest.mark.parametrize("folds", [True, False])
def test_names_that_differ_in_letters_are_one_file_where_the_disk_says_so(tmp_path, monkeypatch, folds):
    asked = []
    monkeypatch.setattr(paths, "_tells_no_letters_apart", lambda *names: asked.append(names) or folds)
    outputs = [("output", tmp_path / "L3.stl"), ("report", tmp_path / "l3.STL")]
    if folds:
        with pytest.raises(InputError, match=r"report l3.STL: expected a file of its own, got that of the output"):
            check_apart(outputs, [])
    else:
        check_apart(outputs, [])
    assert asked == [(str(tmp_path), "l3.STL", "L3.stl")]


def test_the_disk_is_asked(tmp_path):
    (tmp_path / "probe").touch()
    assert paths._tells_no_letters_apart(str(tmp_path), "a", "A") == (tmp_path / "PROBE").exists()
    assert paths._tells_no_letters_apart(str(tmp_path), "a", "a")
    assert [path.name for path in tmp_path.iterdir()] == ["probe"]


def test_files_of_their_own_are_let_through(folder):
    twice = [("mesh", folder / "a.stl"), ("target", folder / "a.stl")]
    check_apart([("output", folder / "c.stl"), ("report", None)], twice)


NO_FOLDER = (
    "shapes gone new/out.npz",
    "shapes gone new/out.txt",
    "shape-model gone gone.npz new",
    "simulate gone gone.npz new",
    "simulate gone gone.npz new --context",
    "simulate-patients gone gone.npz new",
    "realism gone gone.npz new",
    "train gone new",
    "train gone new --simulate gone.npz",
    "dataset gone new",
    "evaluate gone --report new",
    "demo -o new --weights gone.safetensors",
    "reconstruct gone.png other.png -o new",
)


@pytest.mark.parametrize("line", NO_FOLDER)
def test_a_refused_command_leaves_no_folder(tmp_path, monkeypatch, capsys, line):
    monkeypatch.chdir(tmp_path)
    assert main(line.split()) == 2
    assert capsys.readouterr().err.startswith("revert: ")
    assert list(tmp_path.iterdir()) == []
