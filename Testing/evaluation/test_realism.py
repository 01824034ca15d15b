"""Descriptions of images worked out by hand, and a report on two people."""

import csv
import shutil

import numpy as np
import pytest
import SimpleITK as sitk
from tiny import deformed, write_case

from ReVertLib.anatomy.template import load_template
from ReVertLib.errors import InputError
from ReVertLib.evaluation import realism as module
from ReVertLib.evaluation.realism import (
    bone_view,
    edge_profile,
    edge_strength,
    gap,
    plate_profile,
    power,
    spread,
    write_realism,
)
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.imaging.volume import Volume
from ReVertLib.imaging.voxelize import coverage
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.synthesis.ct_scanner import scan_grid


def test_edge_profile_of_a_square_by_hand():
    """Nested squares: the outermost ring of pixels holds 0.1, the next 0.2; the background 0.01 times its distance."""
    image, mask = np.zeros((40, 40)), np.zeros((40, 40), bool)
    for ring in range(1, 13):
        image[4 + ring : 36 - ring, 4 + ring : 36 - ring] = ring / 10
    mask[5:35, 5:35] = True
    profile = dict(zip(module.EDGE_PX, edge_profile(image, mask), strict=True))
    assert profile[0] == pytest.approx(0.1)
    assert profile[1] == pytest.approx(0.2)
    assert profile[5] == pytest.approx(0.6)
    assert profile[-1] == profile[-3] == 0


def test_plate_profile_of_a_bar_by_hand():
    """A body from row 10 to row 39 with bright plates two pixels deep, and a column beside it that does not count."""
    image, mask = np.zeros((60, 30)), np.zeros((60, 30), bool)
    image[10:40, 5:25], mask[10:40, 5:25] = 0.4, True
    image[[11, 38], 5:25] = 1.0
    image[:, 3] = 9.0
    profile = dict(zip(module.PLATE_PX, plate_profile(image, mask, 3.0, 20.0), strict=True))
    assert [profile[d] for d in (-2, -1, 0, 1, 2, 8)] == pytest.approx([0.0, 0.0, 0.4, 1.0, 0.4, 0.4])


def test_edge_strength_of_a_slope():
    image = np.tile(np.arange(30) * 0.03, (30, 1)) + np.arange(30)[:, None] * 0.04
    mask = np.zeros((30, 30), bool)
    mask[8:20, 8:20] = True
    assert edge_strength(image, mask) == pytest.approx(np.full(len(module.STRENGTHS), 0.05))


def test_power_of_a_wave_is_in_its_band():
    """One wave of 40 in 128 px lies in band 40 * 2 * 16 / 128 = 10."""
    wave = np.cos(2 * np.pi * 40 / 128 * np.arange(128))
    bands = power(np.tile(wave, (128, 1)))
    assert bands.argmax() == 10
    assert np.delete(bands, 10).max() < bands[10] - 6
    assert power(np.tile(2 * wave, (128, 1)))[10] == pytest.approx(bands[10] + np.log10(4))


def test_gap_and_spread_by_hand():
    a, b = [np.array([0.0, 2.0]), np.array([2.0, 4.0])], [np.array([4.0, 3.0]), np.array([4.0, 5.0])]
    assert gap(a, b) == pytest.approx(np.sqrt((3**2 + 1**2) / 2))
    assert spread([np.array([3.0, 3.0])], a) == pytest.approx(np.sqrt((2**2 + 0**2) / 2), rel=2e-3)


def test_what_is_seen_is_the_shape_from_the_axes_of_its_ct():
    shape = load_template().mean("L3")
    for seed in range(2):
        grid = scan_grid(shape, np.random.default_rng(seed))
        water = Volume(0.02 * coverage(shape, grid), grid.ijk_to_lps)
        vertebra = bone_view("water", water, shape)
        plain = bone_view("water", Volume(water.array, _straightened(water)), _turned(shape, water))
        for view, image in vertebra.images.items():
            assert image.max() == 1
            assert np.abs(image - plain.images[view]).max() < 0.02
        assert vertebra.descriptions["edge"].shape == (3 * len(module.EDGE_PX),)
        assert vertebra.descriptions["endplate"].shape == (len(module.PLATE_PX),)


def _straightened(volume):
    """The place of a volume turned about the origin until its axes are those of the frame."""
    turn = (volume.ijk_to_lps[:3, :3] / volume.spacing_mm).T
    matrix = np.eye(4)
    matrix[:3] = turn @ volume.ijk_to_lps[:3]
    return matrix


def _turned(shape, volume):
    return shape.moved(RigidTransform.turn((volume.ijk_to_lps[:3, :3] / volume.spacing_mm).T))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """data/{one,other,verse008}: bent L3s with CT; the library knows the first."""
    root = tmp_path_factory.mktemp("realism")
    mean = load_template().mean("L3")
    people = {"one": deformed(mean), "other": Mesh(1.1 * mean.vertices, mean.faces), "verse008": mean}
    for name, person in people.items():
        write_case(root / "data" / name, person, "L3", spacing_mm=2.0)
    vertices = people["one"].vertices.astype(np.float32)[None]
    row = {"case": np.array(["one"]), "label": np.array([22]), "mirrored": np.array([False])}
    np.savez(root / "shapes.npz", vertices=vertices, **row)
    return root


def test_a_report(folder, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(module, "SAMPLES", 2)
    with caplog.at_level("INFO", "revert"):
        write_realism(folder / "data", folder / "shapes.npz", tmp_path / "out", 0)
    with (tmp_path / "out" / "realism.csv").open() as file:
        rows = list(csv.DictReader(file))
    told = [line for line in caplog.messages if "labels taken as in verse" not in line]
    assert len(rows) == len(told) == 4 * (3 + 2 * 2)
    pairs = {(row["group"], row["other"]) for row in rows if row["description"] == "power"}
    between = {("one", "other"), ("one", "verse008"), ("other", "verse008")}
    assert pairs == between | {(g, k) for g in ("training people", "verse008") for k in ("warped", "drawn")}
    for row in rows:
        assert 0 < float(row["gap"]) < 10
        assert (row["spread"] == "") == (row["other"] not in ("warped", "drawn"))
    sheet = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "out" / "realism.png")))
    assert sheet.shape == (3 * 4 * 128, module.SHEET_COLUMNS * 128)
    assert sheet.max() == 255


def test_a_case_that_cannot_be_read_is_left_out_and_named(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SAMPLES", 2)
    data = shutil.copytree(folder / "data", tmp_path / "data")
    cut = data / "other" / "ct.nii.gz"
    cut.write_bytes(cut.read_bytes()[:-200])
    with pytest.raises(InputError, match="cases: expected all to be compared, got the others; not: other"):
        write_realism(data, folder / "shapes.npz", tmp_path, 0)
    with (tmp_path / "realism.csv").open() as file:
        groups = {row["group"] for row in csv.DictReader(file)}
    assert groups == {"one", "verse008", "training people"}


def test_who_is_held_out_is_said(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SAMPLES", 2)
    write_realism(folder / "data", folder / "shapes.npz", tmp_path, 0, held_out=("other", "verse008"))
    with (tmp_path / "realism.csv").open() as file:
        groups = {row["group"] for row in csv.DictReader(file) if row["other"] == "drawn"}
    assert groups == {"training people", "other", "verse008"}


def test_a_folder_without_a_library(folder, tmp_path):
    with pytest.raises(InputError, match=r"shapes gone.npz: expected an existing file, got none"):
        write_realism(folder / "data", folder / "gone.npz", tmp_path / "out", 0)
