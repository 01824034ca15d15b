"""What a geometry may be made of: sidecars, incomplete parameters, and every refusal by its message."""

import json
import math
from pathlib import Path

import pytest

from ReVertLib.errors import InputError
from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.layers import LayeredGeometry
from ReVertLib.geometry.sidecar import checked_parameter, complete_geometry, read_sidecar, sidecar_path, sidecar_text

GOOD = {"sdd_mm": 1000.0, "sod_mm": 800.0, "pixel_spacing_mm": (0.5, 0.25), "principal_point_px": (100.0, 50.0)}


def test_missing_principal_point_is_the_centre_of_the_image():
    parameters = {key: GOOD[key] for key in ("sdd_mm", "sod_mm", "pixel_spacing_mm")}
    assert complete_geometry({**parameters, "level": None}, (4, 3)).principal_point_px == (1.5, 1.0)
    assert complete_geometry(GOOD, (4, 3)).principal_point_px == (100, 50)


def test_sidecar_round_trip(tmp_path):
    for geometry in (
        Geometry(**GOOD),
        Geometry(1 / 3 + 900, 0.1 + 300.2, (0.1, 0.7), (-3.5, 1e-9), "L4", (1, 2, 30.5, 40)),
    ):
        path = tmp_path / "a.json"
        path.write_text(sidecar_text(geometry))
        assert complete_geometry(read_sidecar(path), (64, 64)) == geometry
    assert list(json.loads(path.read_text())) == [*GOOD, "level", "box_px"]


@pytest.mark.parametrize("name", ["x.png", "x.nii.gz", "x.nii", "x.dcm", "x"])
def test_sidecar_path(name):
    assert sidecar_path(f"folder/{name}") == Path("folder/x.json")
    assert sidecar_path("folder/case.1_L3.png") == Path("folder/case.1_L3.json")


@pytest.mark.parametrize("text", ["", "{", '{"sdd_mm": }', "not json", b"\xff\xfe\x00"], ids=str)
def test_broken_sidecar(tmp_path, text):
    path = tmp_path / "a.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError, match=r"^sidecar a.json: expected a JSON file, got [^\n]+$"):
        read_sidecar(path)


def test_absent_sidecar(tmp_path):
    with pytest.raises(InputError, match=r"^sidecar a.json: expected a JSON file, got .*No such file"):
        read_sidecar(tmp_path / "a.json")


@pytest.mark.parametrize(("text", "kind"), [("[1, 2]", "list"), ("3", "int"), ("null", "NoneType"), ('"a"', "str")])
def test_sidecar_that_is_no_object(tmp_path, text, kind):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(InputError, match=f"^sidecar a.json: expected a JSON object, got a {kind}$"):
        read_sidecar(tmp_path / "a.json")


TWO, FOUR = "expected 2 finite numbers, got ", "expected 4 finite numbers, got "


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sod_mm": 1000}, "sod_mm: expected 0 < sod_mm < sdd_mm = 1000, got 1000"),
        ({"sod_mm": 1200}, "sod_mm: expected 0 < sod_mm < sdd_mm = 1000, got 1200"),
        ({"sod_mm": 0}, "sod_mm: expected 0 < sod_mm < sdd_mm = 1000, got 0"),
        ({"sod_mm": -1}, "sod_mm: expected 0 < sod_mm < sdd_mm = 1000, got -1"),
        ({"sdd_mm": -1000}, "sod_mm: expected 0 < sod_mm < sdd_mm = -1000, got 800"),
        ({"sdd_mm": math.nan}, "sdd_mm: expected one finite number, got nan"),
        ({"sdd_mm": math.inf}, "sdd_mm: expected one finite number, got inf"),
        ({"sdd_mm": 10**400}, "sdd_mm: expected one finite number, got 1000"),
        ({"sdd_mm": "1000"}, "sdd_mm: expected one finite number, got 1000"),
        ({"sdd_mm": True}, "sdd_mm: expected one finite number, got True"),
        ({"sdd_mm": [1000]}, "sdd_mm: expected one finite number, got [1000]"),
        ({"sdd_mm": None}, "sdd_mm: expected one finite number, got None"),
        ({"pixel_spacing_mm": (0, 0.5)}, "pixel_spacing_mm: expected two positive numbers, got [0.0, 0.5]"),
        ({"pixel_spacing_mm": (0.5, -0.5)}, "pixel_spacing_mm: expected two positive numbers, got [0.5, -0.5]"),
        ({"pixel_spacing_mm": 0.5}, f"pixel_spacing_mm: {TWO}0.5"),
        ({"pixel_spacing_mm": "12"}, f"pixel_spacing_mm: {TWO}12"),
        ({"pixel_spacing_mm": (1, 1, 1)}, f"pixel_spacing_mm: {TWO}(1, 1, 1)"),
        ({"pixel_spacing_mm": ("a", 1)}, f"pixel_spacing_mm: {TWO}('a', 1)"),
        ({"pixel_spacing_mm": {"u": 1, "v": 1}}, f"pixel_spacing_mm: {TWO}{{'u': 1, 'v': 1}}"),
        ({"principal_point_px": (1, math.nan)}, f"principal_point_px: {TWO}(1, nan)"),
        ({"principal_point_px": [1]}, f"principal_point_px: {TWO}[1]"),
        ({"level": "L6"}, "level: expected one of L1, L2, L3, L4, L5, got 'L6'"),
        ({"level": "l3"}, "level: expected one of L1, L2, L3, L4, L5, got 'l3'"),
        ({"level": ["L3"]}, "level: expected one of L1, L2, L3, L4, L5, got \"['L3']\""),
        ({"box_px": (5, 5, 5, 9)}, "box_px: expected u0 < u1 and v0 < v1, got [5.0, 5.0, 5.0, 9.0]"),
        ({"box_px": (5, 9, 8, 5)}, "box_px: expected u0 < u1 and v0 < v1, got [5.0, 9.0, 8.0, 5.0]"),
        ({"box_px": (5, 5, 9)}, f"box_px: {FOUR}(5, 5, 9)"),
        ({"box_px": (1, 2, 3, math.inf)}, f"box_px: {FOUR}(1, 2, 3, inf)"),
    ],
    ids=str,
)
def test_impossible_values(change, message):
    with pytest.raises(InputError) as caught:
        Geometry(**{**GOOD, **change})
    assert str(caught.value).startswith(message)
    assert len(str(caught.value)) < 150


@pytest.mark.parametrize(
    ("box", "cut"),
    [
        ((-1, 2, 5, 5), (0, 2, 5, 5)),
        ((3, -0.5, 5, 5), (3, 0, 5, 5)),
        ((0, 0, 65, 5), (0, 0, 64, 5)),
        ((60, 40, 70, 48.5), (60, 40, 64, 48)),
        ((0, 0, 64, 48), (0, 0, 64, 48)),
    ],
)
def test_a_box_over_the_edge_is_cut_and_said(box, cut):
    assert complete_geometry({**GOOD, "box_px": box}, (64, 48)).box_px == cut
    doubts = LayeredGeometry().over({"box_px": box}, "given").doubts((64, 48))
    assert [line.startswith("the box leaves the image") for line in doubts] == [True] * (box != cut)


@pytest.mark.parametrize("box", [(-9, 0, -3, 5), (64, 0, 70, 5), (0, 48, 5, 50), (3, -9, 5, 0)])
def test_a_box_beside_the_image(box):
    with pytest.raises(InputError, match=r"^box_px: expected a box inside the 64 x 48 image, got .* beside it$"):
        complete_geometry({**GOOD, "box_px": box}, (64, 48))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_sidecars_as_windows_saves_them(tmp_path, encoding):
    (tmp_path / "a.json").write_bytes('{"sdd_mm": 1000, "level": "L3"}'.encode(encoding))
    assert read_sidecar(tmp_path / "a.json") == {"sdd_mm": 1000, "level": "L3"}


def test_the_principal_point_is_an_assumption():
    assert LayeredGeometry().assumptions == ["no principal point was given: the image's centre was taken"]
    assert LayeredGeometry().over({"principal_point_px": (1, 2)}, "given").assumptions == []


def test_unknown_key():
    message = "^geometry: expected the keys sdd_mm, sod_mm, .*, box_px, yaw_deg, pitch_deg, roll_deg, got 'sid_mm'$"
    with pytest.raises(InputError, match=message):
        complete_geometry({**GOOD, "sid_mm": 1000}, (64, 48))


@pytest.mark.parametrize(
    ("absent", "names", "options"),
    [
        (["sdd_mm"], "sdd_mm", "--sdd"),
        (["sod_mm"], "sod_mm", "--sod"),
        (["pixel_spacing_mm"], "pixel_spacing_mm", "--pixel-spacing"),
        (list(GOOD), "sdd_mm, sod_mm, pixel_spacing_mm", "--sdd, --sod, --pixel-spacing"),
    ],
)
def test_missing_keys(absent, names, options):
    parameters = {**GOOD, **dict.fromkeys(absent)}
    message = f"^geometry: expected {names} from a sidecar, DICOM or {options}, got none$"
    with pytest.raises(InputError, match=message):
        complete_geometry(parameters, (64, 48))


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("sdd_mm", 1000, 1000.0),
        ("pixel_spacing_mm", [0.2, 1], (0.2, 1.0)),
        ("principal_point_px", (-3, 0), (-3.0, 0.0)),
        ("level", "L4", "L4"),
        ("pitch_deg", -12, -12.0),
    ],
)
def test_one_parameter_by_itself(name, given, expected):
    assert checked_parameter(name, given) == expected


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("sdd_mm", 0, "^sdd_mm: expected more than 0, got 0$"),
        ("sod_mm", True, "^sod_mm: expected one finite number, got True$"),
        ("pixel_spacing_mm", [0.2, -1], r"^pixel_spacing_mm: expected more than 0, got \[0.2, -1\]$"),
        ("pixel_spacing_mm", 0.2, "^pixel_spacing_mm: expected 2 finite numbers, got 0.2$"),
        ("yaw_deg", math.nan, "^yaw_deg: expected one finite number, got nan$"),
        ("level", "T12", "^level: expected one of L1, L2, L3, L4, L5, got 'T12'$"),
        ("focus", 3, "^focus: expected a key of the geometry or of the view, got '3'$"),
    ],
)
def test_one_parameter_that_cannot_be(name, given, message):
    with pytest.raises(InputError, match=message):
        checked_parameter(name, given)
