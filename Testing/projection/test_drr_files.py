"""Radiographs on disk, and what is refused: volumes, views and outputs that cannot be used."""

import json
from dataclasses import replace

import numpy as np
import pydicom
import pytest
from phantoms import L3, ball, scene
from projections import vertebra_drr

from ReVertLib.errors import InputError
from ReVertLib.geometry.sidecar import complete_geometry, read_sidecar
from ReVertLib.geometry.views import view_rotation
from ReVertLib.imaging.dicom import read_dicom_header
from ReVertLib.imaging.radiograph import read_radiograph
from ReVertLib.imaging.volume import Volume
from ReVertLib.inference.inputs import input_from_file
from ReVertLib.mesh.io import read_mesh
from ReVertLib.projection.drr import DrrView, Vertebra, c_arm, check_drr_paths, write_drr
from ReVertLib.projection.projector import Projector

SIZE_PX = (112, 112)
CAMERA = c_arm(112)


def moved(volume: Volume, mm: float) -> Volume:
    matrix = volume.ijk_to_lps.copy()
    matrix[0, 3] += mm
    return Volume(volume.array, matrix)


@pytest.mark.parametrize(
    ("made", "label", "message"),
    [
        (lambda ct, labels: (ct, moved(labels, 1.0)), L3, "CT and label map: expected one grid, got grids 1 mm"),
        (
            lambda ct, labels: (ct, moved(labels, 0.4)),
            L3,
            "CT and label map: expected one grid, got grids 0.4 mm apart",
        ),
        (lambda ct, labels: (ct, labels), 24, "label: expected one of 22 of the label map, got 24"),
        (
            lambda ct, labels: scene((L3, (0, 0, 0), 5.0)),
            L3,
            r"label 22: expected a vertebra, got a fragment of 5",
        ),
        (
            lambda ct, labels: (Volume(ct.array - 2000, ct.ijk_to_lps), labels),
            L3,
            "CT: expected bone inside label 22",
        ),
    ],
)
def test_bad_volumes(made, label, message):
    with pytest.raises(InputError, match=message):
        vertebra_drr(*made(*ball()), label, DrrView(), CAMERA, SIZE_PX)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"principal_point_px": (300.0, 55.5)},
            "expected the vertebra inside the 112 x 112 image, got it at columns 2",
        ),
        ({"principal_point_px": (55.5, -40.0)}, "expected the vertebra inside the 112 x 112 image, got it at columns"),
        ({"sod_mm": 12.0}, "sod_mm: expected 15 < sod_mm < 1005 to clear source and detector, got 12"),
        ({"sod_mm": 1010.0}, "sod_mm: expected 15 < sod_mm < 1005 to clear source and detector, got 1010"),
    ],
)
def test_bad_views_are_refused_before_any_work(monkeypatch, change, message):
    vertebra = Vertebra(*ball(), L3)
    monkeypatch.setattr(Projector, "line_integrals", lambda *_: pytest.fail("work began"))
    with pytest.raises(InputError, match=message):
        vertebra.drr(DrrView(), replace(CAMERA, **change), SIZE_PX)


def test_written_files_read_back(tmp_path):
    drr = vertebra_drr(*ball(), L3, DrrView(25), CAMERA, SIZE_PX)
    write_drr(drr, tmp_path / "L3.png", tmp_path / "L3.stl")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["L3.json", "L3.png", "L3.stl"]
    image = read_radiograph(tmp_path / "L3.png")
    assert np.array_equal(image.pixels, drr.pixels)
    assert (image.bit_depth, image.inverted) == (16, False)
    assert complete_geometry(read_sidecar(tmp_path / "L3.json"), SIZE_PX) == drr.geometry
    mesh = read_mesh(tmp_path / "L3.stl")
    assert np.allclose(mesh.vertices.min(0), drr.mesh.vertices.min(0), atol=1e-3)
    assert np.allclose(mesh.vertices.max(0), drr.mesh.vertices.max(0), atol=1e-3)


def test_written_files_are_the_same_every_time(tmp_path):
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        write_drr(vertebra_drr(*ball(), L3, DrrView(), CAMERA, SIZE_PX), tmp_path / name / "a.png")
    for file in ("a.png", "a.json"):
        assert (tmp_path / "first" / file).read_bytes() == (tmp_path / "second" / file).read_bytes()


def test_where_an_image_lies_its_geometry_and_surface_lie_too(tmp_path, monkeypatch):
    drr = vertebra_drr(*ball(), L3, DrrView(), CAMERA, SIZE_PX)
    stopped = lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt)  # noqa: E731
    monkeypatch.setattr("ReVertLib.projection.drr.write_mesh", stopped)
    with pytest.raises(KeyboardInterrupt):
        write_drr(drr, tmp_path / "a.png", tmp_path / "a.stl")
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
    assert json.loads((tmp_path / "a.json").read_text())["level"] == "L3"


@pytest.mark.parametrize(
    ("image", "mesh", "message"),
    [
        ("a.jpg", None, "output a.jpg: expected one of .png, .tif, .tiff, .nrrd, .dcm, got '.jpg'"),
        ("none/a.png", None, "output: expected an existing folder for a.png"),
        ("a.png", "a.txt", "mesh a.txt: expected one of .stl, .ply, .obj, .vtp, got '.txt'"),
        ("a.png", "none/a.stl", "mesh: expected an existing folder for a.stl"),
    ],
)
def test_bad_outputs(tmp_path, image, mesh, message):
    with pytest.raises(InputError, match=message):
        check_drr_paths(tmp_path / image, mesh and tmp_path / mesh)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".tif", ".nrrd", ".dcm"])
def test_other_formats_read_back(tmp_path, suffix):
    drr = vertebra_drr(*ball(), L3, DrrView(25, 10), CAMERA, SIZE_PX)
    write_drr(drr, tmp_path / f"L3{suffix}")
    image = read_radiograph(tmp_path / f"L3{suffix}")
    assert np.array_equal(image.pixels, drr.pixels)
    assert complete_geometry(read_sidecar(tmp_path / "L3.json"), SIZE_PX) == drr.geometry


@pytest.mark.parametrize("view", [DrrView(), DrrView(90), DrrView(-90), DrrView(180), DrrView(25, -10)])
def test_dicom_says_its_geometry_and_names_nobody(tmp_path, view):
    drr = vertebra_drr(*ball(), L3, view, CAMERA, SIZE_PX)
    for name in ("a.dcm", "b.dcm"):
        write_drr(drr, tmp_path / name)
    assert (tmp_path / "a.dcm").read_bytes() == (tmp_path / "b.dcm").read_bytes()
    (tmp_path / "a.json").unlink()
    given = input_from_file(tmp_path / "a.dcm", {"box_px": drr.geometry.box_px, "level": "L3"}, "given", None)
    assert np.array_equal(given.radiograph.pixels, drr.pixels)
    assert given.geometry.sdd_mm == pytest.approx(drr.geometry.sdd_mm)
    assert given.geometry.sod_mm == pytest.approx(drr.geometry.sod_mm)
    assert given.geometry.pixel_spacing_mm == pytest.approx(drr.geometry.pixel_spacing_mm)
    facts = read_dicom_header(tmp_path / "a.dcm").facts
    assert not facts.mirrored
    assert not facts.bone_dark
    found = view_rotation(*(facts.view[angle] for angle in ("yaw_deg", "pitch_deg", "roll_deg")))
    assert np.allclose(found, drr.camera_from_lps.rotation, atol=1e-6)
    with pydicom.dcmread(tmp_path / "a.dcm") as dataset:
        assert not any(dataset.get(tag) for tag in ("PatientName", "PatientID", "PatientBirthDate", "StudyDate"))
