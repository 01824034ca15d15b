"""The panel's buttons for what becomes of a result."""

import slicer
from panel_host import panel, predictor, radiograph, reconstructed  # noqa: F401
from slicer_host import run_until


def offered(selector):
    return [selector.itemText(index) for index in range(selector.count)]


def test_to_segmentation_is_not_offered_to_be_compared_with(panel, radiograph):
    button = panel.ui.toSegmentationButton
    assert not button.enabled
    assert button.toolTip == "Select a reconstructed model first."
    reconstructed(panel)
    assert button.enabled
    button.click()
    button.click()
    (node,) = slicer.util.getNodesByClass("vtkMRMLSegmentationNode")
    assert node.GetSegmentation().GetNumberOfSegments() == 1
    assert run_until(lambda: node.GetName() not in offered(panel.ui.segmentationSelector))
    assert panel.ui.compareSection.collapsed
    panel.ui.undoButton.click()
    panel.ui.undoButton.click()
    assert slicer.util.getNodesByClass("vtkMRMLSegmentationNode") == []
    assert panel.state.model is not None


def test_the_report_is_written_where_the_user_says(panel, radiograph, tmp_path, monkeypatch):
    import qt

    monkeypatch.setattr(qt.QFileDialog, "getSaveFileName", lambda *_args: (str(tmp_path / "a.html"), ""))
    assert not panel.ui.exportReportButton.enabled
    reconstructed(panel)
    panel.ui.exportReportButton.click()
    assert "<h3>L3" in (tmp_path / "a.html").read_text(encoding="utf-8")
    assert panel.ui.stageLabel.text == "The report was written."


def test_surfaces_that_mean_nothing_are_not_measured(panel, radiograph):
    box = panel.ui.measurementsCheckBox
    assert (box.enabled, box.checked, box.toolTip) == (False, False, "Select a reconstructed model first.")
    reconstructed(panel)
    assert (box.enabled, box.checked) == (False, False)
    assert box.toolTip == "Nothing was measured of this surface; reconstruct again."
