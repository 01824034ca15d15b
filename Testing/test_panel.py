"""The module's panel: state both ways, buttons, messages, closing the scene."""

import pytest
import slicer
import slicer_host
from scene_nodes import OneTetrahedron, box_model, box_segmentation, radiograph_node, vertices


@pytest.fixture
def predictor():
    return OneTetrahedron()


@pytest.fixture
def panel(predictor):
    module = slicer_host.load()
    widget = module.ReVertWidget()
    widget.setup()
    widget.logic = module.ReVertLogic(predictor)
    yield widget
    widget.cleanup()


def test_panel_follows_the_parameter_node_and_leads_it(panel):
    state = panel.logic.getParameterNode()
    assert (state.level, state.sddMm) == ("L3", 0)
    panel.ui.sddSpinBox.setValue(1020)
    panel.ui.levelSelector.setCurrentText("L5")
    assert (state.sddMm, state.level) == (1020, "L5")
    state.sodMm = 650.5
    assert panel.ui.sodSpinBox.value() == 650.5
    assert panel.ui.spacingSpinBox.text() == "as in the file"


def test_reconstruct_button_waits_for_a_radiograph_and_makes_the_model(panel, predictor):
    assert not panel.ui.reconstructButton.isEnabled()
    assert panel.ui.reconstructButton.toolTip() == "Select a radiograph first."
    panel.ui.radiographSelector.setCurrentNode(radiograph_node())
    assert panel.ui.reconstructButton.isEnabled()
    panel.ui.sddSpinBox.setValue(1000)
    panel.ui.sodSpinBox.setValue(700)
    panel.ui.spacingSpinBox.setValue(0.3)
    panel.ui.reconstructButton.click()
    assert predictor.asked[0][1].pixel_spacing_mm == (0.3, 0.3)
    model = panel.ui.modelSelector.currentNode()
    assert vertices(model)[0] == pytest.approx([-1, -700, -2])
    assert panel.logic.getParameterNode().model is model
    panel.ui.reconstructButton.click()
    assert [kind for kind, _ in slicer_host.messages] == ["info", "views", "views"]  # the notice comes once


def test_what_the_user_can_mend_is_shown_as_one_line(panel):
    panel.ui.radiographSelector.setCurrentNode(radiograph_node(spacing=(1.0, 1.0, 1.0)))
    panel.ui.reconstructButton.click()
    kind, text = slicer_host.messages[-1]
    assert (kind, text) == (
        "error",
        "pixel_spacing_mm: expected the detector's, got Slicer's 1 mm for an unknown spacing",
    )
    assert panel.ui.reconstructButton.isEnabled()
    assert panel.ui.progressBar.maximum() == 1


def test_our_own_failure_is_shown_and_leaves_the_panel_usable(panel, predictor, monkeypatch):
    monkeypatch.setattr(predictor, "reconstruct", lambda *_: 1 / 0)
    panel.ui.radiographSelector.setCurrentNode(radiograph_node())
    panel.ui.sddSpinBox.setValue(1000)
    panel.ui.sodSpinBox.setValue(700)
    panel.ui.reconstructButton.click()
    assert slicer_host.messages[-1] == ("error", "Reconstruction failed.\n\ndivision by zero")
    assert panel.ui.progressBar.maximum() == 1


def test_compare_button_waits_for_a_segment_and_says_the_figures(panel):
    assert not panel.ui.compareButton.isEnabled()
    segmentation, segment = box_segmentation()
    panel.ui.modelSelector.setCurrentNode(box_model())
    panel.ui.segmentationSelector.setCurrentNode(segmentation)
    selector = panel.ui.segmentSelector
    assert [selector.itemText(i) for i in range(selector.count())] == ["box", "empty"]
    assert panel.logic.getParameterNode().segmentId == segment
    assert panel.ui.compareButton.isEnabled()
    panel.ui.compareButton.click()
    assert slicer_host.messages == []
    assert panel.ui.resultLabel.text().startswith("dice: 0.9")
    selector.setCurrentIndex(1)
    assert panel.logic.getParameterNode().segmentId == "empty"
    panel.ui.segmentationSelector.setCurrentNode(None)
    assert not panel.ui.compareButton.isEnabled()


def test_closing_the_scene_forgets_the_nodes(panel):
    panel.ui.radiographSelector.setCurrentNode(radiograph_node())
    slicer.mrmlScene.Clear(0)
    assert panel.logic.getParameterNode().radiograph is None
    assert not panel.ui.reconstructButton.isEnabled()
