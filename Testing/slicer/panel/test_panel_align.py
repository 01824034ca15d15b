"""The panel's part on aligning a CT, with an invented answer of the library."""

import pytest
import slicer
from ct_host import answer, ct_node, segmentation_node, vertebra
from film_host import clicked
from panel_host import panel, predictor, radiograph  # noqa: F401
from slicer_host import messages, run_until

from ReVertLib.ct_registration.records import REFUSED


@pytest.fixture
def asked(monkeypatch):
    """What the library was asked to align; it answers with L3, accepted, and L4, refused."""
    asked = []

    def registered(_predictor, given, films, _progress):
        asked.append((given, films))
        return answer()

    monkeypatch.setattr("ReVertLib.service.service.registered_ct", registered)
    return asked


@pytest.fixture
def aligned(panel, radiograph, asked):
    """The panel after a click on the button."""
    ct = ct_node()
    panel.ui.segmentationSelector.setCurrentNode(segmentation_node())
    assert panel.state.ct is ct  # what overlaps the segmentation is suggested
    clicked(panel, "alignCtButton")
    return panel


def kinds():
    from ReVertSlicer.scene import hierarchy

    return {node.GetAttribute("ReVert.Kind") for node in hierarchy.allParts()}


def test_the_button_says_what_is_missing(panel, asked):
    from scene_nodes import LENGTHS, radiograph_node

    button = panel.ui.alignCtButton
    assert (button.enabled, button.toolTip) == (False, "Select a radiograph first.")
    node = radiograph_node()
    panel.logic.setGeometry(node, **LENGTHS)
    panel.ui.radiographSelector.setCurrentNode(node)
    assert button.toolTip == "Select the CT first."
    ct = ct_node()
    assert run_until(lambda: panel.ui.ctSelector.findText(ct.GetName()) >= 0)
    assert panel.ui.ctSelector.findText(node.GetName()) < 0  # a single slice is no CT
    panel.ui.ctSelector.setCurrentNode(ct)
    assert button.toolTip == "Select the segmentation of the CT's vertebrae first."
    panel.ui.ctLabelsSelector.setCurrentNode(segmentation_node())
    assert button.enabled
    panel.ui.secondSelector.setCurrentNode(node)
    button.click()
    assert messages == [("error", "second radiograph: expected another one, got the same")]
    assert asked == []


def test_from_a_click_to_comparing_in_place(aligned, asked):
    panel = aligned
    ((given, films),) = asked
    assert given.scheme == "verse"
    assert list(films[0].boxes) == ["L3"]
    text = panel.ui.ctResultLabel.text
    assert "±0.3 mm across, ±4 mm along the beam" in text.split("L4")[0]
    assert "L4 was judged" in text
    assert "±" not in text.split("<b>L4")[1]
    assert panel.ui.ctNotesLabel.text == "L5 is elsewhere"
    levels = panel.ui.ctLevelSelector
    assert [levels.itemText(index) for index in range(levels.count)] == ["L3"]
    panel.logic.setGeometry(panel.state.radiograph, sdd_mm=1100.0)
    assert run_until(lambda: panel.ui.ctNotesLabel.text.startswith("Out of date: changed since it was made: Source to"))
    panel.logic.setGeometry(panel.state.radiograph, sdd_mm=1000.0)
    clicked(panel, "reconstructButton")
    assert panel.ui.ctNotesLabel.text == "L5 is elsewhere"
    panel.ui.acceptCtButton.click()
    assert panel.state.alignment == "none"
    assert not panel.ui.acceptCtButton.enabled
    from ReVertSlicer.work import jobs

    state = panel.state
    job = jobs.comparisonJob(state.model, state.segmentation, state.segmentId, state.alignment)
    assert "where the CT was aligned to the radiograph" in job.note
    corner = job.mask.to_mm @ [0, 0, 0, 1]
    assert corner[1] == pytest.approx(-700, abs=10)  # before the source, not at the CT's own place
    panel.ui.removeCtButton.click()
    assert jobs.comparisonJob(state.model, state.segmentation, state.segmentId, "none").note == ""
    assert not panel.ui.removeCtButton.enabled


def test_what_is_shown_of_the_ct_follows_undo(aligned):
    panel = aligned
    ct, film = panel.state.ct, panel.state.radiograph
    panel.ui.ctInBeamCheckBox.setChecked(True)
    assert ct.GetParentTransformNode() is not None
    panel.ui.overFilmSelector.setCurrentIndex(1)
    assert "ctOverFilm" in kinds()
    assert panel.ui.fadeSlider.enabled
    panel.ui.undoButton.click()
    assert run_until(lambda: not panel.ui.ctInBeamCheckBox.checked)
    assert ct.GetParentTransformNode() is None
    assert kinds() == set()
    assert panel.ui.overFilmSelector.currentIndex == 0
    assert panel.state.radiograph is film


def test_of_what_is_refused_nothing_is_offered(panel, radiograph, asked, monkeypatch):
    refused = answer(vertebra("L3", REFUSED))
    monkeypatch.setattr("ReVertLib.service.service.registered_ct", lambda *_given: refused)
    ct_node()
    panel.ui.segmentationSelector.setCurrentNode(segmentation_node())
    assert panel.ui.ctInBeamCheckBox.toolTip == "Align the CT first."
    clicked(panel, "alignCtButton")
    for widget in (panel.ui.acceptCtButton, panel.ui.ctInBeamCheckBox, panel.ui.overFilmSelector):
        assert (widget.enabled, widget.toolTip) == (False, "Every vertebra was refused.")
    assert panel.ui.removeCtButton.enabled


def test_the_whole_ct_is_projected_when_it_is_asked_for(aligned, monkeypatch):
    import numpy as np

    panel, asked = aligned, []

    def projected(given, pose, geometry, size_px):
        asked.append((pose, geometry.sdd_mm, size_px))
        return np.ones(size_px[::-1], np.float32)

    monkeypatch.setattr("ReVertLib.service.service.ct_drr", projected)
    panel.ui.overFilmSelector.setCurrentIndex(1)
    panel.ui.wholeCtCheckBox.setChecked(True)
    assert run_until(lambda: not panel.runner.isRunning)
    ((_pose, sdd_mm, size_px),) = asked
    assert (sdd_mm, size_px) == (1000.0, (80, 60))
    assert "ctWholeDrr" in kinds()
    panel.ui.wholeCtCheckBox.setChecked(False)
    panel.ui.wholeCtCheckBox.setChecked(True)
    assert len(asked) == 1
    assert [text for kind, text in messages if kind == "error"] == []


def test_cancelling_changes_nothing(panel, radiograph, asked):
    ct_node()
    panel.ui.segmentationSelector.setCurrentNode(segmentation_node())
    panel.worker.delay_ms = 10_000
    panel.ui.alignCtButton.click()
    assert panel.ui.alignCtButton.text == "Cancel"
    panel.ui.alignCtButton.click()
    assert panel.ui.alignCtButton.text == "Align CT to the radiograph"
    assert kinds() == set()


def test_a_ct_that_is_deleted_meanwhile_is_told(panel, radiograph, asked):
    ct = ct_node()
    panel.ui.segmentationSelector.setCurrentNode(segmentation_node())
    panel.ui.alignCtButton.click()
    slicer.mrmlScene.RemoveNode(ct)
    assert run_until(lambda: not panel.runner.isRunning)
    assert [text.split(",")[0] for kind, text in messages if kind == "error"] == [
        "The CT was deleted while it was being worked on"
    ]
    assert kinds() == set()


def test_nodes_that_the_user_deletes_are_not_missed(aligned):
    from ReVertSlicer.scene import hierarchy

    panel = aligned
    panel.ui.ctInBeamCheckBox.setChecked(True)
    panel.ui.overFilmSelector.setCurrentIndex(1)
    for kind in ("ctReport", "ctDrr"):
        for node in hierarchy.allParts(kind):
            slicer.mrmlScene.RemoveNode(node)
    slicer.mrmlScene.RemoveNode(panel.state.ct)
    panel.refresh()
    assert panel.ui.ctNotesLabel.text == ""
    assert "ctOverFilm" not in kinds()
    assert panel.ui.ctInBeamCheckBox.checked  # the segmentation is still there
    panel.ui.wholeCtCheckBox.setChecked(True)
    assert messages[-1][1].startswith("CT: expected the one that was aligned in the scene")
    assert not panel.ui.wholeCtCheckBox.checked
    panel.ui.removeCtButton.click()
    assert kinds() == {"plane", "beam"}


def test_the_same_without_the_panel(panel, radiograph, asked, tmp_path):
    logic = panel.logic
    poses = logic.alignCt(radiograph, ct_node(), segmentation_node())
    assert [pose.GetAttribute("ReVert.Level") for pose in poses] == ["L3", "L4"]
    assert logic.acceptCt(radiograph) == ["L3"]
    logic.exportCt(radiograph, tmp_path)
    assert (tmp_path / "ct_alignment_L3.tfm").is_file()
    logic.removeCt(radiograph)
    assert kinds() == {"plane", "beam"}
