"""The panel's check boxes on what is shown in 3D beside a comparison."""

import numpy as np
import pytest
import slicer
from panel_host import panel, predictor, radiograph, reconstructed  # noqa: F401
from scene_nodes import box_segmentation, comparison_of


def compared(panel, motion_mm=(0.0, 700.0, 0.0)):
    from ReVertSlicer.scene import comparison_nodes

    model = panel.state.model
    found = comparison_of(model, motion_mm=motion_mm)
    comparison_nodes.showComparison(model, *box_segmentation(), found)
    panel.refresh()


def shift_mm(radiograph):
    from ReVertSlicer.scene import hierarchy

    plane, here, there = hierarchy.part(radiograph, "plane"), [0.0] * 6, [0.0] * 6
    plane.GetBounds(here)
    plane.GetRASBounds(there)
    return there[2] - here[2]


def test_the_beam_follows_through_comparing_reconstructing_and_undo(panel, radiograph):
    reconstructed(panel)
    compared(panel)
    box = panel.ui.beamFollowsCheckBox
    assert shift_mm(radiograph) == pytest.approx(0)
    box.setChecked(True)
    assert shift_mm(radiograph) == pytest.approx(700)
    compared(panel, (0.0, 100.0, 0.0))
    assert shift_mm(radiograph) == pytest.approx(100)
    panel.ui.undoButton.click()
    assert shift_mm(radiograph) == pytest.approx(700)
    reconstructed(panel)
    assert shift_mm(radiograph) == pytest.approx(0)
    compared(panel)
    assert shift_mm(radiograph) == pytest.approx(700)
    panel.ui.removeAlignmentButton.click()
    assert shift_mm(radiograph) == pytest.approx(0)
    compared(panel)
    box.setChecked(False)
    assert shift_mm(radiograph) == pytest.approx(0)


def test_the_ct_is_shown_and_hidden(panel, monkeypatch):
    box = panel.ui.showCtCheckBox
    assert (box.enabled, box.toolTip) == (False, "Select a segmentation first.")
    segmentation, _segment = box_segmentation()
    panel.ui.segmentationSelector.setCurrentNode(segmentation)
    assert box.enabled and not box.checked
    slicer.util.addVolumeFromArray(np.zeros((40, 50, 60), np.int16), name="CT")
    panel.refresh()
    box.setChecked(True)
    (display,) = slicer.util.getNodesByClass("vtkMRMLVolumeRenderingDisplayNode")
    assert display.GetVisibility()
    display.SetVisibility(False)  # in Slicer's own module
    panel.refresh()
    assert not box.checked
    monkeypatch.delattr(slicer.modules, "volumerendering")
    panel.refresh()
    assert (box.enabled, box.toolTip) == (False, "Slicer's Volume Rendering module is not there.")
