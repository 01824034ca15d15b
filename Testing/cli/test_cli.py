"""The command line from CT to figures, its help, and its old names."""

import json
import subprocess
import sys

import numpy as np
import pytest
import SimpleITK as sitk
from cli_host import image, run, weights  # noqa: F401
from few_points import few_points  # noqa: F401
from safetensors.numpy import load_file

from ReVertLib.__main__ import main
from ReVertLib.cli.main import COMMANDS
from ReVertLib.cli.old_names import renamed
from ReVertLib.geometry.sidecar import read_sidecar
from ReVertLib.mesh.io import read_mesh
from ReVertLib.mesh.mesh import mesh_quality
from ReVertLib.network.stored_tensors import LARGEST, restored
from ReVertLib.network.weights_file import EIGHT_BITS_FROM


def test_from_ct_to_figures(run, tmp_path, resources, weights):
    sample = resources / "sample"
    film, truth, surface = tmp_path / "film.png", tmp_path / "truth.stl", tmp_path / "surface.vtp"
    ct = (sample / "ct.nii.gz", sample / "segmentation.nii.gz")
    assert run("drr", *ct, "--label", 22, "--yaw", 30, "--sod", 650, "-o", film, "--mesh", truth)[0] == 0
    assert read_sidecar(film.with_suffix(".json"))["sod_mm"] == 650
    report = tmp_path / "report.json"
    code, out, _ = run("reconstruct", film, "-o", surface, "--weights", weights, "--report", report, "--device", "cpu")
    assert code == 0
    assert "film.png" in out
    assert mesh_quality(read_mesh(surface)).closed
    written = json.loads(report.read_text())
    assert written["device"] == "cpu"
    assert written["results"][0]["geometry"]["level"] == "L3"
    assert written["results"][0]["verdict"]["word"] == "check"
    measured = written["results"][0]["measurements"]["levels"]["L3"]
    assert measured["left pedicle width"]["value"] > 1 and measured["left pedicle width"]["sd"] is None
    assert "; check: these weights do not say what error to expect" in out
    code, out, _ = run("compare", surface, truth, "--align", "rigid", "--level", "L3", "--report", report)
    assert code == 0
    assert "baseline" in out
    figures = json.loads(report.read_text())
    assert 0.5 < figures["metrics"]["dice"] < 1
    assert run("compare", truth, truth)[1].split("\n")[1].split()[-2] == "1.000"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(capsys, command):
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    shown = capsys.readouterr().out
    assert f"example:\n  revert {command}" in shown
    assert "needs:\n  " in shown
    assert " ".join(COMMANDS[command].split()) in " ".join(shown.split())


def test_a_vertebra_cut_off_by_the_scan_is_warned_of_and_still_done(run, tmp_path, resources):
    for name in ("ct", "segmentation"):
        whole = sitk.ReadImage(str(resources / f"sample/{name}.nii.gz"))
        sitk.WriteImage(whole[: whole.GetWidth() // 2], str(tmp_path / f"{name}.nii.gz"))
    scan = (tmp_path / "ct.nii.gz", tmp_path / "segmentation.nii.gz")
    code, _, err = run("drr", *scan, "--label", 22, "-o", tmp_path / "a.png", "--mesh", tmp_path / "a.stl")
    assert (code, err) == (0, "revert: warning: the vertebra touches the CT's border: it may be cut off\n")
    code, _, err = run("compare", tmp_path / "a.stl", scan[1], "--align", "rigid")
    assert (code, err) == (
        0,
        "revert: warning: label 22 touches the border of segmentation.nii.gz: it may be cut off\n",
    )


OLD = {
    "revert world is now revert simulate; ": (["world", "a", "--shards", "3"], ["simulate", "a", "--shards", "3"]),
    "revert spines is now revert simulate-patients; ": (["spines", "a"], ["simulate-patients", "a"]),
    "revert likeness is now revert realism; ": (["likeness", "world"], ["realism", "world"]),
    "--filmed is now --augmented; ": (["train", "--filmed", "0.1"], ["train", "--augmented", "0.1"]),
    "--live is now --simulate; ": (["train", "--live=s.npz"], ["train", "--simulate=s.npz"]),
    "--volumes is now --buffer; ": (["train", "live", "--volumes", "2"], ["train", "live", "--buffer", "2"]),
}


@pytest.mark.parametrize("notice", OLD)
def test_old_names_become_new_ones_with_a_notice(notice):
    old, new = OLD[notice]
    assert renamed(old) == (new, [notice + "the old name works until the next release"])
    assert renamed(new) == (new, [])


def test_an_old_name_does_what_the_new_one_does_after_a_notice(run, tmp_path):
    code, _, err = run("world", tmp_path / "none", "shapes.npz", tmp_path / "out")
    notice, error = err.splitlines()
    assert notice == f"revert: warning: {next(iter(OLD))}the old name works until the next release"
    assert run("simulate", tmp_path / "none", "shapes.npz", tmp_path / "out") == (code, "", error + "\n")
    assert code == 2


def test_the_mean_of_weights_with_themselves_is_they_without_calibration(run, tmp_path, resources):
    shipped = resources / "weights/context.safetensors"
    code, out, _ = run("average", tmp_path / "mean.safetensors", shipped, shipped)
    assert (code, out.split()[:2]) == (0, ["weights:", f"{tmp_path / 'mean.safetensors'},"])
    mean, own = (restored(load_file(path)) for path in (tmp_path / "mean.safetensors", shipped))
    assert 0 < len(mean) < len(own)
    for name, values in mean.items():
        half_step = np.abs(own[name]).max() * 0.51 / LARGEST if values.size >= EIGHT_BITS_FROM["context"] else 0.0
        assert np.abs(values - own[name]).max() <= half_step


def test_python_m_runs_the_command(root):
    done = subprocess.run([sys.executable, "-m", "ReVertLib", "--version"], check=False, cwd=root, capture_output=True)
    assert done.returncode == 0
    assert done.stdout.startswith(b"revert ")
