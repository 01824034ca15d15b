"""What the panel says of its results: the verdict of every level, the worst of them, and what is out of date."""

from dataclasses import replace

import pytest
import slicer
from few_points import few_points  # noqa: F401
from panel_host import panel, predictor, radiograph, reconstructed  # noqa: F401
from qt_host import QtGui
from scene_nodes import box_model, box_segmentation, comparison_of, radiograph_node, shift
from slicer_host import run_until


def result_cells(panel):
    table = panel.ui.vertebraTable
    return [(table.item(row, 0).text(), table.item(row, 3).text()) for row in range(table.rowCount)]


def badge(panel):
    """The badge's text, None while it is hidden."""
    label = panel.ui.verdictLabel
    return label.text if label.isVisibleTo(panel.parent) else None


def test_every_level_has_its_verdict_in_the_table_and_the_worst_is_beside_the_button(panel, radiograph):
    panel.logic.addVertebra(radiograph, "L4", point=(40, 30))
    assert run_until(lambda: panel.ui.vertebraTable.rowCount == 2)
    assert result_cells(panel) == [("L3", ""), ("L4", "")]
    assert badge(panel) is None
    model = reconstructed(panel)
    assert result_cells(panel) == [("L3", "check"), ("L4", "check")]
    assert badge(panel) == "L3 check"
    model.SetAttribute("ReVert.Verdict", "do not use: nothing fits")
    panel.refresh()
    assert result_cells(panel) == [("L3", "check"), ("L4", "do not use")]
    assert badge(panel) == "L4 do not use"
    assert panel.ui.verdictLabel.toolTip == "do not use: nothing fits"


def test_a_changed_length_box_or_image_marks_the_result(panel, radiograph):
    reconstructed(panel)
    panel.ui.sodSpinBox.setValue(650)
    assert result_cells(panel) == [("L3", "out of date")]
    assert badge(panel) == "L3 out of date"
    assert panel.ui.resultNote.text.startswith("Out of date: changed since it was made: Source to object.")
    reconstructed(panel)
    assert badge(panel) == "L3 check"
    (placed,) = panel.placed
    node = slicer.mrmlScene.GetNodeByID(placed.nodeId)
    x, y, z = node.GetCenter()
    node.SetCenter(x + 1, y, z)
    assert run_until(lambda: badge(panel) == "L3 out of date")
    reconstructed(panel)
    assert badge(panel) == "L3 check"
    slicer.util.updateVolumeFromArray(radiograph, slicer.util.arrayFromVolume(radiograph)[..., ::-1].copy())
    assert run_until(lambda: badge(panel) == "L3 out of date")
    assert "Image" in panel.ui.verdictLabel.toolTip


def test_bone_and_weights_mark_the_result(panel, radiograph):
    reconstructed(panel)
    panel.ui.boneSelector.setCurrentText("dark")
    assert badge(panel) == "L3 out of date"
    assert "changed since it was made: Bone." in panel.ui.resultNote.text
    panel.ui.boneSelector.setCurrentText("as found")
    assert badge(panel) == "L3 check"
    panel.worker.about = replace(panel.worker.about, weights_sha256="1" * 64)
    panel.refresh()
    assert "changed since it was made: Weights." in panel.ui.resultNote.text


def test_other_weights_are_loaded_when_they_are_chosen(panel, radiograph, tmp_path):
    before = list(panel.worker.started)
    path = tmp_path / "own.safetensors"
    panel.ui.weightsLineEdit.setText(str(path))
    assert panel.worker.started == before  # there is no such file
    path.touch()
    panel.ui.weightsLineEdit.setText("")
    panel.ui.weightsLineEdit.setText(str(path))
    assert panel.worker.started == [*before, (str(path), "auto")]


def test_a_level_that_is_placed_no_more_marks_the_result(panel, radiograph):
    model = reconstructed(panel)
    panel.ui.vertebraTable.item(0, 0).setText("L4")
    assert panel.results[model.GetID()].changed == ("Place",)


@pytest.mark.filterwarnings("ignore:mesh and target are")
def test_surfaces_far_apart_without_alignment_are_said_to_be(panel):
    model = box_model()
    segmentation, _segment = box_segmentation()
    shift(model, (0, 600, 0))
    panel.ui.modelSelector.setCurrentNode(model)
    panel.ui.segmentationSelector.setCurrentNode(segmentation)
    panel.ui.alignmentSelector.setCurrentText("none")
    panel.ui.compareButton.click()
    assert run_until(lambda: not panel.runner.isRunning)
    text = panel.ui.resultLabel.text
    assert "from the segment: two frames? Choose another alignment than none." in text
    assert "Turned by the alignment" in text
    assert "nan" not in text
    panel.ui.modelSelector.setCurrentNode(None)
    assert panel.ui.resultLabel.text == ""


def test_a_comparison_is_out_of_date_when_the_surface_was_made_again(panel, radiograph):
    from ReVertSlicer.scene import comparison_nodes

    model = reconstructed(panel)
    comparison_nodes.showComparison(model, *box_segmentation(), comparison_of(model))
    panel.refresh()
    assert "Dice" in panel.ui.resultLabel.text
    reconstructed(panel)
    assert panel.ui.resultLabel.text == "Out of date: the surface was reconstructed again since. Compare again."


def test_the_comparison_is_folded_until_there_is_a_segmentation(panel):
    section = panel.ui.compareSection
    assert section.collapsed
    segmentation, _segment = box_segmentation()
    assert run_until(lambda: not section.collapsed)
    section.collapsed = True  # by the user
    panel.refresh()
    assert section.collapsed
    slicer.mrmlScene.RemoveNode(segmentation)
    panel.refresh()
    box_segmentation()
    assert run_until(lambda: not section.collapsed)


def test_what_has_nothing_to_show_is_hidden(panel, radiograph):
    def shown():
        names = ("progressBar", "stageLabel", "verdictLabel", "vertebraTable")
        return [name for name in names if getattr(panel.ui, name).isVisibleTo(panel.parent)]

    assert run_until(lambda: shown() == ["vertebraTable"])
    panel.worker.delay_ms = 200
    panel.ui.reconstructButton.click()
    assert shown() == ["progressBar", "stageLabel", "vertebraTable"]
    assert run_until(lambda: not panel.runner.isRunning)
    assert shown() == ["stageLabel", "verdictLabel", "vertebraTable"]
    assert "reconstructed in" in panel.ui.stageLabel.text
    panel.ui.radiographSelector.setCurrentNode(None)
    assert shown() == ["stageLabel"]


def test_the_steps_come_in_order_and_reconstruct_needs_no_scrolling(panel, radiograph):
    panel.parent.resize(450, 900)
    panel.parent.show()
    assert run_until(lambda: panel.ui.reconstructButton.height > 0)
    tops = [
        section.mapTo(panel.parent, section.rect.topLeft()).y()
        for section in (panel.ui.radiographSection, panel.ui.vertebraSection, panel.ui.reconstructSection)
    ]
    assert tops == sorted(tops)
    button = panel.ui.reconstructButton
    assert button.mapTo(panel.parent, button.rect.bottomLeft()).y() < 900
    assert panel.parent.minimumSizeHint().width() <= 450
    panel.parent.hide()


def luminance(colour):
    """Relative luminance of WCAG 2."""
    parts = (value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in colour.getRgbF()[:3])
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), parts, strict=True))


def contrast(text, background):
    high, low = sorted((luminance(QtGui.QColor(text)), luminance(QtGui.QColor(background))), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(("text", "background"), [("#000000", "#efefef"), ("#ffffff", "#353535")])
@pytest.mark.parametrize("problem", [True, False])
def test_warnings_and_badges_are_legible_on_light_and_dark(panel, text, background, problem):
    from ReVertSlicer.panel.section_reconstruct import BADGES

    palette = QtGui.QPalette()
    palette.setColor(QtGui.QPalette.WindowText, QtGui.QColor(text))
    palette.setColor(QtGui.QPalette.Window, QtGui.QColor(background))
    panel.parent.setPalette(palette)
    node = radiograph_node()
    if not problem:
        slicer.util.arrayFromVolume(node)[:] //= 40  # few grey values are a warning
    else:
        slicer.util.arrayFromVolume(node)[:] = 7  # one grey value is a problem
    panel.ui.radiographSelector.setCurrentNode(node)
    assert bool(panel.check.problems) is problem
    colour = panel.ui.domainLabel.styleSheet.removeprefix("color: ")
    assert colour.startswith("#")
    assert contrast(colour, background) >= 4.5
    assert min(contrast("white", badge) for badge in BADGES.values()) >= 4.5
