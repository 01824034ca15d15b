"""`revert.drr`: every accepted form of volume and view, with labels and without."""

import numpy as np
import pytest
from phantoms import L3, scene

import ReVertLib as revert
from ReVertLib.__main__ import main
from ReVertLib.geometry.sidecar import complete_geometry, read_sidecar
from ReVertLib.imaging.radiograph import read_radiograph
from ReVertLib.mesh.io import read_mesh


@pytest.fixture(scope="module")
def ball():
    """A ball of 10 mm radius at the middle of a CT, and its label map."""
    return scene((L3, (0, 0, 0), 10.0))


def test_it_answers_as_the_command_line_does(resources, tmp_path):
    scan = (resources / "sample/ct.nii.gz", resources / "sample/segmentation.nii.gz")
    found, other = revert.drr(*scan, label=22, views=[(25, 5, 3), 0.0], sod_mm=650, size_px=96)
    angles = ("--yaw", 25, "--pitch", 5, "--roll", 3, "--sod", 650, "--size", 96, "--quiet")
    paths = ("-o", tmp_path / "a.png", "--mesh", tmp_path / "a.ply")
    assert main([str(a) for a in ("drr", *scan, "--label", 22, *angles, *paths)]) == 0
    assert np.array_equal(read_radiograph(tmp_path / "a.png").pixels, found.pixels)
    assert complete_geometry(read_sidecar(tmp_path / "a.json"), (96, 96)) == found.geometry
    assert np.abs(read_mesh(tmp_path / "a.ply").vertices - found.mesh.vertices).max() < 1e-4
    assert (found.pixels.shape, found.pixels.dtype, found.geometry.level) == ((96, 96), np.uint16, "L3")
    assert not np.array_equal(found.pixels, other.pixels)


def test_every_form_of_volume_and_view_is_the_same(ball):
    ct, labels = ball
    (expected,) = revert.drr(ct, labels, label=L3, views=[revert.DrrView(30, 10, 5)], size_px=64)
    arrays = ((ct.array, ct.ijk_to_lps), (labels.array, labels.ijk_to_lps))
    views = [(30, 10, 5), np.array([30, 10, 5]), {"yaw_deg": 30, "pitch_deg": 10, "roll_deg": 5}]
    for found in revert.drr(*arrays, views=views, size_px=64):  # the only label is found by itself
        assert np.array_equal(found.pixels, expected.pixels)
        assert found.geometry == expected.geometry
    yaw, in_words = revert.drr(ct, labels, views=[30, {"yaw_deg": 30.0}], size_px=64)
    assert np.array_equal(yaw.pixels, in_words.pixels)


def test_without_labels_the_whole_ct_is_seen_about_its_middle_or_a_point(ball):
    ct, labels = ball
    alone, amid = (revert.drr(ct, labels, context=context, size_px=64)[0] for context in (False, True))
    whole = revert.drr(ct, size_px=64, centre_lps=(0, 0, 0))[0]
    assert np.array_equal(whole.pixels, amid.pixels)
    assert not np.array_equal(whole.pixels, alone.pixels)
    assert (whole.mesh, whole.geometry.level, whole.geometry.box_px, whole.warnings) == (None, None, None, ())
    assert alone.mesh is not None
    middle = ct.ijk_to_lps[:3, :3] @ ((np.array(ct.array.shape[::-1]) - 1) / 2) + ct.ijk_to_lps[:3, 3]
    about_middle = revert.drr(ct, size_px=64)[0]
    assert np.array_equal(about_middle.pixels, revert.drr(ct, size_px=64, centre_lps=middle)[0].pixels)
    assert np.allclose(about_middle.camera_from_lps.apply(middle[None]), [[0, 0, 600]])


def test_the_command_line_needs_no_segmentation(resources, tmp_path, capsys):
    ct = resources / "sample/ct.nii.gz"
    assert main(["drr", str(ct), "-o", str(tmp_path / "a.png"), "--size", "64"]) == 0
    assert capsys.readouterr().out.endswith("a.png: 64 x 64 px, the whole CT\n")
    assert np.array_equal(read_radiograph(tmp_path / "a.png").pixels, revert.drr(ct, size_px=64)[0].pixels)
    assert main(["drr", str(ct), "-o", str(tmp_path / "b.png"), "--mesh", str(tmp_path / "b.stl")]) == 2
    assert capsys.readouterr().err == "revert: mesh: expected a segmentation to take it from, got none\n"
    assert not (tmp_path / "b.png").exists()


def test_several_views_of_the_command_line(resources, tmp_path):
    ct = resources / "sample/ct.nii.gz"
    asked = ["drr", str(ct), "--yaw", "0", "25", "-90", "-o", str(tmp_path / "a.tif"), "--size", "64"]
    assert main(asked) == 0
    images = [tmp_path / f"a_yaw{yaw}.tif" for yaw in ("0", "25", "-90")]
    assert {path.name for path in tmp_path.iterdir()} == {
        p.with_suffix(s).name for p in images for s in (".tif", ".json")
    }
    for image, made in zip(images, revert.drr(ct, views=[0, 25, -90], size_px=64), strict=True):
        assert np.array_equal(read_radiograph(image).pixels, made.pixels)


SPECK, TWO = (np.pad([[[300.0]]], 2), np.eye(4)), (np.arange(3)[None, None], np.eye(4))
MISTAKES = {
    "CT gone.nii.gz: expected an existing file": ("gone.nii.gz", None, {}),
    "CT: expected a Volume, a file or (array, ijk_to_lps), got a ndarray": (SPECK[0], None, {}),
    "CT: expected an array (k, j, i) and a matrix (4, 4), got (4, 4), (4, 4)": (
        (np.zeros((4, 4)), np.eye(4)),
        None,
        {},
    ),
    "CT: expected finite values": ((SPECK[0] * np.nan, np.eye(4)), None, {}),
    "CT: expected numbers as voxels": ((SPECK[0].astype(str), np.eye(4)), None, {}),
    "labels: expected whole numbers as voxels, got float64": (SPECK, SPECK, {}),
    "label: expected one of 1, 2, got none": (SPECK, TWO, {}),
    "label: expected none without labels, got 22": (SPECK, None, {"label": 22}),
    "centre_lps: expected none with labels": (SPECK, TWO, {"centre_lps": (0, 0, 0)}),
    "centre_lps: expected three finite numbers": (SPECK, None, {"centre_lps": (0, 0)}),
    "view: expected a yaw, (yaw, pitch, roll)": (SPECK, None, {"views": ["AP"]}),
    "view: expected a yaw, (yaw, pitch, roll) or a dict": (SPECK, None, {"views": [(1, 2, 3, 4)]}),
    "view: expected a yaw, (yaw, pitch, roll) or a dict of yaw_deg": (SPECK, None, {"views": [{"yaw": 30}]}),
    "view: expected finite angles": (SPECK, None, {"views": [np.nan]}),
    "size: expected": (SPECK, None, {"size_px": 1}),
    "sod_mm: expected 0 < sod_mm": (SPECK, None, {"sod_mm": 2000}),
}


@pytest.mark.parametrize("message", MISTAKES)
def test_a_mistake_is_one_line(message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ct, labels, options = MISTAKES[message]
    with pytest.raises(revert.InputError) as raised:
        revert.drr(ct, labels, **options)
    assert str(raised.value).startswith(message)
    assert "\n" not in str(raised.value)
