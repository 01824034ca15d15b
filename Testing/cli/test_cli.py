"""The `revert` command: what a user types, what comes back, and what every mistake is answered with."""

import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
import SimpleITK as sitk
import tiny
import vtk
from dicom_files import DISTANCES, dicom
from few_points import few_points  # noqa: F401
from safetensors.numpy import load_file
from vtk.util.numpy_support import vtk_to_numpy

from ReVertLib.__main__ import main
from ReVertLib.api.reconstruct import reconstruct
from ReVertLib.cli.main import COMMANDS
from ReVertLib.cli.old_names import renamed
from ReVertLib.geometry.sidecar import read_sidecar
from ReVertLib.inference.verdict import Verdict
from ReVertLib.mesh.io import read_mesh
from ReVertLib.mesh.mesh import mesh_quality
from ReVertLib.network.stored_tensors import LARGEST, restored
from ReVertLib.network.weights_file import EIGHT_BITS_FROM


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return tiny.weights(tmp_path_factory.mktemp("weights"))


@pytest.fixture
def run(capsys):
    """Runs the command and gives (exit code, stdout, stderr)."""

    def run_main(*arguments):
        code = main([str(a) for a in arguments])
        return code, *capsys.readouterr()

    return run_main


@pytest.fixture
def image(tmp_path, resources):
    """A copy of the sample radiograph with its sidecar, to be spoilt."""
    for suffix in (".png", ".json"):
        (tmp_path / f"film{suffix}").write_bytes((resources / f"sample/verse008_L3_ap{suffix}").read_bytes())
    return tmp_path / "film.png"


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


def test_several_images_go_into_a_folder_with_one_model(run, tmp_path, resources, weights):
    images = [resources / f"sample/verse008_L3_{view}.png" for view in ("ap", "lateral")]
    assert run("reconstruct", *images, "-o", tmp_path / "out", "--weights", weights, "--quiet") == (0, "", "")
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["verse008_L3_ap.stl", "verse008_L3_lateral.stl"]


def test_a_bad_image_costs_only_itself(run, tmp_path, image, weights):
    """One that is no image, and one that is found bad only when the vertebra is looked for."""
    (tmp_path / "bad.png").write_bytes(b"no image")
    sitk.WriteImage(sitk.GetImageFromArray(np.full((224, 224), 7, np.uint8)), str(tmp_path / "flat.png"))
    (tmp_path / "flat.json").write_bytes(image.with_suffix(".json").read_bytes())
    (tmp_path / "last.png").write_bytes(image.read_bytes())
    (tmp_path / "last.json").write_bytes(image.with_suffix(".json").read_bytes())
    images = [tmp_path / name for name in ("bad.png", "film.png", "flat.png", "last.png")]
    report = tmp_path / "report.json"
    code, out, err = run("reconstruct", *images, "-o", tmp_path / "out", "--weights", weights, "--report", report)
    assert code == 2
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["film.stl", "last.stl"]
    assert [line.split(":")[0] for line in out.splitlines()] == ["film.png", "last.png"]
    *reasons, last = err.splitlines()
    assert last == "revert: images: expected 4 to be reconstructed, got 2; not: bad.png, flat.png"
    assert ["bad.png" in reasons[0], "flat.png" in reasons[1], len(reasons)] == [True, True, 2]
    written = json.loads(report.read_text())
    assert [row["image"] for row in written["results"]] == ["film.png", "last.png"]
    assert [row["image"] for row in written["failed"]] == ["bad.png", "flat.png"]
    assert all(row["reason"] in err for row in written["failed"])


def test_images_none_of_which_can_be_read_make_a_report_and_no_folder(run, tmp_path):
    images, report = [tmp_path / "a.png", tmp_path / "b.png"], tmp_path / "report.json"
    for path in images:
        path.write_bytes(b"no image")
    code, out, err = run("reconstruct", *images, "-o", tmp_path / "out", "--report", report)
    assert (code, out) == (2, "")
    assert err.endswith("revert: images: expected 2 to be reconstructed, got 0; not: a.png, b.png\n")
    assert not (tmp_path / "out").exists()
    assert [row["image"] for row in json.loads(report.read_text())["failed"]] == ["a.png", "b.png"]


def errors_in(path):
    """The expected error of each vertex in a .ply or .vtp file, None where it has none."""
    if path.suffix.lower() == ".ply":
        header, body = path.read_bytes().split(b"end_header\n", 1)
        names = [line.split()[-1] for line in header.splitlines() if line.startswith(b"property float")]
        if b"expected_error_mm" not in names:
            return None
        columns = np.frombuffer(body, "<f4", 3000 * len(names)).reshape(3000, len(names))
        return columns[:, names.index(b"expected_error_mm")]
    reader = vtk.vtkXMLPolyDataReader()
    reader.SetFileName(str(path))
    reader.Update()
    array = reader.GetOutput().GetPointData().GetArray("expected_error_mm")
    return array and vtk_to_numpy(array)


@pytest.mark.parametrize("name", ["a.ply", "a.vtp", "A.PLY"])
def test_a_surface_carries_the_expected_error_of_weights_that_say_it(run, tmp_path, image, weights, name):
    assert run("reconstruct", image, "-o", tmp_path / name, "--device", "cpu")[0] == 0
    expected = reconstruct(image, device="cpu").expected_error_mm
    assert errors_in(tmp_path / name) == pytest.approx(expected, rel=1e-5)
    assert expected.std() > 0.01
    assert run("reconstruct", image, "-o", tmp_path / name, "--weights", weights)[0] == 0
    assert errors_in(tmp_path / name) is None


@pytest.mark.parametrize("word", ["trust", "check", "do not use"])
def test_strict_makes_do_not_use_an_exit_code(run, tmp_path, image, weights, monkeypatch, word):
    found = Verdict(word, "because", 1.0)
    monkeypatch.setattr("ReVertLib.inference.verdict.verdict", lambda _: found)
    arguments = ("reconstruct", image, "-o", tmp_path / "a.stl", "--weights", weights)
    assert run(*arguments)[0] == 0
    assert run(*arguments, "--strict")[0] == (3 if word == "do not use" else 0)
    assert len(read_mesh(tmp_path / "a.stl").faces) > 1000


def test_options_override_the_sidecar(run, tmp_path, image, weights):
    report = tmp_path / "report.json"
    options = ("--sod", 500, "--pixel-spacing", 0.9, 0.8, "--level", "L5", "--box", 30, 60, 190, 160)
    run("reconstruct", image, "-o", tmp_path / "a.stl", "--weights", weights, "--report", report, *options)
    result = json.loads(report.read_text())["results"][0]
    found = result["geometry"]
    assert (found["sod_mm"], found["pixel_spacing_mm"], found["level"]) == (500, [0.9, 0.8], "L5")
    assert found["box_px"] == [30, 60, 190, 160]
    assert result["spacing_source"] == "command line"
    run(
        "reconstruct", image, "-o", tmp_path / "a.stl", "--weights", weights, "--report", report, "--pixel-spacing", 0.7
    )
    assert json.loads(report.read_text())["results"][0]["geometry"]["pixel_spacing_mm"] == [0.7, 0.7]


def test_given_distances_magnify_a_dicom_spacing_in_the_patient(run, tmp_path, weights):
    """0.4 x 0.2 mm in the patient's plane, at a magnification of 1000 / 500, as in the Slicer module."""
    film, report = dicom(tmp_path / "film.dcm", PixelSpacing=[0.4, 0.2], Modality="DX"), tmp_path / "report.json"
    (tmp_path / "film.json").write_text('{"sdd_mm": 1000, "yaw_deg": 90}')
    options = ("--sod", 500, "--box", 0, 0, 48, 64, "--weights", weights, "--report", report)
    assert run("reconstruct", film, "-o", tmp_path / "a.stl", *options)[0] == 0
    result = json.loads(report.read_text())["results"][0]
    assert result["geometry"]["pixel_spacing_mm"] == [0.4, 0.8]
    assert result["spacing_source"].endswith("in the patient's plane, times magnification 2")


def test_the_surface_lies_at_the_given_distance(run, tmp_path, image, weights):
    """The untrained network answers with the mean, so the depth alone moves: at sod_mm, as asked."""
    for sod in (500, 700):
        run("reconstruct", image, "-o", tmp_path / f"{sod}.stl", "--weights", weights, "--sod", sod)
        depth = read_mesh(tmp_path / f"{sod}.stl").vertices[:, 2]
        assert depth.min() < sod < depth.max()


MISTAKES = {
    "image gone.png: expected an existing file": ("reconstruct", "gone.png", "-o", "out.stl"),
    "output: expected one of .stl, .ply, .obj, .vtp": ("reconstruct", "film.png", "-o", "out.txt"),
    "expected an existing folder for out.stl": ("reconstruct", "film.png", "-o", "nowhere/out.stl"),
    "level: expected one of L1, L2": ("reconstruct", "film.png", "-o", "out.stl", "--level", "L9"),
    "sod_mm: expected 0 < sod_mm < sdd_mm": ("reconstruct", "film.png", "-o", "out.stl", "--sod", "3000"),
    "pixel_spacing_mm: expected more than 0": ("reconstruct", "film.png", "-o", "out.stl", "--pixel-spacing", "0"),
    "pixel_spacing_mm: expected 2 finite": (
        "reconstruct",
        "film.png",
        "-o",
        "out.stl",
        "--pixel-spacing",
        "1",
        "1",
        "1",
    ),
    "box_px: expected u0 < u1": ("reconstruct", "film.png", "-o", "out.stl", "--box", "9", "9", "9", "9"),
    "box_px: expected a box inside the 224 x 224": (
        "reconstruct",
        "film.png",
        "-o",
        "out.stl",
        "--box",
        "224",
        "0",
        "999",
        "9",
    ),
    "geometry: expected sdd_mm, sod_mm, pixel_spacing_mm from": ("reconstruct", "bare.png", "-o", "out.stl"),
    "sidecar broken.json: expected a JSON file": (
        "reconstruct",
        "film.png",
        "-o",
        "out.stl",
        "--geometry",
        "broken.json",
    ),
    "device: expected one of auto, cpu, cuda, mps": ("reconstruct", "film.png", "-o", "out.stl", "--device", "tpu"),
    "weights gone.safetensors: expected an existing": (
        "reconstruct",
        "film.png",
        "-o",
        "out.stl",
        "--weights",
        "gone.safetensors",
    ),
    "output: expected a folder for several images, got the file 'out.stl'": (
        "reconstruct",
        "film.png",
        "bare.png",
        "-o",
        "out.stl",
    ),
    "images: expected different names": ("reconstruct", "film.png", "film.png", "-o", "folder"),
    "weights gone.safetensors: expected an existing file": ("average", "out.safetensors", "gone.safetensors"),
    "mesh gone.stl: expected an existing file": ("compare", "gone.stl", "gone.stl"),
    "the following arguments are required": ("reconstruct", "film.png"),
    "invalid choice": ("rotate",),
    "cases: expected a folder": ("dataset", "nowhere", "out"),
    "data set: expected an existing folder": ("train", "nowhere", "out"),
    "augmented: expected a share from 0 to 1, got 2.0": ("train", "nowhere", "out", "--augmented", "2"),
    "output: expected a .safetensors file, got 'out.st'": ("calibrate", "world", "data", "out.st"),
    "samples: expected shard_*.npz in the folder, got none": ("calibrate", "world", "data", "out.safetensors"),
    "output out.jpg: expected one of .png": (
        "drr",
        "ct.nii.gz",
        "seg.nii.gz",
        "--label",
        "22",
        "-o",
        "out.jpg",
    ),
    "CT ct.nii.gz: expected an existing file": ("drr", "ct.nii.gz", "seg.nii.gz", "--label", "22", "-o", "out.png"),
}


@pytest.mark.parametrize("message", MISTAKES)
def test_a_mistake_is_one_line_and_exit_code_2(run, tmp_path, image, monkeypatch, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bare.png").write_bytes(image.read_bytes())
    (tmp_path / "broken.json").write_text("{")
    before = sorted(p.name for p in tmp_path.iterdir())
    code, out, err = run(*MISTAKES[message])
    assert (code, out) == (2, "")
    assert err.startswith("revert: ")
    assert message in err
    assert err.count("\n") == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == before


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs a folder that not even root can write in")
def test_a_folder_that_cannot_be_written_is_said(run, image):
    code, _, err = run("reconstruct", image, "-o", "/proc/a.stl")
    assert code == 2
    assert "output: expected a folder that can be written, got" in err


def test_a_dicom_film_without_spacing_is_asked_for_it(run, tmp_path):
    film = dicom(tmp_path / "film.dcm", Modality="CR")
    code, _, err = run("reconstruct", film, "-o", tmp_path / "a.stl", "--sdd", 1000, "--sod", 700)
    assert code == 2
    assert "expected pixel_spacing_mm from a sidecar, DICOM or --pixel-spacing, got none" in err


def test_no_patient_reaches_output_or_report(run, tmp_path, weights):
    film = dicom(tmp_path / "film.dcm", Modality="CR", ImagerPixelSpacing=[0.4, 0.4], **DISTANCES)
    options = ("--sod", 700, "--box", 10, 10, 30, 40, "--weights", weights, "--report", tmp_path / "report.json")
    code, out, err = run("reconstruct", film, "-o", tmp_path / "a.vtp", *options)
    assert code == 0
    written = out + err + (tmp_path / "report.json").read_text() + (tmp_path / "a.vtp").read_bytes().decode("latin1")
    assert not any(secret in written for secret in ("Secret", "Anna", "4711", "19630704"))


def test_a_report_that_is_a_page_names_nobody(run, tmp_path, image, weights):
    good = dicom(tmp_path / "DOE_JANE.dcm", Modality="CR", ImagerPixelSpacing=[0.4, 0.4], **DISTANCES)
    bad, page = tmp_path / "DOE_JOHN.png", tmp_path / "report.html"
    bad.write_bytes(image.read_bytes()[:-4000])
    bad.with_suffix(".json").write_bytes(image.with_suffix(".json").read_bytes())
    options = ("--sod", 700, "--box", 10, 10, 30, 40, "--weights", weights, "--report", page)
    code, _, _ = run("reconstruct", good, bad, "-o", tmp_path / "out", *options)
    assert code == 2
    text = re.sub("base64,[^']*", "", page.read_text(encoding="utf-8"))  # may hold any letters
    assert "<h2>Radiograph 1</h2>" in text
    assert "Radiograph 2: image ...: expected a whole PNG image" in text
    assert "DICOM ImagerPixelSpacing (0018,1164)" in text
    secrets = ("DOE", "Secret", "Anna", "4711", "19630704", str(tmp_path))
    assert not any(secret in text for secret in secrets)


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


def test_ctrl_c_is_said_in_one_line(run, image, tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("ReVertLib.cli.reconstruct._read", interrupt)
    code, _, err = run("reconstruct", image, "-o", tmp_path / "a.stl")
    assert code == 130
    assert "stopped" in err


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


def test_a_package_that_a_command_lacks_is_named(run, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    code, out, err = run("train", tmp_path, tmp_path / "out")
    assert (code, out) == (2, "")
    assert err == "revert: torch: expected this Python package to be installed for train, got none\n"


def test_python_m_runs_the_command(root):
    done = subprocess.run([sys.executable, "-m", "ReVertLib", "--version"], check=False, cwd=root, capture_output=True)
    assert done.returncode == 0
    assert done.stdout.startswith(b"revert ")


def test_a_folder_may_be_the_one_we_are_in(run, tmp_path, weights, monkeypatch):
    """Of one DICOM image; the sidecar is beside the folder, as by its name."""
    middle = (np.arange(96) - 48) ** 2
    pixels = np.maximum(4000 - 6 * np.add.outer(middle, middle), 0).astype(np.uint16)
    (tmp_path / "film" / "deep").mkdir(parents=True)
    dicom(tmp_path / "film" / "a.dcm", pixels, Modality="XA", ImagerPixelSpacing=[1, 1], **DISTANCES)
    for here, name in (("film", "."), ("film/deep", "..")):
        monkeypatch.chdir(tmp_path / here)
        assert run("reconstruct", name, "-o", tmp_path / "a.stl", "--weights", weights)[::2] == (0, "")
        assert (tmp_path / "a.stl").is_file()
    monkeypatch.chdir(tmp_path)
    for name, got in (("", "got a folder without any"), ("/", "got '/'")):
        code, _, err = run("reconstruct", name, "-o", tmp_path / "b.stl", "--weights", weights)
        assert (code, err.count("\n")) == (2, 1)
        assert got in err
