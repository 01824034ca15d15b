"""Layers of geometry: which source is believed, what is missing, and what reaches the camera."""

import json

import pytest
from imports import unwanted_imports

from ReVertLib.errors import InputError
from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.layers import LayeredGeometry, SourcedValue

SIDECAR = {"sdd_mm": 1100, "sod_mm": 800, "pixel_spacing_mm": [0.3, 0.2], "level": "L2", "yaw_deg": 20, "box_px": None}


@pytest.fixture
def image(tmp_path):
    """Path of an image with a sidecar beside it; the image itself is never opened."""
    (tmp_path / "film.json").write_text(json.dumps(SIDECAR))
    return tmp_path / "film.png"


def test_an_earlier_layer_is_believed_and_each_value_keeps_its_source(image):
    found = LayeredGeometry().over({"sod_mm": 700, "level": None}, "command line").over_sidecar(image)
    found = found.over({"sdd_mm": 1, "pixel_spacing_mm": (9, 9), "principal_point_px": (3, 4)}, "image header")
    assert found.known == {
        "sod_mm": SourcedValue(700, "command line"),
        "sdd_mm": SourcedValue(1100, "sidecar"),
        "pixel_spacing_mm": SourcedValue((0.3, 0.2), "sidecar"),
        "level": SourcedValue("L2", "sidecar"),
        "yaw_deg": SourcedValue(20, "sidecar"),
        "principal_point_px": SourcedValue((3, 4), "image header"),
    }
    assert found.complete((64, 48)) == Geometry(1100, 700, (0.3, 0.2), (3, 4), "L2", None, (20, 0, 0))
    assert found.view == {"yaw_deg": 20, "pitch_deg": 0, "roll_deg": 0}
    assert [found.source(key) for key in ("sod_mm", "level", "box_px")] == ["command line", "sidecar", "none"]


def test_a_view_of_which_nothing_is_known_is_not_ap():
    assert LayeredGeometry().over({"sdd_mm": 1000}, "option").view == {}


def test_a_layer_may_name_a_source_for_each_value():
    found = LayeredGeometry().over({"sdd_mm": 1000, "yaw_deg": 180}, {"sdd_mm": "tag a", "yaw_deg": "tag b"})
    assert (found.source("sdd_mm"), found.source("yaw_deg")) == ("tag a", "tag b")


def test_what_no_layer_has_is_missing():
    assert LayeredGeometry().missing == ("sdd_mm", "sod_mm", "pixel_spacing_mm")
    found = LayeredGeometry().over({"sod_mm": 700, "pixel_spacing_mm": None}, "entered")
    assert found.missing == ("sdd_mm", "pixel_spacing_mm")
    with pytest.raises(InputError, match="geometry: expected sdd_mm, pixel_spacing_mm from a sidecar"):
        found.complete((64, 48))


def test_a_sidecar_that_is_named_is_read_in_place_of_the_one_beside_the_image(image, tmp_path):
    (tmp_path / "other.json").write_text('{"sdd_mm": 900}')
    assert LayeredGeometry().over_sidecar(image, tmp_path / "other.json").values == {"sdd_mm": 900}
    with pytest.raises(InputError, match=r"sidecar none.json: expected a JSON file, got .*No such file"):
        LayeredGeometry().over_sidecar(image, tmp_path / "none.json")


def test_no_sidecar_adds_nothing(tmp_path):
    assert LayeredGeometry().over_sidecar(tmp_path / "film.png") == LayeredGeometry().over_sidecar(None)
    assert LayeredGeometry().over_sidecar(None).known == {}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "^sidecar film.json: expected a JSON file"),
        ('{"sdd_mm": -3}', "^sdd_mm: expected more than 0, got -3$"),
        ('{"foo": 1}', "^foo: expected a key of the geometry or of the view, got '1'$"),
        ('{"level": "T12"}', "^level: expected one of L1, L2, L3, L4, L5, got 'T12'$"),
    ],
)
def test_a_broken_sidecar_is_refused_even_where_it_is_overruled(image, content, message):
    image.with_suffix(".json").write_text(content)
    with pytest.raises(InputError, match=message):
        LayeredGeometry().over({"sdd_mm": 1000, "level": "L3"}, "command line").over_sidecar(image)


def test_layers_need_no_image_library(root):
    assert unwanted_imports(root, ["ReVertLib.geometry.layers"], ("torch", "scipy", "SimpleITK")) == []
