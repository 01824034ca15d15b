"""Reconstructions in the scene: one model for each radiograph and level, that says where it comes from."""

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest
import scene_host
import slicer
from scene_nodes import ABOUT, AP, fresh, outcome, radiograph_node, vertices
from vtk.util.numpy_support import vtk_to_numpy

from ReVertLib.mesh.mesh import mesh_quality
from ReVertLib.mesh.polydata import from_polydata


@pytest.fixture
def result():
    return fresh("scene.reconstruction_nodes")


def show(result, radiograph, *outcomes, view=None, slice_index=0):
    shown = result.showReconstructions(
        radiograph, outcomes or [outcome()], AP if view is None else view, ABOUT, result.Taken(slice_index)
    )
    return shown[0] if len(shown) == 1 else shown


def test_the_model_lies_in_ras_and_faces_outward(result):
    """Camera (X left, Y inferior, Z posterior) to RAS (-X, -Z, -Y), of an AP view."""
    model = show(result, radiograph_node(), outcome(centre_mm=(1, 2, 700), half_mm=4))
    assert vertices(model).min(0) == pytest.approx([-5, -704, -6])
    assert vertices(model).max(0) == pytest.approx([3, -696, 2])
    assert mesh_quality(from_polydata(model.GetPolyData())).volume_mm3 == pytest.approx(512)


def test_yaw_of_90_degrees_sends_the_beam_to_the_patients_right(result):
    model = show(result, radiograph_node(), outcome(half_mm=4), view={**AP, "yaw_deg": 90.0})
    assert vertices(model).mean(0) == pytest.approx([700, 0, 0], abs=1e-9)


def test_it_has_normals_for_a_smooth_surface(result):
    model = show(result, radiograph_node())
    normals = vtk_to_numpy(model.GetPolyData().GetPointData().GetNormals())
    outward = vertices(model) - vertices(model).mean(0)
    assert np.linalg.norm(normals, axis=1) == pytest.approx(1, abs=1e-6)
    assert (np.einsum("nd,nd->n", normals, outward) > 0).all()


def test_it_says_where_it_comes_from(result):
    radiograph = radiograph_node()
    model = show(result, radiograph, outcome(warnings=("one", "two")), view={**AP, "pitch_deg": 5.0})
    assert model.GetName() == "DOE^JANE L3"
    assert model.GetNodeReference("ReVert.Radiograph") is radiograph
    assert model.GetAttribute("ReVert.Level") == "L3"
    assert model.GetAttribute("ReVert.WeightsSha256") == "0" * 64
    assert model.GetAttribute("ReVert.Architecture") == "template"
    assert model.GetAttribute("ReVert.Device") == "CPU (2 threads)"
    versions = json.loads(model.GetAttribute("ReVert.Versions"))
    assert versions.pop("Slicer")
    assert versions == {"revert": "0.1.0", "torch": "2.13.0"}
    assert json.loads(model.GetAttribute("ReVert.Geometry"))["sod_mm"] == 700
    assert json.loads(model.GetAttribute("ReVert.View")) == {**AP, "pitch_deg": 5}
    assert model.GetAttribute("ReVert.Warnings") == "one\ntwo"
    assert float(model.GetAttribute("ReVert.Seconds")) == 0.125
    made = datetime.fromisoformat(model.GetAttribute("ReVert.Time"))
    assert abs(datetime.now(timezone.utc) - made) < timedelta(minutes=1)
    assert len(model.GetAttribute(result.IMAGE)) == 64
    named = [name for name in model.GetAttributeNames() if "DOE" in model.GetAttribute(name)]
    assert named == []


def test_doing_it_again_updates_the_model_and_adds_no_node(result):
    radiograph = radiograph_node()
    first = show(result, radiograph)
    polydata, count = first.GetPolyData(), slicer.mrmlScene.GetNumberOfNodes()
    second = show(result, radiograph, outcome(centre_mm=(5, 0, 700)))
    assert second is first
    assert second.GetPolyData() is not polydata
    assert vertices(second).mean(0) == pytest.approx([-5, -700, 0], abs=1e-9)
    assert slicer.mrmlScene.GetNumberOfNodes() == count


def test_levels_and_slices_and_radiographs_have_a_model_each(result):
    radiograph, other = radiograph_node(slices=3), radiograph_node()
    levels = show(result, radiograph, outcome("L2"), outcome("L4"), outcome(None))
    assert [model.GetName() for model in levels] == [f"DOE^JANE {what}, slice 0" for what in ("L2", "L4", "vertebra")]
    there = {*levels, show(result, radiograph, outcome("L2"), slice_index=2), show(result, other, outcome("L2"))}
    assert len(there) == 5
    assert result.modelOf(radiograph, "L4", 0) is levels[1]
    assert result.modelOf(radiograph, None) is levels[2]
    assert result.modelOf(radiograph, "L4", 2) is None
    assert result.modelOf(other, "L2", None) in there


def test_expected_error_comes_and_goes_with_the_weights(result):
    radiograph = radiograph_node()
    model = show(result, radiograph, outcome(expected_error_mm=1.5))
    array = model.GetPolyData().GetPointData().GetArray("expected_error_mm")
    assert vtk_to_numpy(array).tolist() == [1.5] * 8
    result.colourBy(model, "expected_error_mm")
    show(result, radiograph, outcome(expected_error_mm=2.0))
    assert model.GetDisplayNode().GetScalarVisibility()
    show(result, radiograph, outcome())
    assert not model.GetPolyData().GetPointData().HasArray("expected_error_mm")
    assert not model.GetDisplayNode().GetScalarVisibility()


def test_how_the_user_wants_it_shown_stays(result):
    radiograph = radiograph_node()
    model = show(result, radiograph)
    assert model.GetDisplayNode().GetVisibility2D()
    model.GetDisplayNode().SetColor(1, 0, 0)
    model.GetDisplayNode().SetOpacity(0.5)
    model.SetName("mine")
    show(result, radiograph)
    assert model.GetDisplayNode().GetColor() == (1, 0, 0)
    assert model.GetDisplayNode().GetOpacity() == 0.5
    assert model.GetName() == "mine"


def test_a_stream_moves_surface_silhouette_and_plane_without_nodes_or_undo(result):
    radiograph = radiograph_node()
    model = show(result, radiograph)
    nodes, states = slicer.mrmlScene.GetNumberOfNodes(), slicer.mrmlScene.GetNumberOfUndoLevels()
    silhouette, plane = (
        next(
            node for node in slicer.util.getNodesByClass("vtkMRMLModelNode") if node.GetAttribute("ReVert.Kind") == kind
        )
        for kind in ("silhouette", "plane")
    )
    before = np.array(silhouette.GetPolyData().GetBounds())
    slicer.util.updateVolumeFromArray(radiograph, slicer.util.arrayFromVolume(radiograph) + 100)
    moved = outcome(centre_mm=(3.5, 0, 700), expected_error_mm=1.0)
    result.updateLive({model: replace(moved, reconstruction=replace(moved.reconstruction, warnings=("late",)))})
    assert vertices(model).mean(0) == pytest.approx([-3.5, -700, 0], abs=1e-9)
    assert model.GetPolyData().GetPointData().HasArray("expected_error_mm")
    assert model.GetAttribute("ReVert.Warnings") == "late"
    assert model.GetAttribute(result.IMAGE) is None
    after = np.array(silhouette.GetPolyData().GetBounds())
    assert (after - before)[:2] == pytest.approx(3.5 * 1000 / 696 / 0.5 * 0.5, abs=0.02)  # mm of the image: 1 px is 0.5
    assert plane.GetPolyData().GetPointData().GetArray("grey").GetRange() == (100, 179)
    assert slicer.mrmlScene.GetNumberOfNodes() == nodes
    assert slicer.mrmlScene.GetNumberOfUndoLevels() == states


def test_a_stream_goes_on_when_the_radiograph_is_gone(result):
    radiograph = radiograph_node()
    model = show(result, radiograph)
    slicer.mrmlScene.RemoveNode(radiograph)
    found = outcome(centre_mm=(5, 0, 700))
    result.updateLive({model: found})
    assert vertices(model).mean(0) == pytest.approx([-5, -700, 0], abs=1e-9)


def test_all_is_there_after_saving_and_loading(result, tmp_path):
    model = show(result, radiograph_node(), outcome(expected_error_mm=1.5, warnings=("one", "two")))
    result.colourBy(model, "expected_error_mm")
    attributes = {name: model.GetAttribute(name) for name in model.GetAttributeNames()}
    places = vertices(model)
    scene_host.reopened(tmp_path)
    (radiograph,) = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
    again = result.modelOf(radiograph, "L3")
    assert {name: again.GetAttribute(name) for name in again.GetAttributeNames()} == attributes
    assert vertices(again) == pytest.approx(places, abs=1e-4)
    display = again.GetDisplayNode()
    assert display.GetScalarVisibility() and display.GetActiveScalarName() == "expected_error_mm"
    assert display.GetColorNode().GetNumberOfColors() == 256
    assert display.GetColorNode().GetName() == "Expected error"
    count = slicer.mrmlScene.GetNumberOfNodes()
    assert show(result, radiograph, outcome(expected_error_mm=1.0)) is again
    assert slicer.mrmlScene.GetNumberOfNodes() == count


def test_ten_in_a_row_add_the_same_number_of_nodes_each(result):
    counts = []
    for _ in range(10):
        radiograph = radiograph_node()
        show(result, radiograph)
        counts.append(slicer.mrmlScene.GetNumberOfNodes())
    assert set(np.diff(counts)) == {counts[1] - counts[0]}
    again = [show(result, radiograph) for _ in range(10)]
    assert len(set(again)) == 1
    assert slicer.mrmlScene.GetNumberOfNodes() == counts[-1]


@pytest.mark.parametrize(
    ("error_mm", "view", "verdict"),
    [
        (0.5, AP, "trust: "),
        (1.5, AP, "check: "),
        (9.0, AP, "do not use: "),
        (0.5, {**AP, "yaw_deg": 180.0}, "trust: "),
        (0.5, {**AP, "pitch_deg": 60.0}, "check: "),  # the network does not see that it errs there
        (0.5, {}, "check: "),  # nobody knows how the surface is turned
    ],
)
def test_verdict_is_in_words_and_an_unfamiliar_view_is_never_trusted(result, error_mm, view, verdict):
    sure = outcome()
    expected = np.full(len(sure.reconstruction.mesh.vertices), error_mm)
    sure = replace(sure, reconstruction=replace(sure.reconstruction, warnings=(), expected_error_mm=expected))
    model = show(result, radiograph_node(), sure, view=view)
    assert model.GetAttribute("ReVert.Verdict").startswith(verdict)
    assert f"{error_mm:.1f} mm" in model.GetAttribute("ReVert.Verdict")


def test_a_picture_whose_file_states_another_orientation_is_not_trusted(result):
    node, found = radiograph_node(), outcome(expected_error_mm=0.5)
    (model,) = result.showReconstructions(node, [found], AP, ABOUT, result.Taken(doubted=True))
    said = model.GetAttribute("ReVert.Verdict")
    assert (said.partition(":")[0], said.partition(", ")[2]) == ("check", "but the file states another orientation")
    result.updateLive({model: found})
    assert model.GetAttribute("ReVert.Verdict") == said
    (model,) = result.showReconstructions(node, [found], AP, ABOUT)
    assert model.GetAttribute("ReVert.Verdict").startswith("trust")
