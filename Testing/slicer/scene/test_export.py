"""Surfaces and tables as files."""

import csv

import numpy as np
import pytest
import slicer
import vtk
from scene_nodes import ABOUT, AP, BOX_SIZE_MM, box_model, comparison_of, fresh, outcome, radiograph_node, shift
from vtk.util.numpy_support import vtk_to_numpy

from ReVertLib.errors import InputError
from ReVertLib.mesh.io import read_mesh
from ReVertLib.mesh.mesh import mesh_quality


@pytest.fixture
def parts():
    return fresh(
        "scene.export", "scene.alignment", "scene.reconstruction_nodes", "scene.results_table", "scene.comparison_nodes"
    )


@pytest.mark.parametrize("suffix", [".stl", ".ply", ".obj", ".vtp"])
def test_a_surface_is_written_where_it_lies(parts, tmp_path, suffix):
    export, alignment, *_ = parts
    model = box_model()
    shift(model, [10, 20, 30])
    alignment.setAlignment(model, comparison_of(model, motion_mm=(1, 0, 0)).alignment, "rigid")
    export.exportMesh(model, tmp_path / f"lps{suffix}")
    export.exportMesh(model, tmp_path / f"ras{suffix}", frame="RAS")
    ras, lps = (read_mesh(tmp_path / f"{frame}{suffix}") for frame in ("ras", "lps"))  # which reads both as LPS
    for mesh in (ras, lps):
        assert mesh.vertices.max(0) == pytest.approx([-11, -20, 50], abs=1e-4)
        assert np.ptp(mesh.vertices, axis=0) == pytest.approx(BOX_SIZE_MM, abs=1e-4)
        if suffix != ".stl":  # which has no shared vertices
            assert mesh_quality(mesh).volume_mm3 == pytest.approx(24000, rel=1e-5)


def test_vtp_keeps_what_is_known_of_the_vertices(parts, tmp_path):
    export, _alignment, result, *_ = parts
    model = result.showReconstructions(radiograph_node(), [outcome(expected_error_mm=1.5)], AP, ABOUT)[0]
    export.exportMesh(model, tmp_path / "a.vtp")
    reader = vtk.vtkXMLPolyDataReader()
    reader.SetFileName(str(tmp_path / "a.vtp"))
    reader.Update()
    data = reader.GetOutput().GetPointData()
    assert vtk_to_numpy(data.GetArray("expected_error_mm")).tolist() == [1.5] * 8
    assert not data.HasArray("signed_distance_mm")


@pytest.mark.parametrize(
    ("name", "frame", "text"),
    [
        ("a.vtk", "RAS", "mesh a.vtk: expected one of .stl, .ply, .obj, .vtp, got '.vtk'"),
        ("a", "RAS", "got 'no suffix'"),
        ("a.stl", "XYZ", "frame: expected LPS or RAS, got 'XYZ'"),
        ("no/where/a.stl", "RAS", "mesh: expected an existing folder for a.stl"),
    ],
)
def test_what_cannot_be_written_is_refused_and_leaves_nothing(parts, tmp_path, name, frame, text):
    with pytest.raises(InputError, match=text):
        parts[0].exportMesh(box_model(), tmp_path / name, frame)
    assert list(tmp_path.iterdir()) == []


def test_a_model_without_a_surface_is_refused(parts, tmp_path):
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLModelNode")
    with pytest.raises(InputError, match="model: expected a surface, got none"):
        parts[0].exportMesh(node, tmp_path / "a.stl")


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_the_table_of_a_comparison_as_csv(parts, tmp_path):
    export, *_, comparison = parts
    model = box_model()
    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    table = comparison.showComparison(model, segmentation, "", comparison_of(model))
    export.exportTable(table, tmp_path / "a.csv")
    written = rows(tmp_path / "a.csv")
    assert written[0] == ["metric", "reconstruction", "baseline"]
    assert [written[1][0], *map(float, written[1][1:])] == ["dice", 0.9, 0.87]
    assert [row[0] for row in written[-2:]] == ["turned_deg", "moved_mm"]
    assert len(written) == 10


def test_all_results_as_csv_name_nobody(parts, tmp_path):
    export, _alignment, result, batch, _comparison = parts
    model = result.showReconstructions(radiograph_node(name="DOE^JANE"), [outcome()], AP, ABOUT)[0]
    table = batch.appendResult(model, comparison_of(model))
    export.exportTable(table, tmp_path / "a.csv")
    header, row = rows(tmp_path / "a.csv")
    assert "DOE" not in (tmp_path / "a.csv").read_text()
    assert header[:3] == ["case", "level", "alignment"]
    assert row[1:3] == ["L3", "rigid"]
    assert np.isclose(float(row[header.index("dice")]), 0.9)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.xlsx", "table a.xlsx: expected .csv, got '.xlsx'"),
        ("a", "got 'no suffix'"),
        ("no/a.csv", "table: expected an existing folder for a.csv"),
    ],
)
def test_a_table_that_cannot_be_written_is_refused(parts, tmp_path, name, text):
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode")
    with pytest.raises(InputError, match=text):
        parts[0].exportTable(node, tmp_path / name)
    assert list(tmp_path.iterdir()) == []
