"""`revert.reconstruct`: every accepted form of image and geometry gives what the command line gives."""

import hashlib
import json
from dataclasses import asdict, replace

import numpy as np
import pytest
import tiny

import ReVertLib as revert
from ReVertLib.__main__ import main
from ReVertLib.api import reconstruct as reconstructing
from ReVertLib.geometry.sidecar import complete_geometry, read_sidecar, sidecar_text
from ReVertLib.imaging.radiograph import read_radiograph
from ReVertLib.mesh.io import read_mesh


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return tiny.weights(tmp_path_factory.mktemp("weights"), awake=True)


@pytest.fixture(scope="module")
def image(resources):
    return resources / "sample/verse008_L3_ap.png"


@pytest.fixture(scope="module")
def expected(image, weights):
    return revert.reconstruct(image, weights=weights, device="cpu")


def test_it_answers_as_the_command_line_does(image, weights, expected, tmp_path):
    report, surface = tmp_path / "report.json", tmp_path / "L3.ply"
    options = ("--weights", weights, "--device", "cpu", "--report", report)
    assert main([str(a) for a in ("reconstruct", image, "-o", surface, "--quiet", *options)]) == 0
    row = json.loads(report.read_text())["results"][0]
    assert np.abs(read_mesh(surface).vertices - expected.mesh.vertices).max() < 1e-4  # .ply holds float32
    assert row["geometry"] == json.loads(sidecar_text(expected.geometry))
    assert (row["verdict"], row["warnings"]) == (asdict(expected.verdict), list(expected.warnings))
    assert row["spacing_source"] == expected.spacing_source == "sidecar"
    assert (expected.verdict.word, expected.expected_error_mm, expected.device) == ("check", None, "cpu")
    assert expected.weights_sha256 == hashlib.sha256(weights.read_bytes()).hexdigest()
    tiny.assert_vertebra(expected.mesh)


def test_every_form_of_image_and_geometry_is_the_same(image, weights, expected, tmp_path):
    sidecar = image.with_suffix(".json")
    radiograph, known = read_radiograph(image), read_sidecar(sidecar)
    geometry = complete_geometry(known, radiograph.pixels.shape[::-1])
    copy = tmp_path / "copy.png"
    copy.write_bytes(image.read_bytes())
    forms = ((str(image), None), (copy, sidecar), (copy, str(sidecar)), (copy, geometry), (copy, known))
    forms += ((radiograph, known), (radiograph.pixels, geometry), (radiograph.pixels.astype(np.float64), sidecar))
    forms += ((radiograph.pixels.astype(np.uint16)[None], known),)
    for picture, how in forms:
        found = revert.reconstruct(picture, how, weights=str(weights), device="cpu")
        assert np.array_equal(found.mesh.vertices, expected.mesh.vertices)
        assert found.geometry == expected.geometry


def test_level_and_box_go_before_the_geometry_and_that_before_the_sidecar(image, weights, expected):
    box = (30, 60, 190, 160)
    options = {"level": "L5", "box": box, "weights": weights, "device": "cpu"}
    for geometry in (
        None,
        {"sod_mm": 500.0, "level": "L1", "box_px": (1, 1, 9, 9)},
        replace(expected.geometry, sod_mm=500.0, level="L1"),
    ):
        found = revert.reconstruct(image, geometry, **options).geometry
        assert (found.level, found.box_px) == ("L5", box)
        assert found.sod_mm == (500.0 if geometry else 600.0)
        assert found.sdd_mm == expected.geometry.sdd_mm
    given = revert.reconstruct(image, {"pixel_spacing_mm": (0.9, 0.8)}, weights=weights, device="cpu")
    assert (given.spacing_source, given.geometry.pixel_spacing_mm) == ("given", (0.9, 0.8))


def test_dark_bone_is_inverted_and_said(image, weights, expected):
    pixels = read_radiograph(image).pixels
    found = revert.reconstruct(pixels.max() - pixels, expected.geometry, weights=weights, device="cpu")
    assert found.warnings[0] == "bone was dark and has been inverted"
    assert np.abs(found.mesh.vertices - expected.mesh.vertices).max() < 1e-3


def test_the_shipped_weights_say_what_error_to_expect(image):
    found = revert.reconstruct(image)
    assert found.verdict.word == "trust"
    assert found.expected_error_mm.shape == (len(found.mesh.vertices),)
    assert found.verdict.mean_error_mm == pytest.approx(found.expected_error_mm.mean())


def test_weights_are_loaded_once_and_again_when_the_file_is_another(image, tmp_path, monkeypatch):
    loaded = []
    monkeypatch.setattr("ReVertLib.inference.predictor.Predictor", lambda *key: loaded.append(key) or len(loaded))
    reconstructing._predictor.cache_clear()
    monkeypatch.setattr(reconstructing, "answer", lambda predictor, _given: predictor)
    one, other = tmp_path / "one.safetensors", tmp_path / "other.safetensors"
    one.write_text("1")
    try:
        assert [revert.reconstruct(image, weights=path) for path in (one, str(one), other, one)] == [1, 1, 2, 1]
        assert revert.reconstruct(image, weights=one, device="cpu") == 3
        one.with_suffix(".new").write_text("2")
        one.with_suffix(".new").replace(one)
        assert revert.reconstruct(image, weights=one) == 4
    finally:
        reconstructing._predictor.cache_clear()


PIXELS = np.random.default_rng(0).random((64, 64))
MISTAKES = {
    "image gone.png: expected an existing file": ("gone.png", None, {}),
    "geometry: expected sdd_mm, sod_mm, pixel_spacing_mm from": (PIXELS, None, {}),
    "geometry: expected a Geometry, a dict or the path of a JSON file, got a int": (PIXELS, 1020, {}),
    "sidecar gone.json: expected a JSON file": (PIXELS, "gone.json", {}),
    "sdd: expected a key of the geometry": (PIXELS, {"sdd": 1020}, {}),
    "level: expected one of L1": (PIXELS, {}, {"level": "C1"}),
    "box_px: expected 4 finite numbers": (PIXELS, {}, {"box": (1, 2)}),
    "image array: expected a single slice or frame, got 4": (np.zeros((4, 64, 64)), {}, {}),
    "image array: expected an image with contrast": (np.zeros((64, 64)), {}, {}),
}


@pytest.mark.parametrize("message", MISTAKES)
def test_a_mistake_is_one_line(message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    image, geometry, options = MISTAKES[message]
    with pytest.raises(revert.InputError) as raised:
        revert.reconstruct(image, geometry, **options)
    assert str(raised.value).startswith(message)
    assert "\n" not in str(raised.value)


def test_weights_and_devices_that_are_not_there_are_refused(image, tmp_path):
    with pytest.raises(revert.InputError, match=r"weights gone\.safetensors: expected an existing file"):
        revert.reconstruct(image, weights=tmp_path / "gone.safetensors")
    with pytest.raises(revert.InputError, match="device: expected one of auto, cpu, cuda, mps, got 'tpu'"):
        revert.reconstruct(image, device="tpu")
