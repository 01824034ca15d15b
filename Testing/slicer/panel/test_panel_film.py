"""A whole film in the panel: its vertebrae found, and reconstructed together."""

import json

import numpy as np
import pytest
import slicer
from dicom_files import dicom
from few_points import few_points  # noqa: F401
from film_host import (  # noqa: F401
    APART_PX,
    FOUND,
    T12,
    box_px,
    boxes,
    centre_px,
    clicked,
    film,
    film_node,
    finder,
    names_on_film,
    panel,
    predictor,
    spine,
    surfaces,
)
from scene_host import reopened
from slicer_host import messages, run_until

from ReVertLib.geometry.levels import LEVELS
from ReVertLib.mesh.mesh import volume_centroid
from ReVertLib.mesh.polydata import from_polydata


def test_from_a_film_to_five_levels_in_two_clicks(panel, film, finder, predictor):
    assert panel.ui.findLabel.text.startswith("A whole film: Find vertebrae.")
    clicked(panel, "findButton")
    assert boxes(film) == FOUND
    assert names_on_film() == ["L1 90%", "L2 90%", "L3 90%", "L4 90%", "L5 90%", "S1", "T12"]
    assert panel.ui.findLabel.text.startswith("5 vertebrae: look at boxes and names")
    assert finder.asked[0][1:] == (1000, (0.8, 0.8), 800, (0, 0, 0))
    clicked(panel, "reconstructButton")
    found = surfaces()
    assert sorted(found) == list(LEVELS)
    centres = {level: volume_centroid(from_polydata(node.GetPolyData())) for level, node in found.items()}
    assert centres["L3"][1] == pytest.approx(-800, abs=1)
    apart_mm = np.diff([centres[level][2] for level in LEVELS])
    assert apart_mm == pytest.approx(-APART_PX * 0.64, abs=4)  # 0.64 mm is a pixel at the spine
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    folders = {hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)) for node in found.values()}
    assert [hierarchy.GetItemName(folder) for folder in folders] == ["film, ReVert"]
    assert [panel.ui.vertebraTable.item(row, 3).text() for row in range(5)] == ["trust, 1.0 mm"] * 5


GIVEN = {"DistanceSourceToDetector": 1000, "DistanceSourceToPatient": 800, "ImagerPixelSpacing": [0.8, 0.8]}


@pytest.mark.parametrize(
    ("tags", "yaw_deg", "scale"),
    [
        ({"Modality": "XA", "PositionerPrimaryAngle": 0, **GIVEN}, 180, "the distance of the isocentre"),
        ({"Modality": "DX", "PixelSpacing": [0.64, 0.64]}, 0, "PixelSpacing"),
        ({"Modality": "DX"}, 0, "usual size of lumbar vertebrae"),
    ],
)
def test_from_a_dicom_film_to_five_levels_in_two_clicks(panel, tmp_path, tags, yaw_deg, scale):
    """Whatever the file says of distances is enough, and so is nothing; the film is selected when it is loaded."""
    panel.exit()
    node = film_node()
    storage = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLVolumeArchetypeStorageNode")
    storage.SetFileName(str(dicom(tmp_path / "film", ViewPosition="AP", **tags)))
    node.SetAndObserveStorageNodeID(storage.GetID())
    panel.enter()
    for button in ("findButton", "reconstructButton"):
        clicked(panel, button)
    found = surfaces()
    assert sorted(found) == list(LEVELS)
    for model in found.values():
        assert scale in model.GetAttribute("ReVert.Warnings")
        assert json.loads(model.GetAttribute("ReVert.View"))["yaw_deg"] == yaw_deg
    assert [state.changed for state in panel.results.values()] == [()] * 5


def test_every_level_is_measured_against_the_segment_of_its_name(panel, film):
    clicked(panel, "findButton")
    clicked(panel, "reconstructButton")
    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    for level, model in surfaces().items():
        segmentation.AddSegmentFromClosedSurfaceRepresentation(model.GetPolyData(), level, [1, 1, 1])
    panel.ui.segmentationSelector.setCurrentNode(segmentation)
    panel.refresh()
    panel.ui.alignmentSelector.setCurrentText("none")
    from ReVertSlicer.scene import results_table

    assert [(node.GetAttribute("ReVert.Level"), segment) for node, segment in results_table.pairs(segmentation)] == [
        (level, segmentation.GetSegmentation().GetSegmentIdBySegmentName(level)) for level in LEVELS
    ]
    assert panel.ui.compareAllButton.enabled


def test_a_film_is_followed_live(panel, film, predictor):
    clicked(panel, "findButton")
    clicked(panel, "reconstructButton")
    models, asked = surfaces(), len(predictor.asked)
    panel.ui.liveCheckBox.click()
    assert run_until(lambda: panel._reconstruct._follower.framesDone == 1, 60)
    slicer.util.updateVolumeFromArray(film, slicer.util.arrayFromVolume(film)[:, :, ::-1].copy())
    assert run_until(lambda: panel._reconstruct._follower.framesDone == 2, 60)
    panel.ui.liveCheckBox.click()
    assert len(predictor.asked) > asked
    assert surfaces() == models
    assert messages == [("views", "reset")]


def test_the_report_has_all_levels_and_says_where_distances_are_from(panel, film, tmp_path):
    clicked(panel, "findButton")
    clicked(panel, "reconstructButton")
    panel.logic.exportReport(surfaces()["L1"], tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    assert all(f"{level} " in text or f">{level}<" in text for level in LEVELS)
    assert "another value is known now" not in text


def test_undo_takes_all_five_back_at_once(panel, film):
    clicked(panel, "findButton")
    clicked(panel, "reconstructButton")
    panel.ui.undoButton.click()
    assert surfaces() == {}
    assert boxes(film) == FOUND
    panel.ui.redoButton.click()
    assert sorted(surfaces()) == list(LEVELS)


@pytest.mark.parametrize("button", ["findButton", "reconstructButton"])
def test_cancel_in_the_middle_leaves_the_scene_as_it_was(panel, film, button):
    if button == "reconstructButton":
        clicked(panel, "findButton")
    panel.worker.delay_ms = 200
    nodes = slicer.mrmlScene.GetNumberOfNodes()
    widget = getattr(panel.ui, button)
    widget.click()
    assert widget.text == "Cancel"
    widget.click()
    assert panel.ui.stageLabel.text == "Cancelled; nothing in the scene was changed."
    assert not run_until(lambda: slicer.mrmlScene.GetNumberOfNodes() != nodes, 0.4)
    assert (surfaces(), messages) == ({}, [])


def test_a_scene_that_was_saved_has_everything_again(panel, film, tmp_path):
    clicked(panel, "findButton")
    panel.ui.namesDownButton.click()
    clicked(panel, "reconstructButton")
    texts, now = names_on_film(), boxes(film)
    panel.exit()
    reopened(tmp_path)
    panel.onSceneEnd(None, None)
    panel.enter()
    node = panel.state.radiograph
    assert (boxes(node), names_on_film()) == (now, texts)
    assert sorted(surfaces()) == list(LEVELS)
    assert all(state.changed == () for state in panel.results.values())
    panel.ui.namesUpButton.click()
    assert boxes(node) == FOUND


def test_a_film_without_geometry_has_the_usual_size_as_its_scale(panel):
    node = film_node()
    panel.ui.radiographSelector.setCurrentNode(node)
    clicked(panel, "findButton")
    assert "scale of the film" in panel.ui.geometryAskedLabel.text
    clicked(panel, "reconstructButton")
    warnings = surfaces()["L3"].GetAttribute("ReVert.Warnings")
    assert "scale: the usual size of lumbar vertebrae" in warnings
    assert "sizes are right to some 8%" in warnings
    assert all(state.changed == () for state in panel.results.values())
    panel.logic.setGeometry(node, sdd_mm=1100)
    panel.refresh()
    assert all(state.changed == ("Source to detector",) for state in panel.results.values())


def test_buttons_wait_for_a_radiograph_and_for_the_work_that_runs(panel):
    assert (panel.ui.findButton.enabled, panel.ui.findButton.toolTip) == (False, "Select a radiograph first.")
    node = film_node()
    panel.ui.radiographSelector.setCurrentNode(node)
    assert panel.ui.findButton.enabled
    panel.ui.radiographSelector.setCurrentNode(slicer.util.addVolumeFromArray(np.zeros((1, 40, 40), np.int16)))
    assert not panel.ui.findButton.enabled
    assert panel.ui.findButton.toolTip.startswith("image radiograph: expected an image with contrast")


def test_the_logic_does_the_same_without_a_panel(panel, film, predictor):
    found = panel.logic.findVertebrae(film)
    assert (found.vertebrae[0].label, boxes(film)) == (T12, FOUND)
    panel.logic.moveNames(film, 1)
    models = panel.logic.reconstructAll(film)
    assert [node.GetAttribute("ReVert.Level") for node in models] == list(LEVELS)
    assert [one.box_px for one in predictor.asked[0][1]] == [pytest.approx(box_px(i)) for i in range(5)]
    assert centre_px(0)[1] < centre_px(1)[1]
