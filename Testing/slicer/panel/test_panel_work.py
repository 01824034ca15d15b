"""The module's panel at work: every button, messages, what ends what."""

import numpy as np
import pytest
import slicer
from few_points import few_points  # noqa: F401
from panel_host import BOX, panel, predictor, radiograph, reconstructed  # noqa: F401
from scene_nodes import LENGTHS, box_model, box_segmentation, radiograph_node
from slicer_host import messages, run_until
from vtk.util.numpy_support import numpy_to_vtk

from ReVertLib.geometry.sidecar import read_sidecar


def test_undo_and_redo_of_a_reconstruction(panel, radiograph):
    assert not panel.ui.undoButton.enabled
    reconstructed(panel)
    panel.ui.undoButton.click()
    assert slicer.util.getNodesByClass("vtkMRMLModelNode") == []
    assert panel.state.model is None
    assert not panel.ui.undoButton.enabled
    panel.ui.redoButton.click()
    assert "surface" in [node.GetAttribute("ReVert.Kind") for node in slicer.util.getNodesByClass("vtkMRMLModelNode")]
    assert not slicer.mrmlScene.GetUndoFlag()


def test_reconstruct_makes_the_model_and_selects_it(panel, radiograph, predictor):
    model = reconstructed(panel)
    assert predictor.asked[0][1].box_px == BOX
    assert panel.ui.modelSelector.currentNode() is model
    assert model.GetAttribute("ReVert.Level") == "L3"
    assert reconstructed(panel) is model
    assert [kind for kind, _ in messages] == ["views"]


def test_several_vertebrae_in_one_click(panel, radiograph):
    panel.logic.addVertebra(radiograph, "L4", point=(40, 30))
    reconstructed(panel)
    levels = {node.GetAttribute("ReVert.Level") for node in slicer.util.getNodesByClass("vtkMRMLModelNode")}
    assert levels >= {"L3", "L4"}


@pytest.fixture
def sidecars_read(radiograph, tmp_path, monkeypatch):
    """A list that grows whenever the sidecar beside the radiograph's file is read from disk."""
    from ReVertLib.geometry import layers

    storage = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLVolumeArchetypeStorageNode")
    storage.SetFileName(str(tmp_path / "film.nrrd"))
    radiograph.SetAndObserveStorageNodeID(storage.GetID())
    (tmp_path / "film.json").write_text('{"pixel_spacing_mm": [0.3, 0.3]}')
    read = []
    monkeypatch.setattr(layers, "read_sidecar", lambda path: read.append(path) or read_sidecar(path))
    return read


def test_a_click_and_a_look_at_the_radiograph_read_the_sidecar_once(panel, radiograph, predictor, sidecars_read):
    panel.logic.addVertebra(radiograph, "L4", point=(40, 30))
    panel.logic.addVertebra(radiograph, "L5", point=(40, 50))
    run_until(lambda: False, 0.2)  # until the panel has looked at what was added
    sidecars_read.clear()
    panel.refresh()
    assert len(sidecars_read) == 1
    panel.ui.reconstructButton.click()
    assert len(sidecars_read) == 2
    assert run_until(lambda: not panel.runner.isRunning)
    assert [geometry.pixel_spacing_mm for _, geometry in predictor.asked] == [(0.3, 0.3)] * 3


def test_button_is_cancel_while_it_runs(panel, radiograph):
    panel.worker.delay_ms = 200
    panel.ui.reconstructButton.click()
    assert panel.ui.reconstructButton.text == "Cancel"
    assert panel.ui.stageLabel.text.startswith("Working")
    assert not panel.ui.compareButton.enabled
    nodes = slicer.mrmlScene.GetNumberOfNodes()
    panel.ui.reconstructButton.click()
    assert panel.ui.reconstructButton.text == "Reconstruct"
    assert panel.ui.progressBar.value == 0
    assert not run_until(lambda: panel.state.model is not None, 0.4)
    assert slicer.mrmlScene.GetNumberOfNodes() == nodes
    assert messages == []


def test_a_length_that_is_not_known_is_asked_for_in_the_panels_words(panel):
    node = radiograph_node(spacing=(1.0, 1.0, 1.0))
    panel.logic.setGeometry(node, sdd_mm=1000)
    panel.ui.radiographSelector.setCurrentNode(node)
    panel.ui.geometrySection.collapsed = True
    panel.ui.reconstructButton.click()
    assert messages == [
        (
            "error",
            "Source to object is not known\n"
            "Detector spacing is not known: Slicer's 1 mm for an unknown spacing\n"
            "Enter it under Geometry, or give the image a sidecar.",
        )
    ]
    assert not panel.ui.geometrySection.collapsed
    assert panel.ui.reconstructButton.text == "Reconstruct"
    panel.ui.liveCheckBox.click()
    assert (len(messages), panel.ui.liveCheckBox.checked) == (2, False)


def test_messages_of_the_library_are_in_the_panels_words(panel, radiograph):
    panel.ui.sddSpinBox.setValue(102)  # cm
    panel.ui.sodSpinBox.setValue(1000)
    panel.ui.reconstructButton.click()
    assert messages == [
        ("error", "Source to detector: expected 500 to 4000 mm, got 102; is it in cm?"),
        ("error", "Source to object: expected 0 < Source to object < Source to detector = 1000, got 1000"),
    ]


def test_our_own_failure_is_shown_logged_and_leaves_the_panel_usable(panel, radiograph, predictor, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(predictor, "reconstruct", lambda *_: 1 / 0)
        panel.ui.reconstructButton.click()
        assert run_until(lambda: messages)
    assert messages.pop() == ("error", "failed: division by zero")
    assert panel.ui.logText.toPlainText() == "ZeroDivisionError('division by zero')"
    reconstructed(panel)


def test_a_result_that_cannot_be_shown_is_said(panel, radiograph, monkeypatch):
    from ReVertSlicer.work import jobs

    with monkeypatch.context() as broken:
        broken.setattr(jobs, "showReconstructions", lambda *_: 1 / 0)
        panel.ui.reconstructButton.click()
        assert run_until(lambda: messages)
    assert messages.pop() == ("error", "The result could not be shown: division by zero")
    reconstructed(panel)


def test_another_device_or_weights_reach_the_process(panel, radiograph):
    panel.ui.deviceSelector.setCurrentText("cpu")
    panel.state.weights = "own.safetensors"
    reconstructed(panel)
    assert panel.worker.started[-1] == ("own.safetensors", "cpu")


def compared(panel):
    panel.ui.compareButton.click()
    assert run_until(lambda: not panel.runner.isRunning)
    assert [text for kind, text in messages if kind == "error"] == []


def test_compare_waits_for_a_segment_and_says_the_figures_with_the_baseline(panel):
    segmentation, segment = box_segmentation()
    panel.ui.modelSelector.setCurrentNode(box_model())
    panel.ui.segmentationSelector.setCurrentNode(segmentation)
    selector = panel.ui.segmentSelector
    assert [selector.itemText(i) for i in range(selector.count)] == ["box", "empty"]
    assert panel.state.segmentId == segment
    compared(panel)
    text = panel.ui.resultLabel.text
    assert "Dice" in text
    assert "baseline" in text
    assert panel.state.colour == "distance to CT"
    panel.ui.showPlotButton.click()
    selection = slicer.mrmlScene.GetNodeByID("vtkMRMLSelectionNodeSingleton")
    assert slicer.mrmlScene.GetNodeByID(selection.GetActivePlotChartID()).GetTitle().startswith("L3: distance")
    assert panel.ui.removeAlignmentButton.enabled
    panel.ui.removeAlignmentButton.click()
    assert not panel.ui.removeAlignmentButton.enabled
    selector.setCurrentIndex(1)
    assert panel.state.segmentId == "empty"
    panel.ui.compareButton.click()
    assert messages == [("error", "segment: expected a filled one, got an empty segment")]
    panel.ui.segmentationSelector.setCurrentNode(None)
    assert not panel.ui.compareButton.enabled


def test_the_segment_of_the_models_level_is_suggested(panel):
    segmentation, _ = box_segmentation()
    segmentation.GetSegmentation().GetSegment("empty").SetName("vertebra_L3")
    panel.ui.modelSelector.setCurrentNode(box_model())
    panel.ui.segmentationSelector.setCurrentNode(segmentation)
    assert panel.ui.segmentSelector.currentText == "vertebra_L3"


def test_declined_installation_breaks_nothing(panel, radiograph, monkeypatch):
    from ReVertSlicer.work import packages

    monkeypatch.setattr(packages, "missing", lambda _forCt: ("onnxruntime",))
    monkeypatch.setattr(packages, "install", lambda _onProgress, _forCt: False)
    nodes = slicer.mrmlScene.GetNumberOfNodes()
    panel.ui.reconstructButton.click()
    assert not panel.runner.isRunning
    assert slicer.mrmlScene.GetNumberOfNodes() == nodes
    monkeypatch.setattr(packages, "install", lambda _onProgress, _forCt: True)
    reconstructed(panel)


def test_live_follows_the_image_and_stops_with_the_radiograph(panel, radiograph, predictor):
    panel.ui.liveCheckBox.setChecked(True)
    assert run_until(lambda: len(predictor.asked) == 1 and not panel.runner.isRunning)
    for _ in range(3):
        slicer.util.updateVolumeFromArray(radiograph, slicer.util.arrayFromVolume(radiograph) + 1)
        assert run_until(lambda: not panel.runner.isRunning)
    assert len(predictor.asked) == 4
    assert panel.ui.framesLabel.text.endswith("frames/s")
    assert not panel.ui.reconstructButton.enabled
    slicer.mrmlScene.RemoveNode(radiograph)
    assert run_until(lambda: not panel.ui.liveCheckBox.checked)
    assert messages[1:] == []


def test_of_frames_no_progress_is_shown_but_a_failure_is(panel, radiograph, predictor, monkeypatch):
    reconstructed(panel)
    assert panel.ui.stageLabel.text
    shown = []
    monkeypatch.setattr(panel.ui.progressBar, "setVisible", shown.append)
    panel.ui.liveCheckBox.setChecked(True)
    assert run_until(lambda: len(predictor.asked) == 2 and not panel.runner.isRunning)
    assert (shown, panel.ui.stageLabel.text) == ([], "")
    monkeypatch.setattr(predictor, "reconstruct", lambda *_: 1 / 0)
    slicer.util.updateVolumeFromArray(radiograph, slicer.util.arrayFromVolume(radiograph) + 1)
    assert run_until(lambda: ("error", "failed: division by zero") in messages)
    assert not panel.ui.liveCheckBox.checked
    assert panel.ui.logText.toPlainText() == "ZeroDivisionError('division by zero')"


def test_a_comparison_goes_on_while_frames_come_in(panel, radiograph):
    segmentation, _segment = box_segmentation()
    panel.ui.segmentationSelector.setCurrentNode(segmentation)
    panel.ui.modelSelector.setCurrentNode(box_model())
    panel.ui.liveCheckBox.setChecked(True)
    assert run_until(lambda: not panel.runner.isRunning)
    panel.ui.compareButton.click()
    slicer.util.updateVolumeFromArray(radiograph, slicer.util.arrayFromVolume(radiograph) + 1)
    assert run_until(lambda: "Dice" in panel.ui.resultLabel.text)
    assert panel.ui.liveCheckBox.checked
    assert [text for kind, text in messages if kind == "error"] == []


def test_closing_the_scene_forgets_the_nodes_and_the_work(panel, radiograph):
    panel.worker.delay_ms = 200
    panel.ui.reconstructButton.click()
    slicer.mrmlScene.Clear(0)
    assert panel.logic.getParameterNode().radiograph is None
    assert not panel.ui.reconstructButton.enabled
    assert not panel.runner.isRunning
    assert not run_until(lambda: slicer.util.getNodesByClass("vtkMRMLModelNode"), 0.4)
    assert messages == []


def test_a_radiograph_deleted_while_it_is_worked_on(panel, radiograph):
    panel.worker.delay_ms = 100
    panel.ui.reconstructButton.click()
    slicer.mrmlScene.RemoveNode(radiograph)
    assert run_until(lambda: not panel.runner.isRunning)
    assert messages == [
        ("error", "The radiograph was deleted while it was being worked on, so the result cannot be shown.")
    ]
    assert slicer.util.getNodesByClass("vtkMRMLModelNode") == []


def test_a_result_is_not_shown_beside_another_radiograph(panel, radiograph):
    panel.worker.delay_ms = 100
    panel.ui.reconstructButton.click()
    panel.ui.radiographSelector.setCurrentNode(radiograph_node())
    assert run_until(lambda: not panel.runner.isRunning)
    assert slicer.util.getNodesByClass("vtkMRMLModelNode") == []
    assert panel.state.model is None
    assert panel.ui.stageLabel.text.startswith("Another radiograph or slice was selected meanwhile")
    assert messages == []


def test_each_radiograph_has_its_own_result_selected(panel, radiograph):
    model = reconstructed(panel)
    other = radiograph_node()
    panel.ui.radiographSelector.setCurrentNode(other)
    assert panel.state.model is None
    panel.ui.radiographSelector.setCurrentNode(radiograph)
    assert panel.state.model is model
    own = box_model()
    own.SetName("own")
    panel.ui.modelSelector.setCurrentNode(own)
    panel.ui.radiographSelector.setCurrentNode(other)
    assert panel.state.model is own


def test_a_frame_that_comes_while_one_is_worked_on_puts_the_result_out_of_date(panel, radiograph):
    panel.worker.delay_ms = 100
    panel.ui.reconstructButton.click()
    first = slicer.util.arrayFromVolume(radiograph).copy()
    slicer.util.updateVolumeFromArray(radiograph, first[:, :, ::-1].copy())
    assert run_until(lambda: not panel.runner.isRunning)
    panel.refresh()
    (state,) = panel.results.values()
    assert state.changed == ("Image",)
    slicer.util.updateVolumeFromArray(radiograph, first)
    panel.refresh()
    (state,) = panel.results.values()
    assert state.changed == ()


def test_a_grey_picture_in_colour_channels_is_reconstructed(panel, predictor):
    """RGB and RGBA, as PNG and JPEG files often are."""
    grey = np.tile(np.arange(80, dtype=np.uint8), (1, 60, 1))
    for alpha in ([], [np.full_like(grey, 255)]):
        array = np.stack([grey, grey, grey, *alpha], -1)
        node = slicer.util.addVolumeFromArray(array, nodeClassName="vtkMRMLVectorVolumeNode")
        node.SetSpacing(0.5, 0.25, 1)
        panel.logic.setGeometry(node, **LENGTHS)
        panel.logic.addVertebra(node, "L3", box=BOX)
        panel.ui.radiographSelector.setCurrentNode(node)
        reconstructed(panel)
        np.testing.assert_array_equal(predictor.asked[-1][0], grey[0])


def test_colours_are_refused_before_any_work(panel):
    array = np.random.default_rng(0).integers(0, 255, (1, 60, 80, 3), np.uint8)
    panel.ui.radiographSelector.setCurrentNode(
        slicer.util.addVolumeFromArray(array, nodeClassName="vtkMRMLVectorVolumeNode")
    )
    assert not panel.ui.reconstructButton.enabled
    assert "expected a grey image, got colour" in panel.ui.domainLabel.text


def test_a_volume_without_an_image_is_said_once(panel):
    panel.ui.radiographSelector.setCurrentNode(slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode"))
    assert not panel.ui.reconstructButton.enabled
    assert panel.ui.domainLabel.text.splitlines()[0] == "• radiograph: expected an image, got an empty volume"
    assert messages == []
    panel.ui.placePointButton.click()
    assert messages == [("error", "radiograph: expected an image, got an empty volume")]


def test_pixels_that_are_not_square_are_said_and_stay_so(panel, radiograph):
    assert "Pixels of 0.5 × 0.25 mm" in panel.ui.geometrySourceLabel.text
    panel.ui.spacingSpinBox.setValue(0.4)
    assert panel.check.known["pixel_spacing_mm"].value == pytest.approx((0.4, 0.2))


def test_cleanup_stops_the_process(panel):
    panel.cleanup()
    assert panel.worker.stopped >= 1


def test_the_colour_asked_for_is_shown(panel):
    model = box_model()
    model.CreateDefaultDisplayNodes()
    values = numpy_to_vtk(np.arange(model.GetPolyData().GetNumberOfPoints(), dtype=np.float32), deep=True)
    values.SetName("expected_error_mm")
    model.GetPolyData().GetPointData().AddArray(values)
    panel.ui.modelSelector.setCurrentNode(model)
    panel.ui.colourSelector.setCurrentText("expected error")
    assert panel.state.colour == "expected error"
    assert model.GetDisplayNode().GetActiveScalarName() == "expected_error_mm"
    assert model.GetDisplayNode().GetScalarVisibility()
    panel.ui.colourSelector.setCurrentText("bone")
    assert not model.GetDisplayNode().GetScalarVisibility()


def test_work_that_ends_after_the_module_was_left(panel, radiograph):
    segmentation, _ = box_segmentation()
    panel.ui.segmentationSelector.setCurrentNode(segmentation)
    panel.worker.delay_ms = 50
    panel.ui.reconstructButton.click()
    panel.exit()
    assert run_until(lambda: not panel.runner.isRunning)
    state = panel.logic.getParameterNode()
    assert state.model.GetAttribute("ReVert.Level") == "L3"
    panel.enter()
    panel.ui.modelSelector.setCurrentNode(box_model())
    panel.ui.compareButton.click()
    panel.exit()
    assert run_until(lambda: not panel.runner.isRunning)
    assert state.colour == "distance to CT"
    assert [kind for kind, _ in messages] == ["views"]
