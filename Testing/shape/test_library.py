"""Vertebrae in correspondence: centroids, mirrors and motions by hand; the sources and the library of a tiny folder."""

import numpy as np
import pytest
import tiny
from tiny import CUBE, assert_vertebra, deformed, write_case

from ReVertLib.anatomy.symmetric_means import mirror
from ReVertLib.anatomy.template import load_template
from ReVertLib.dataset import cases
from ReVertLib.errors import InputError
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.geometry.views import rotation_about
from ReVertLib.mesh.io import write_mesh
from ReVertLib.mesh.mesh import Mesh, mesh_volume_mm3, vertex_normals, volume_centroid
from ReVertLib.mesh.polydata import decimated, inside_voxels, isosurface
from ReVertLib.metrics.surface import dice
from ReVertLib.registration import nonrigid
from ReVertLib.registration.correspondence import centred, onto_mean
from ReVertLib.shape import library as shapes
from ReVertLib.shape.library import build_library, sources


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


def test_held_out_people_and_the_mean_are_no_sources(folder):
    found = list(sources(folder))
    assert [(case, label) for case, label, _ in found] == [("person", 21), ("meshes", 23)]
    for _, _, mesh in found:
        assert_vertebra(mesh)
    assert volume_centroid(found[0][2]) == pytest.approx([80.0, -40.0, 300.0], abs=4.0)


def test_every_held_out_person_is_named():
    assert "verse008" in cases.HELD_OUT


def test_a_library_is_whole_and_readable(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(nonrigid, "SCALES_MM", (40.0, 15.0, 7.0))
    monkeypatch.setattr(nonrigid, "MOST_CENTRES", 300)
    lines = []
    build_library(folder, tmp_path / "shapes.npz", lines.append)
    with np.load(tmp_path / "shapes.npz", allow_pickle=False) as file:
        library = {name: file[name] for name in file.files}
    assert library["case"].tolist() == ["person", "person", "meshes", "meshes"]
    assert library["label"].tolist() == [21, 21, 23, 23]
    assert library["mirrored"].tolist() == [False, True, False, True]
    assert library["vertices"].shape == (4, 3000, 3)
    truths = {label: mesh for _, label, mesh in sources(folder)}
    for vertices, label, mirrored in zip(library["vertices"], library["label"], library["mirrored"], strict=True):
        truth = mirror(truths[label]) if mirrored else truths[label]
        assert dice(Mesh(vertices, load_template().faces), truth) > 0.93
    assert [line.split(":")[0] for line in lines] == [
        "person L2",
        "person L2 mirrored",
        "meshes L4",
        "meshes L4 mirrored",
    ]
    assert all(line.endswith("flipped 0  crossing 0") for line in lines)
    assert list(tmp_path.iterdir()) == [tmp_path / "shapes.npz"]


def test_the_last_thoracic_levels_are_sources(tmp_path, monkeypatch):
    monkeypatch.setattr(tiny, "VERSE_LABELS", {"T10": 17, "T11": 18})
    for level in ("T10", "T11"):
        write_case(tmp_path / level, load_template().mean("L1"), level, spacing_mm=4.0, ct=False)
    assert [(case, label) for case, label, _ in sources(tmp_path)] == [("T11", 18)]


def test_a_folder_without_people(tmp_path):
    with pytest.raises(InputError, match=r"cases: expected <case>/segmentation.nii.gz or .*, got none in"):
        list(sources(tmp_path))


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
