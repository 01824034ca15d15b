"""What a user gets wrong is one line and exit code 2."""

import os
import sys

import pytest
from cli_host import image, run, weights  # noqa: F401
from dicom_files import dicom
from few_points import few_points  # noqa: F401

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


def test_ctrl_c_is_said_in_one_line(run, image, tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("ReVertLib.cli.reconstruct._read", interrupt)
    code, _, err = run("reconstruct", image, "-o", tmp_path / "a.stl")
    assert code == 130
    assert "stopped" in err


def test_a_package_that_a_command_lacks_is_named(run, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    code, out, err = run("train", tmp_path, tmp_path / "out")
    assert (code, out) == (2, "")
    assert err == "revert: torch: expected this Python package to be installed for train, got none\n"
