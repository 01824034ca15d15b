"""A whole film in the panel: found, looked at, named otherwise, and reconstructed together."""

import json

import numpy as np
import pytest
import slicer
from dicom_files import dicom
from few_points import few_points  # noqa: F401
from film_host import (  # noqa: F401
    APART_PX,
    KNOWN,
    SIZE_PX,
    T12,
    box_px,
    boxes,
    centre_px,
    clicked,
    film,
    film_node,
    finder,
    panel,
    predictor,
    spine,
    surfaces,
)
from qt_host import QtGui
from scene_host import reopened
from slicer_host import messages, run_until

from ReVertLib.errors import InputError
from ReVertLib.geometry.levels import LEVELS
from ReVertLib.mesh.mesh import volume_centroid
from ReVertLib.mesh.polydata import from_polydata

FOUND = {level: box_px(i + 1) for i, level in enumerate(LEVELS)}


def names_on_film():
    """Every text that is written on the film."""
    nodes = slicer.util.getNodesByClass("vtkMRMLMarkupsFiducialNode")
    return sorted(
        node.GetNthControlPointLabel(i)
        for node in nodes
        if not node.GetSaveWithScene()
        for i in range(node.GetNumberOfControlPoints())
    )


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


@pytest.mark.parametrize(("way", "level"), [("PgDown", 1), ("PgUp", -1)])
def test_one_key_moves_all_names(panel, film, way, level):
    clicked(panel, "findButton")
    keys = {key.key.toString(): key for key in panel.parent.findChildren(QtGui.QShortcut) if key.enabled}
    keys[way].activated.emit()
    now = boxes(film)
    if level == 1:  # T12 is L1 now, L5 has become S1, the sacrum has no name any more
        assert now == {"L1": box_px(0), **{LEVELS[i]: box_px(i) for i in range(1, 5)}}
        assert names_on_film() == ["L1", "L2", "L3", "L4", "L5", "S1"]
    else:  # the sacrum is L5 now
        assert now == {LEVELS[i]: box_px(i + 2) for i in range(5)}
        assert names_on_film() == ["L1", "L2", "L3", "L4", "L5", "T11", "T12"]
    assert panel.ui.readingSelector.currentText.endswith("by hand")
    (panel.ui.namesUpButton if level == 1 else panel.ui.namesDownButton).click()
    assert boxes(film) == FOUND
    assert panel.ui.readingSelector.currentText == "T12–S1, 100% likely"


def test_names_cannot_be_moved_until_none_is_left(panel, film):
    clicked(panel, "findButton")
    for _ in range(5):
        panel.ui.namesUpButton.click()
    before = boxes(film)
    assert (list(before), messages) == (["L1"], [])
    panel.ui.namesUpButton.click()
    assert messages.pop() == ("error", "names: expected one of L1 to L5 to be left on the film, got none")
    assert boxes(film) == before


def test_another_reading_is_offered_and_taken(panel, film, finder):
    others = [((18, 19, 20, 21, 22, 23, 24), 0.25)]
    finder.spine = spine(others=others, warnings=["the names are uncertain, 75% likely"])
    clicked(panel, "findButton")
    selector = panel.ui.readingSelector
    assert [selector.itemText(i) for i in range(selector.count)] == ["T12–S1, 75% likely", "T11–L5, 25% likely"]
    assert panel.ui.filmDoubtsLabel.text == "the names are uncertain, 75% likely"
    selector.setCurrentIndex(1)
    assert boxes(film) == {LEVELS[i]: box_px(i + 2) for i in range(5)}
    clicked(panel, "reconstructButton")
    verdict = surfaces()["L3"].GetAttribute("ReVert.Verdict")
    assert verdict.startswith("check: ")
    assert verdict.endswith("the name is uncertain: T11–L5, 25% likely")


def test_a_box_may_be_moved_and_a_level_removed(panel, film, predictor):
    clicked(panel, "findButton")
    (box,) = [node for node in slicer.util.getNodesByClass("vtkMRMLMarkupsROINode") if node.GetName() == "L2"]
    centre = np.array(box.GetCenter())
    box.SetCenter(*(centre - [5, 0, 0]))  # five voxels of 1 mm to the patient's right, which is left on the film
    panel.ui.vertebraTable.selectRow(4)
    panel.ui.removeVertebraButton.click()
    moved = boxes(film)
    assert list(moved) == ["L1", "L2", "L3", "L4"]
    assert np.abs(np.array(moved["L2"]) - FOUND["L2"]).tolist() == [5, 0, 5, 0]
    panel.ui.namesDownButton.click()
    assert boxes(film) == {"L1": box_px(0), "L2": FOUND["L1"], "L3": moved["L2"], "L4": FOUND["L3"], "L5": FOUND["L4"]}
    panel.ui.namesUpButton.click()
    assert boxes(film) == moved
    clicked(panel, "reconstructButton")
    assert sorted(surfaces()) == ["L1", "L2", "L3", "L4"]
    assert [state.changed for state in panel.results.values()] == [()] * 4


def test_a_level_between_two_others_is_put_there_and_is_not_out_of_date(panel, film):
    clicked(panel, "findButton")
    panel.ui.vertebraTable.selectRow(2)
    panel.ui.removeVertebraButton.click()
    clicked(panel, "reconstructButton")
    assert sorted(surfaces()) == list(LEVELS)
    assert "L3 was not found" in surfaces()["L3"].GetAttribute("ReVert.Warnings")
    assert [state.changed for state in panel.results.values()] == [()] * 5


def test_what_was_placed_by_hand_stays(panel, film):
    panel.logic.addVertebra(film, "L3", box=(10, 10, 60, 60))
    clicked(panel, "findButton")
    assert boxes(film) == {**FOUND, "L3": (10, 10, 60, 60)}
    clicked(panel, "findButton")
    assert boxes(film) == {**FOUND, "L3": (10, 10, 60, 60)}


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


def test_the_view_that_is_seen_is_offered(panel):
    node = film_node()
    panel.logic.setGeometry(node, **{key: value for key, value in KNOWN.items() if key != "yaw_deg"})
    panel.ui.radiographSelector.setCurrentNode(node)
    clicked(panel, "findButton")
    assert panel.ui.takeViewButton.text == "Take the view AP, 80%"
    assert not panel.ui.takeSecondViewButton.isVisibleTo(panel.ui.vertebraSection)
    panel.ui.takeViewButton.click()
    assert panel.ui.viewSelector.currentText == "AP"
    assert not panel.ui.takeViewButton.isVisibleTo(panel.ui.vertebraSection)


def test_a_film_that_hangs_upside_down_is_read_turned_until_the_user_says_no(panel, film, finder, predictor):
    finder.spine = spine(upside_down=True, warnings=["the film hangs upside down: it is read turned"])
    stored = slicer.util.arrayFromVolume(film).copy()
    clicked(panel, "findButton")
    assert "turned by 180 degrees" in panel.ui.domainLabel.text
    assert boxes(film) == FOUND
    clicked(panel, "reconstructButton")
    pixels, geometries = predictor.asked[-1]
    np.testing.assert_array_equal(pixels, stored[0, ::-1, ::-1])
    u0, v0, u1, v1 = FOUND["L1"]
    expected = (SIZE_PX[0] - u1, SIZE_PX[1] - v1, SIZE_PX[0] - u0, SIZE_PX[1] - v0)
    assert geometries[0].box_px == pytest.approx(expected)
    assert surfaces()["L1"].GetAttribute("ReVert.Verdict").startswith("trust")
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(film), stored)
    assert panel.ui.turnFilmButton.text == "Do not turn the film"
    panel.ui.turnFilmButton.click()
    assert (panel.check.turn, panel.ui.turnFilmButton.text) == (1, "Turn the film")
    clicked(panel, "reconstructButton")
    assert surfaces()["L1"].GetAttribute("ReVert.Verdict").endswith("but the film hangs upside down and is not turned")
    panel.ui.turnFilmButton.click()
    clicked(panel, "findButton")  # on the turned picture the head is up, but this finder says again that it is not
    assert panel.check.turn == 1


def test_dark_bone_is_read_as_it_was_found_unless_the_user_says(panel, film, finder):
    finder.spine = spine(inverted=True)
    clicked(panel, "findButton")
    assert panel.ui.boneSelector.currentText == "dark"
    panel.ui.boneSelector.setCurrentText("bright")
    clicked(panel, "findButton")
    assert panel.ui.boneSelector.currentText == "bright"


def test_two_films_keep_what_was_found_on_each(panel, film, finder):
    clicked(panel, "findButton")
    other = film_node("other")
    panel.logic.setGeometry(other, **KNOWN)
    panel.ui.radiographSelector.setCurrentNode(other)
    assert not panel.ui.readingSelector.isVisibleTo(panel.ui.vertebraSection)
    finder.spine = spine(labels=(21, 22, 23))
    clicked(panel, "findButton")
    assert list(boxes(other)) == ["L2", "L3", "L4"]
    assert boxes(film) == FOUND
    slicer.mrmlScene.RemoveNode(film)
    run_until(lambda: False, 0.1)
    assert not {"T12", "S1"} & set(names_on_film())


def test_what_is_found_belongs_to_the_film_that_was_searched(panel, film):
    other = film_node("other")
    panel.worker.delay_ms = 100
    panel.ui.findButton.click()
    panel.ui.radiographSelector.setCurrentNode(other)
    assert run_until(lambda: not panel.runner.isRunning)
    assert (boxes(film), boxes(other)) == (FOUND, {})


def test_another_image_is_said(panel, film):
    clicked(panel, "findButton")
    slicer.util.updateVolumeFromArray(film, slicer.util.arrayFromVolume(film)[:, :, ::-1].copy())
    panel.refresh()
    assert panel.ui.filmDoubtsLabel.text == "The image has changed since: find again."
    film.SetAndObserveImageData(None)
    panel.refresh()
    assert not panel.ui.findButton.enabled
    assert panel.ui.filmDoubtsLabel.text == "The image has changed since: find again."


def test_nothing_found_is_said_and_boxes_by_hand_are_taken_together(panel, film, finder):
    finder.spine = spine(labels=(), warnings=["no vertebra was found"])
    finder.spine = type(finder.spine)(**{**vars(finder.spine), "readings": ()})
    clicked(panel, "findButton")
    assert panel.ui.findLabel.text == "None of L1 to L5 was found: place boxes or points by hand."
    assert panel.ui.filmDoubtsLabel.text == "no vertebra was found"
    panel.ui.reconstructButton.click()
    assert messages.pop()[1].startswith("film: expected a box or point for at least one of L1 to L5, got none")
    for number, level in enumerate(("L2", "L3"), 2):
        panel.logic.addVertebra(film, level, box=box_px(number))
    clicked(panel, "reconstructButton")
    assert sorted(surfaces()) == ["L2", "L3"]


def test_missing_weights_are_one_line(panel, film, finder, monkeypatch):
    def missing(*_given):
        raise InputError("weights finder.safetensors: expected an existing file, got none")

    monkeypatch.setattr(finder, "find", missing, raising=False)
    panel.ui.findButton.click()
    assert run_until(lambda: messages)
    assert messages == [("error", "weights finder.safetensors: expected an existing file, got none")]
    assert (panel.ui.findButton.text, boxes(film)) == ("Find vertebrae", {})


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


def measured():
    """How many nodes of each class show measurements."""
    nodes = [node for kind in ("Fiducial", "Line") for node in slicer.util.getNodesByClass(f"vtkMRMLMarkups{kind}Node")]
    ours = [node.GetClassName() for node in nodes if node.GetNodeReferenceID("ReVert.Surface")]
    tables = slicer.util.getNodesByClass("vtkMRMLTableNode")
    return len(tables), ours.count("vtkMRMLMarkupsFiducialNode"), ours.count("vtkMRMLMarkupsLineNode")


def test_measurements_come_and_go_with_one_click_and_change_nothing_else(panel, film):
    clicked(panel, "findButton")
    clicked(panel, "reconstructButton")
    box, placed = panel.ui.measurementsCheckBox, boxes(film)
    assert (box.enabled, box.checked, measured()) == (True, False, (0, 0, 0))
    box.click()
    run_until(lambda: False, 0.1)
    assert (box.checked, measured(), boxes(film)) == (True, (1, 5, 10), placed)
    (table,) = slicer.util.getNodesByClass("vtkMRMLTableNode")
    of = {table.GetTable().GetValue(i, 0).ToString() for i in range(table.GetTable().GetNumberOfRows())}
    assert of == {*LEVELS, "L1/L2", "L2/L3", "L3/L4", "L4/L5", "spine"}
    assert all(state.word != "out of date" and not state.changed for state in panel.results.values())
    clicked(panel, "reconstructButton")
    assert (box.checked, measured()) == (True, (1, 5, 10))
    panel.ui.undoButton.click()
    panel.ui.undoButton.click()
    assert (box.checked, measured()) == (False, (0, 0, 0))
    panel.ui.redoButton.click()
    assert (box.checked, measured()) == (True, (1, 5, 10))
    box.click()
    assert (box.checked, measured()) == (False, (0, 0, 0))
    other = film_node("other")
    panel.ui.radiographSelector.setCurrentNode(other)
    assert (box.enabled, box.checked) == (False, False)


BOTH_SIDES = ((0.0, 0.0, 0.0), (-180.0, 0.0, 0.0))


@pytest.mark.parametrize("isFilm", [True, False])
def test_what_may_be_from_two_sides_is_taken_from_either_without_computing_again(panel, predictor, isFilm):
    predictor.sides, node = BOTH_SIDES, film_node()
    panel.logic.setGeometry(node, **{key: value for key, value in KNOWN.items() if key != "yaw_deg"})
    panel.ui.radiographSelector.setCurrentNode(node)
    if isFilm:
        clicked(panel, "findButton")
    else:
        for level in ("L2", "L3"):
            panel.logic.addVertebra(node, level, FOUND[level])
    clicked(panel, "reconstructButton")
    buttons, asked = (panel.ui.firstViewButton, panel.ui.secondViewButton), len(predictor.asked)
    shown = panel.ui.reconstructSection
    assert [(button.isVisibleTo(shown), button.enabled, button.text) for button in buttons] == [
        (True, True, "Take AP, 50%"),
        (True, True, "Take PA, 50%"),
    ]
    assert {state.word for state in panel.results.values()} == {"check"}
    models, places = surfaces(), []
    for index in (1, 0):
        buttons[index].click()
        assert len(predictor.asked) == asked
        assert surfaces() == models
        assert [button.enabled for button in buttons] == [index == 1, index == 0]
        assert {state.text for state in panel.results.values()} == {"trust, 1.0 mm"}
        views = {json.loads(model.GetAttribute("ReVert.View"))["yaw_deg"] for model in models.values()}
        assert views == {BOTH_SIDES[index][0]}
        places.append(volume_centroid(from_polydata(models["L3"].GetPolyData())))
    assert places[0][:2] == pytest.approx(-places[1][:2], abs=3)  # seen from behind, the source lies behind
    panel.logic.setGeometry(node, yaw_deg=90.0)
    panel.refresh()
    assert [button.isVisibleTo(shown) for button in buttons] == [False, False]


def test_frames_are_measured_only_where_that_is_shown(panel, film, predictor):
    clicked(panel, "findButton")
    clicked(panel, "reconstructButton")
    (model, *_others), box = surfaces().values(), panel.ui.measurementsCheckBox
    for shown in (False, True):
        if shown:
            box.click()
        panel.ui.liveCheckBox.click()
        assert run_until(lambda: panel._reconstruct._follower.framesDone == 1, 60)
        panel.ui.liveCheckBox.click()
        assert (model.GetAttribute("ReVert.Measurements") is not None, box.enabled) == (shown, shown)
        if not shown:
            clicked(panel, "reconstructButton")
