"""Vertebrae in correspondence: centroids, mirrors and motions by hand; the sources and the library of a tiny folder."""

import shutil

import numpy as np
import pytest
import tiny
from tiny import CUBE, assert_vertebra, deformed, write_case

from ReVertLib.anatomy.symmetric_means import mirror
from ReVertLib.anatomy.template import load_template
from ReVertLib.errors import InputError
from ReVertLib.failures import Failures
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.geometry.views import rotation_about
from ReVertLib.mesh.inside import inside_voxels
from ReVertLib.mesh.io import write_mesh
from ReVertLib.mesh.mesh import Mesh, mesh_volume_mm3, vertex_normals, volume_centroid
from ReVertLib.mesh.polydata import decimated, isosurface
from ReVertLib.metrics.surface import dice
from ReVertLib.registration import nonrigid
from ReVertLib.registration.correspondence import centred, onto_mean
from ReVertLib.shape import library as shapes
from ReVertLib.shape.library import RegisteredVertebrae, build_library, sources


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two people with a label map, one of them held out; one with meshes; the mean shape, which is nobody."""
    root = tmp_path_factory.mktemp("people")
    mesh = load_template().mean("L2")
    write_case(root / "person", deformed(mesh).moved(RigidTransform.shift([80.0, -40.0, 300.0])), "L2", ct=False)
    write_case(root / "verse008", mesh, "L2", spacing_mm=4.0, ct=False)
    for name in ("meshes", "mean_of_87", "verse008"):
        (root / name).mkdir(exist_ok=True)
        write_mesh(decimated(load_template().mean("L4"), 800), root / name / "L4.ply")
    write_mesh(mesh, root / "meshes" / "S1.ply")
    return root


def test_centroid_of_a_box_by_hand():
    box = Mesh(CUBE.vertices * [2.0, 4.0, 6.0] + [10.0, 20.0, 30.0], CUBE.faces)
    assert volume_centroid(box) == pytest.approx([11.0, 22.0, 33.0])
    assert volume_centroid(centred(box)) == pytest.approx([0.0, 0.0, 0.0], abs=1e-12)


def test_centroid_is_of_the_volume_not_of_the_vertices():
    """A pyramid over the unit square, apex at height 4: a quarter of the height, wherever the vertices crowd."""
    vertices = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [0.5, 0.5, 4]], float)
    faces = np.array([[0, 2, 1], [0, 3, 2], [0, 1, 4], [1, 2, 4], [2, 3, 4], [3, 0, 4]])
    assert mesh_volume_mm3(Mesh(vertices, faces)) == pytest.approx(4 / 3)
    assert volume_centroid(Mesh(vertices, faces)) == pytest.approx([0.5, 0.5, 1.0])


def test_onto_mean_takes_a_rigid_motion_away_and_nothing_else():
    mean = load_template().mean("L3").vertices
    turn = rotation_about("z", 70.0) @ rotation_about("x", 140.0)
    assert np.abs(onto_mean(mean @ turn.T + [50.0, -9.0, 200.0], mean) - mean).max() < 1e-9
    grown = onto_mean(1.1 * mean @ turn.T + 5.0, mean)
    assert np.ptp(grown, axis=0) == pytest.approx(1.1 * np.ptp(mean, axis=0), rel=1e-6)


def assumed(case, label, level):
    """What is said of a label map whose numbers nothing but the number tells."""
    return f"{case}/segmentation.nii.gz: labels taken as in verse, as nothing else tells: {label} is {level}"


def test_held_out_people_and_the_mean_are_no_sources(folder, caplog):
    with caplog.at_level("INFO", "revert"):
        found = sources(folder, Failures())
    assert caplog.messages == ["held out, not used: verse008", assumed("person", 21, "L2")]
    assert [(source.case, source.label) for source in found] == [("person", 21), ("meshes", 23)]
    for source in found:
        assert_vertebra(source.surface)
    assert volume_centroid(found[0].surface) == pytest.approx([80.0, -40.0, 300.0], abs=4.0)


def test_others_may_be_held_out(folder, caplog):
    with caplog.at_level("INFO", "revert"):
        found = sources(folder, Failures(), held_out=("person", "meshes"))
    assert caplog.messages == ["held out, not used: person, meshes", assumed("verse008", 21, "L2")]
    assert {source.case for source in found} == {"verse008"}
    with pytest.raises(InputError, match="shapes: expected vertebrae of people who are not held out, got none in"):
        sources(folder, Failures(), held_out=("person", "meshes", "verse008"))


def test_a_library_is_read_without_held_out_people(tmp_path, caplog):
    names = np.array(["one", "one_again", "other", "ones"])
    rows = RegisteredVertebrae(np.arange(36.0).reshape(4, 3, 3), names, np.array([20, 21, 19, 24]), np.zeros(4, bool))
    rows.save(tmp_path / "shapes.npz")
    with caplog.at_level("INFO", "revert"):
        found = RegisteredVertebrae.load(tmp_path / "shapes.npz", ("one",))
    assert caplog.messages == ["held out, not used: one, one_again"]
    assert found.case.tolist() == ["other", "ones"]
    assert np.array_equal(found.vertices, rows.vertices[2:])
    assert found.lumbar.tolist() == [False, True]
    with pytest.raises(InputError, match=r"shapes shapes.npz: expected people who are not held out, got none"):
        RegisteredVertebrae.load(tmp_path / "shapes.npz", ("one", "other", "ones"))


def test_a_library_is_whole_and_readable(folder, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(nonrigid, "SCALES_MM", (40.0, 15.0, 7.0))
    monkeypatch.setattr(nonrigid, "MOST_CENTRES", 300)
    with caplog.at_level("INFO", "revert"):
        build_library(folder, tmp_path / "shapes.npz")
    with np.load(tmp_path / "shapes.npz", allow_pickle=False) as file:
        library = {name: file[name] for name in file.files}
    assert library["case"].tolist() == ["person", "person", "meshes", "meshes"]
    assert library["label"].tolist() == [21, 21, 23, 23]
    assert library["mirrored"].tolist() == [False, True, False, True]
    assert library["vertices"].shape == (4, 3000, 3)
    truths = {source.label: source.surface for source in sources(folder, Failures())}
    for vertices, label, mirrored in zip(library["vertices"], library["label"], library["mirrored"], strict=True):
        truth = mirror(truths[label]) if mirrored else truths[label]
        assert dice(Mesh(vertices, load_template().faces), truth) > 0.93
    said = ["held out, not used: verse008", assumed("person", 21, "L2"), "2 vertebrae of 2 people"]
    assert caplog.messages[:3] == said
    assert [line.split(":")[0] for line in caplog.messages[3:7]] == [
        "person L2",
        "person L2 mirrored",
        "meshes L4",
        "meshes L4 mirrored",
    ]
    assert all(line.endswith("flipped 0  crossing 0") for line in caplog.messages[3:7])
    assert list(tmp_path.iterdir()) == [tmp_path / "shapes.npz"]


def test_the_last_thoracic_levels_are_sources(tmp_path, monkeypatch):
    monkeypatch.setattr(tiny, "VERSE_LABELS", {"T10": 17, "T11": 18})
    for level in ("T10", "T11"):
        write_case(tmp_path / level, load_template().mean("L1"), level, spacing_mm=4.0, ct=False)
    assert [(source.case, source.label) for source in sources(tmp_path, Failures())] == [("T11", 18)]


def test_a_bad_case_costs_only_itself(folder, tmp_path, monkeypatch):
    """A label map and a surface that cannot be read, and a surface that nothing can be registered to."""
    root, mean = shutil.copytree(folder, tmp_path / "people"), load_template().mean("L2")
    for name in ("cut", "odd"):
        shutil.copytree(root / "person", root / name)
    (root / "cut" / "segmentation.nii.gz").write_bytes(b"none")
    (root / "meshes" / "L4.ply").write_bytes(b"none")
    fits = iter([mean, ZeroDivisionError("flat"), mean, mean])

    def fitted(*_):
        fit = next(fits)
        if isinstance(fit, Exception):
            raise fit
        return fit

    monkeypatch.setattr(shapes, "fitted", fitted)
    monkeypatch.setattr(shapes, "_quality", lambda *_: "")
    with pytest.raises(InputError, match=r"registered, got the others; not: cut, meshes/L4\.ply, odd L2 mirrored"):
        build_library(root, tmp_path / "shapes.npz")
    assert RegisteredVertebrae.load(tmp_path / "shapes.npz").case.tolist() == ["odd", "person", "person"]


def test_a_folder_without_people(tmp_path):
    with pytest.raises(InputError, match=r"cases: expected <case>/segmentation.nii.gz, sub-.*, got none in"):
        sources(tmp_path, Failures())


def test_a_mesh_of_a_mask_loses_its_steps_and_keeps_its_volume():
    """The template as voxels of 1.5 mm, cut at one half, has few directions; smoothed, it is nearer to the template."""
    mesh = load_template().mean("L2")
    lower = mesh.vertices.min(0) - 4.5
    size = np.ceil((np.ptp(mesh.vertices, axis=0) + 9.0) / 1.5).astype(int)
    inside = inside_voxels(mesh, lower, np.full(3, 1.5), np.zeros(3, int), size)
    grid = np.diag([1.5, 1.5, 1.5, 1.0])
    grid[:3, 3] = lower
    stepped = isosurface(inside.astype(np.float32), 0.5, grid)
    found = shapes._without_steps(stepped)
    assert mesh_volume_mm3(found) == pytest.approx(mesh_volume_mm3(stepped), rel=0.02)
    assert dice(found, mesh) > dice(stepped, mesh)
    assert len(np.unique(np.round(vertex_normals(found), 2), axis=0)) > 5000
    assert shapes._without_steps(mesh) is mesh
