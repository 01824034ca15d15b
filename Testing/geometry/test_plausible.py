"""Lengths in another unit than mm, wherever they come from."""

import json
from pathlib import Path

import pytest
from dicom_files import dicom

from ReVertLib.errors import InputError
from ReVertLib.geometry.layers import LayeredGeometry
from ReVertLib.geometry.plausible import check_lengths, check_plausible
from ReVertLib.geometry.sidecar import complete_geometry
from ReVertLib.inference.inputs import input_from_file
from ReVertLib.projection.drr import c_arm

GOOD = {"sdd_mm": 1020.0, "sod_mm": 600.0, "pixel_spacing_mm": (0.99, 0.99)}
SYSTEMS = {
    "mobile C-arm": (980, 600, (0.3, 0.3)),
    "angiography, tube near": (1195, 420, (0.154, 0.154)),
    "film of the lumbar spine": (1150, 950, (0.1, 0.1)),
    "whole spine, 10 feet": (3050, 2750, (0.143, 0.143)),
    "scanned film": (1000, 850, (0.05, 0.05)),
    "64 pixels": (1020, 600, (3.5, 3.5)),
}


@pytest.mark.parametrize(("sdd", "sod", "spacing"), SYSTEMS.values(), ids=SYSTEMS)
def test_systems_there_are(sdd, sod, spacing):
    check_lengths(sdd, sod, spacing)
    for unit_mm in (10, 25.4, 1000):  # each system in cm, inches and m
        with pytest.raises(InputError, match=r"^sdd_mm: expected 500 to 4000 mm, got .*; is it in .*\?$"):
            check_lengths(sdd / unit_mm, sod / unit_mm, spacing)
        with pytest.raises(InputError, match=r"^sod_mm: expected "):
            check_lengths(sdd, sod / unit_mm, spacing)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("sdd_mm", 102.0, "sdd_mm: expected 500 to 4000 mm, got 102; is it in cm?"),
        ("sdd_mm", 40.2, "sdd_mm: expected 500 to 4000 mm, got 40.2; is it in inch?"),
        ("sdd_mm", 1.02, "sdd_mm: expected 500 to 4000 mm, got 1.02; is it in m?"),
        ("sdd_mm", 1e9, "sdd_mm: expected 500 to 4000 mm, got 1e+09"),
        ("sod_mm", 60.0, "sod_mm: expected 250 to 4000 mm, got 60; is it in cm or inch?"),
        ("pixel_spacing_mm", (0.143, 143.0), "pixel_spacing_mm: expected 0.02 to 20 mm, got 143; is it in µm?"),
        (
            "pixel_spacing_mm",
            (0.0143, 0.0143),
            "pixel_spacing_mm: expected 0.02 to 20 mm, got 0.0143; is it in cm or inch?",
        ),
        ("pixel_spacing_mm", (1e-7, 1e-7), "pixel_spacing_mm: expected 0.02 to 20 mm, got 1e-07"),
    ],
)
def test_the_unit_is_guessed(name, value, message):
    with pytest.raises(InputError) as caught:
        check_plausible(name, value)
    assert str(caught.value) == message
    with pytest.raises(InputError, match=f"^{name}: expected .* mm, got .* \\(sidecar\\)"):
        LayeredGeometry().over({name: value}, "sidecar")


def test_distances_that_no_ratio_allows():
    with pytest.raises(InputError, match=r"^pixel_spacing_mm: expected 0.02 to 20 mm, got 143; is it in µm\?$"):
        complete_geometry({**GOOD, "pixel_spacing_mm": (143.0, 143.0)}, (64, 48))
    with pytest.raises(InputError, match=r"^sod_mm: expected at least sdd_mm / 5 = 610 mm, got 280"):
        complete_geometry({**GOOD, "sdd_mm": 3050.0, "sod_mm": 280.0}, (64, 48))


def film(folder: Path, **tags) -> Path:
    return dicom(folder / "film.dcm", Modality="XA", ImagerPixelSpacing=[0.9, 0.9], **tags)


def test_the_source_of_a_wrong_length_is_named(tmp_path):
    tags = {"DistanceSourceToDetector": 102, "DistanceSourceToPatient": 60}
    path, sidecar = film(tmp_path, **tags), tmp_path / "film.json"
    with pytest.raises(InputError, match=r"got 102 \(DICOM DistanceSourceToDetector \(0018,1110\)\); is it in cm\?$"):
        input_from_file(path, {}, "command line")
    with pytest.raises(InputError, match=r"^sod_mm: .* got 60 \(command line\); is it in cm or inch\?$"):
        input_from_file(path, {"sod_mm": 60}, "command line")
    sidecar.write_text(json.dumps({"sdd_mm": 40.2}))
    with pytest.raises(InputError, match=r"^sdd_mm: .* got 40.2 \(sidecar\); is it in inch\?$"):
        input_from_file(path, {}, "command line")


def test_a_wrong_length_can_be_overruled(tmp_path):
    path = film(tmp_path, DistanceSourceToDetector=102, DistanceSourceToPatient=60)
    given = input_from_file(path, {"sdd_mm": 1020, "sod_mm": 600}, "command line")
    assert (given.geometry.sdd_mm, given.geometry.sod_mm) == (1020, 600)
    layers = LayeredGeometry().over({"sod_mm": 600}, "entered").over({"sod_mm": 60}, "DICOM")
    assert layers.values == {"sod_mm": 600}


def test_computed_radiographs_have_lengths_of_a_system():
    with pytest.raises(InputError, match=r"^sdd_mm: .* got 102; is it in cm\?$"):
        c_arm(sdd_mm=102, sod_mm=60)
