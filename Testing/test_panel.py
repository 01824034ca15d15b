"""The module's panel: state both ways, every button and selector, messages, what ends what."""

import pytest
import slicer
import slicer_host
from near_worker import NearWorker
from scene_nodes import LENGTHS, OneTetrahedron, box_model, box_segmentation, radiograph_node
from slicer_host import messages, run_until

BOX = (10, 10, 60, 50)


@pytest.fixture
def predictor():
    return OneTetrahedron()


@pytest.fixture
def panel(predictor, monkeypatch):
    """The panel in a fresh scene, with work done nearby."""
    module = slicer_host.load()
    from ReVertSlicer import packages
    from ReVertSlicer import panel as panel_module

    monkeypatch.setattr(packages, "missing", lambda: ())
    monkeypatch.setattr(panel_module, "Worker", lambda onChange=None: NearWorker(predictor))
    widget = module.ReVertWidget()
    widget.logic = module.ReVertLogic(predictor)
    yield widget
    widget.cleanup()


@pytest.fixture
def radiograph(panel):
    """A selected radiograph with everything that is needed."""
    node = radiograph_node()
    panel.logic.setGeometry(node, **LENGTHS)
    panel.logic.addVertebra(node, "L3", box=BOX)
    panel.ui.radiographSelector.setCurrentNode(node)
    return node


def reconstructed(panel):
    """The model, after a click on Reconstruct."""
    panel.ui.reconstructButton.click()
    assert run_until(lambda: not panel.runner.isRunning)
    assert [text for kind, text in messages if kind == "error"] == []
    return panel.state.model


def test_panel_follows_the_parameter_node_and_leads_it(panel):
    state = panel.logic.getParameterNode()
    assert (state.level, state.alignment) == ("L3", "rigid")
    panel.ui.levelSelector.setCurrentText("L5")
    panel.ui.weightsLineEdit.setText("own.safetensors")
    assert (state.level, state.weights) == ("L5", "own.safetensors")
    state.alignment = "similarity"
    assert panel.ui.alignmentSelector.currentText == "similarity"


def test_research_notice_is_always_visible(panel):
    assert "not a medical device" in panel.ui.researchNotice.text
    assert messages == []


def test_buttons_say_what_they_wait_for(panel):
    for button in ("reconstructButton", "placeBoxButton", "placePointButton"):
        widget = getattr(panel.ui, button)
        assert (widget.enabled, widget.toolTip) == (False, "Select a radiograph first.")
    assert panel.ui.compareButton.toolTip == "Select a model and a segment first."
    panel.ui.radiographSelector.setCurrentNode(radiograph_node())
    assert panel.ui.reconstructButton.enabled
    assert panel.ui.placeBoxButton.enabled
    assert panel.ui.placeBoxButton.toolTip.startswith("Draw a box")
    panel.ui.radiographSelector.setCurrentNode(None)
    assert not panel.ui.reconstructButton.enabled


def test_a_selected_radiograph_is_judged_at_once_and_warms_the_process(panel, radiograph):
    assert panel.ui.sizeLabel.text.startswith("80 × 60 px, bone bright")
    assert panel.ui.spacingSpinBox.value == pytest.approx(0.5)
    assert panel.ui.spacingSourceLabel.text == "from: volume header"
    assert panel.ui.sddSpinBox.value == 1000
    assert panel.ui.magnificationSpinBox.value == pytest.approx(1.429)
    assert "SDD: entered" in panel.ui.geometrySourceLabel.text
    assert "1.4 % larger" in panel.ui.sizeEffectLabel.text
    assert panel.worker.started == [(None, "auto")]


def test_what_is_entered_stays_with_its_radiograph(panel, radiograph):
    other = radiograph_node()
    panel.ui.sodSpinBox.setValue(650)
    panel.ui.spacingSpinBox.setValue(0.3)
    panel.ui.radiographSelector.setCurrentNode(other)
    assert panel.ui.sodSpinBox.value == 0
    assert panel.ui.spacingSpinBox.value == pytest.approx(0.5)
    panel.ui.radiographSelector.setCurrentNode(radiograph)
    assert panel.ui.sodSpinBox.value == 650
    assert panel.ui.spacingSpinBox.value == pytest.approx(0.3)
    panel.ui.resetGeometryButton.click()
    assert panel.ui.spacingSpinBox.value == pytest.approx(0.5)
    assert not panel.ui.resetGeometryButton.enabled


def test_magnification_sets_the_distance_and_views_the_angles(panel, radiograph):
    panel.ui.magnificationSpinBox.setValue(1.25)
    assert panel.ui.sodSpinBox.value == pytest.approx(800)
    panel.ui.viewSelector.setCurrentIndex(3)
    assert panel.ui.yawSpinBox.value == 90
    panel.ui.pitchSpinBox.setValue(7)
    assert panel.ui.viewSelector.currentText == "custom"


def test_dark_bone_is_turned_on_request(panel, radiograph, predictor):
    panel.ui.boneSelector.setCurrentText("dark")
    assert "bone dark (entered)" in panel.ui.sizeLabel.text
    reconstructed(panel)
    pixels, _geometry = predictor.asked[-1]
    assert pixels[7, 0] > pixels[7, 79]  # the ramp is brighter to the right


def test_a_stack_asks_for_its_slice(panel, radiograph, predictor):
    assert not panel.ui.sliceSpinBox.isVisibleTo(panel.parent)
    stack = radiograph_node(slices=3)
    panel.logic.setGeometry(stack, **LENGTHS)
    panel.ui.radiographSelector.setCurrentNode(stack)
    assert panel.ui.sliceSpinBox.isVisibleTo(panel.parent)
    assert panel.ui.sliceSpinBox.maximum == 2


def test_placed_vertebrae_are_listed_and_removed(panel, radiograph):
    table = panel.ui.vertebraTable
    panel.logic.addVertebra(radiograph, "L1", point=(40, 30))
    assert run_until(lambda: table.rowCount == 2)
    cells = [[table.item(row, column).text() for column in range(3)] for row in range(2)]
    assert cells == [["L1", "point", "40, 30"], ["L3", "box", "34, 30"]]
    assert not panel.ui.removeVertebraButton.enabled
    table.setCurrentCell(0, 0)
    panel.ui.removeVertebraButton.click()
    assert table.rowCount == 1


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


def test_what_the_user_can_mend_is_shown_as_one_line(panel):
    node = radiograph_node(spacing=(1.0, 1.0, 1.0))
    panel.logic.setGeometry(node, **LENGTHS)
    panel.ui.radiographSelector.setCurrentNode(node)
    assert "1 mm" in panel.ui.spacingSourceLabel.text
    panel.ui.reconstructButton.click()
    assert messages == [
        ("error", "pixel_spacing_mm: expected the detector's, got Slicer's 1 mm for an unknown spacing")
    ]
    assert panel.ui.reconstructButton.text == "Reconstruct"


def test_our_own_failure_is_shown_logged_and_leaves_the_panel_usable(panel, radiograph, predictor, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(predictor, "reconstruct", lambda *_: 1 / 0)
        panel.ui.reconstructButton.click()
        assert run_until(lambda: messages)
    assert messages.pop() == ("error", "failed: division by zero")
    assert panel.ui.logText.toPlainText() == "ZeroDivisionError('division by zero')"
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


def test_compare_waits_for_a_segment_and_says_the_figures_with_the_control(panel):
    segmentation, segment = box_segmentation()
    panel.ui.modelSelector.setCurrentNode(box_model())
    panel.ui.segmentationSelector.setCurrentNode(segmentation)
    selector = panel.ui.segmentSelector
    assert [selector.itemText(i) for i in range(selector.count)] == ["box", "empty"]
    assert panel.state.segmentId == segment
    compared(panel)
    text = panel.ui.resultLabel.text
    assert "Dice" in text
    assert "control" in text
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
    from ReVertSlicer import packages

    monkeypatch.setattr(packages, "missing", lambda: ("torch",))
    monkeypatch.setattr(packages, "install", lambda: False)
    nodes = slicer.mrmlScene.GetNumberOfNodes()
    panel.ui.reconstructButton.click()
    assert not panel.runner.isRunning
    assert slicer.mrmlScene.GetNumberOfNodes() == nodes
    monkeypatch.setattr(packages, "install", lambda: True)
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
    assert messages == [("error", "radiograph: expected to stay in the scene, got deleted while it was worked on")]
    assert slicer.util.getNodesByClass("vtkMRMLModelNode") == []


def test_leaving_and_entering_the_module(panel, radiograph):
    panel.exit()
    panel.ui.levelSelector.setCurrentText("L1")
    assert panel.logic.getParameterNode().level == "L3"
    panel.enter()
    assert panel.ui.levelSelector.currentText == "L3"


def test_cleanup_stops_the_process(panel):
    panel.cleanup()
    assert panel.worker.stopped >= 1
