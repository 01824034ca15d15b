"""`revert reconstruct`: images into surfaces and a report."""

import json
import re

import numpy as np
import pytest
import SimpleITK as sitk
import vtk
from cli_host import image, run, weights  # noqa: F401
from dicom_files import DISTANCES, dicom
from few_points import few_points  # noqa: F401
from vtk.util.numpy_support import vtk_to_numpy

from ReVertLib.api.reconstruct import reconstruct
from ReVertLib.inference.verdict import Verdict
from ReVertLib.mesh.io import read_mesh


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
