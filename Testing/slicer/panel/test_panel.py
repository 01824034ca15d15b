"""The module's panel: state both ways, every selector, what is shown of the scene."""

import numpy as np
import pytest
import slicer
from panel_host import BOX, panel, predictor, radiograph, reconstructed  # noqa: F401
from PySide6.QtTest import QTest
from qt_host import QtCore
from scene_nodes import LENGTHS, box_model, radiograph_node
from slicer_host import messages, run_until

from ReVertLib.network.devices import DEVICES
from ReVertLib.registration import icp


def test_panel_follows_the_parameter_node_and_leads_it(panel):
    state = panel.logic.getParameterNode()
    assert (state.level, state.alignment) == ("L3", "rigid")
    panel.ui.levelSelector.setCurrentText("L5")
    panel.ui.weightsLineEdit.setText("own.safetensors")
    assert (state.level, state.weights) == ("L5", "own.safetensors")
    state.alignment = "similarity"
    assert panel.ui.alignmentSelector.currentText == "similarity"


def test_choices_are_those_of_the_library(panel):
    """Repeated in the module because the library's files bring torch and scipy."""
    from ReVertSlicer.scene import parameters

    assert (parameters.DEVICES, parameters.ALIGNMENTS) == (DEVICES, icp.ALIGNMENTS)


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
    assert panel.ui.sddSpinBox.value == 1000
    assert panel.ui.magnificationSpinBox.value == pytest.approx(1.429)
    assert panel.ui.geometrySourceLabel.text.splitlines() == [
        "Source to detector: entered",
        "Source to object: entered",
        "Detector spacing: volume header",
        "Pixels of 0.5 × 0.25 mm",
    ]
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
    panel.ui.viewSelector.setCurrentText("not known")
    assert panel.ui.yawSpinBox.text == "yaw not known"


def test_a_view_that_is_not_known_is_not_called_ap(panel, radiograph):
    ui = panel.ui
    assert ui.viewSelector.currentText == "not known"
    shown = [spin.text for spin in (ui.yawSpinBox, ui.pitchSpinBox, ui.rollSpinBox)]
    assert shown == ["yaw not known", "pitch not known", "roll not known"]
    assert "the view is not known" in ui.domainLabel.text
    ui.viewSelector.setCurrentText("custom")
    assert ui.viewSelector.currentText == "not known"  # custom is what the angles make it
    ui.viewSelector.setCurrentText("AP")
    assert (ui.viewSelector.currentText, ui.yawSpinBox.text) == ("AP", "0.0° yaw")
    assert "the view is not known" not in ui.domainLabel.text
    assert panel.check.known["roll_deg"].value == 0


FIELDS = {"sddSpinBox": "sdd_mm", "sodSpinBox": "sod_mm", "yawSpinBox": "yaw_deg", "spacingSpinBox": "pixel_spacing_mm"}


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("sddSpinBox", "1200.5"),
        ("sodSpinBox", "651.5"),
        ("yawSpinBox", "1.5"),
        ("spacingSpinBox", "1.5"),
        ("magnificationSpinBox", "1.5"),
    ],
)
def test_typing_is_not_lost_to_a_refresh(panel, radiograph, name, typed):
    """Frames, markups that are moved and results all refresh the panel while the user types."""
    panel.logic.setGeometry(radiograph, sod_mm=2000 / 3, pixel_spacing_mm=1 / 3)
    panel.refresh()
    spin = getattr(panel.ui, name)
    before = spin.value
    spin.selectAll()
    for key in typed:
        QTest.keyClicks(spin, key)
        panel.refresh()
    assert typed in spin.text
    assert spin.value == before
    QTest.keyClick(spin, QtCore.Qt.Key_Return)
    assert spin.value == pytest.approx(float(typed))
    if name in FIELDS:
        assert np.all(np.equal(panel.check.known[FIELDS[name]].value, float(typed)))


def test_what_is_typed_is_not_entered_for_another_radiograph(panel, radiograph):
    other = radiograph_node()
    panel.logic.setGeometry(other, **LENGTHS)
    panel.ui.sddSpinBox.selectAll()
    QTest.keyClicks(panel.ui.sddSpinBox, "1500")
    panel.state.radiograph = other
    QTest.keyClick(panel.ui.sddSpinBox, QtCore.Qt.Key_Return)
    assert panel.check.known["sdd_mm"].value == 1000


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


def test_leaving_and_entering_the_module(panel, radiograph):
    panel.exit()
    panel.ui.levelSelector.setCurrentText("L1")
    assert panel.logic.getParameterNode().level == "L3"
    panel.enter()
    assert panel.ui.levelSelector.currentText == "L3"


def test_only_surfaces_can_be_selected(panel, radiograph):
    """The user's own too; neither plane nor beam nor outline."""
    own = box_model()
    own.SetName("own")
    model = reconstructed(panel)
    selector = panel.ui.modelSelector
    assert len(slicer.util.getNodesByClass("vtkMRMLModelNode")) == 6
    assert [selector.itemText(i) for i in range(selector.count)] == ["None", "own", model.GetName()]
    assert selector.currentNode() is model


def test_placements_from_before_the_module_was_opened_are_followed(panel, radiograph):
    (placed,) = panel.logic.vertebrae(radiograph)
    panel.cleanup()
    panel.setup()
    assert run_until(lambda: panel.ui.vertebraTable.rowCount == 1)
    node = slicer.mrmlScene.GetNodeByID(placed.nodeId)
    node.SetCenter(-10, -9, 0)
    assert run_until(lambda: panel.ui.vertebraTable.item(0, 2).text() != "34, 30")
    slicer.mrmlScene.RemoveNode(node)
    assert run_until(lambda: panel.ui.vertebraTable.rowCount == 0)
    assert panel.Observations
    assert all(observed is not node for observed, *_ in panel.Observations)


@pytest.mark.parametrize("slices", [1, 2])
def test_the_slice_of_a_stack_is_not_asked_of_a_shorter_one(panel, slices):
    panel.ui.radiographSelector.setCurrentNode(radiograph_node(slices=3))
    panel.ui.sliceSpinBox.setValue(2)
    panel.ui.radiographSelector.setCurrentNode(radiograph_node(slices=slices))
    assert panel.state.sliceIndex == 0
    assert panel.check.problems == ()


def test_a_choice_of_another_version_becomes_the_usual_one(panel):
    node = panel.state.parameterNode
    panel.exit()
    node.SetParameter("device", "xpu")
    node.SetParameter("level", "L4")
    node.SetParameter("something", "else")
    panel.enter()
    assert (panel.state.device, panel.state.level) == ("auto", "L4")
    assert panel.ui.deviceSelector.currentText == "auto"


def test_without_a_main_window(panel, radiograph, monkeypatch):
    monkeypatch.setattr(type(slicer.app), "layoutManager", lambda _: None)
    panel.ui.levelSelector.setCurrentText("L4")
    panel.ui.placeBoxButton.click()
    panel.ui.sampleButton.click()
    panel.ui.radiographSelector.setCurrentNode(radiograph)
    reconstructed(panel)
    assert [kind for kind, _ in messages if kind == "views"] == []


def test_the_geometry_is_one_line_that_opens_when_something_is_missing(panel, radiograph):
    section = panel.ui.geometrySection
    assert (section.text, section.collapsed) == ("Geometry: View is not known", False)
    panel.ui.viewSelector.setCurrentText("AP")
    assert (section.text, section.collapsed) == ("Geometry: SDD 1000, SOD 700 mm, AP", False)  # until the next step
    panel.ui.placePointButton.click()
    assert section.collapsed
    section.collapsed = False  # by a click
    panel.refresh()
    assert not section.collapsed
    panel.ui.resetGeometryButton.click()
    assert (section.text, section.collapsed) == ("Geometry: 3 values are not known", False)
    assert panel.ui.geometryAskedLabel.text.splitlines() == [
        "Source to detector is not known",
        "Source to object is not known",
        "View is not known",
    ]
    panel.ui.sampleButton.click()
    assert (section.text, section.collapsed) == ("Geometry: SDD 1020, SOD 600 mm, AP (sample)", True)
    assert not panel.ui.geometryAskedLabel.isVisibleTo(panel.parent)
    panel.ui.radiographSelector.setCurrentNode(None)
    assert (section.text, section.collapsed) == ("Geometry: no radiograph", True)


def test_the_line_of_the_geometry_is_not_wider_than_the_panel(panel):
    panel.ui.sampleButton.click()
    for index in reversed(range(panel.ui.viewSelector.count - 2)):
        panel.ui.viewSelector.setCurrentIndex(index)
        panel.logic.setGeometry(panel.state.radiograph, sdd_mm=1020, sod_mm=600, pixel_spacing_mm=0.98)
        panel.refresh()
        assert panel.ui.geometrySection.text.endswith("(entered)")
        assert panel.ui.geometrySection.minimumSizeHint().width() <= 400


def test_the_result_is_folded_until_there_is_one(panel, radiograph):
    section = panel.ui.resultSection
    assert section.collapsed
    reconstructed(panel)
    assert not section.collapsed
    panel.ui.undoButton.click()
    assert not section.collapsed  # so that it can be done again
