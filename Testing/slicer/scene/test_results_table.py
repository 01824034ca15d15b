"""All results of a scene in one table, and which model goes with which segment."""

from dataclasses import replace

import pytest
import scene_host
import slicer
from scene_nodes import ABOUT, AP, box_model, comparison_of, fresh, outcome, radiograph_node


@pytest.fixture
def parts():
    return fresh("scene.reconstruction_nodes", "scene.results_table")


def show(result, radiograph, *levels):
    return result.showReconstructions(radiograph, [outcome(level) for level in levels], AP, ABOUT)


def column(name):
    """The table's values of one column, as text."""
    node = slicer.util.getFirstNodeByName("ReVert results")
    table = node.GetTable()
    return [table.GetValueByName(row, name).ToString() for row in range(table.GetNumberOfRows())]


def film(value):
    """A radiograph with other pixels than those of another value."""
    node = radiograph_node(name=f"film {value}")
    slicer.util.arrayFromVolume(node)[0, 0, 0] = value
    return node


def test_a_row_for_each_radiograph_level_and_alignment(parts):
    result, batch = parts
    assert batch.resultsTable() is None
    first, second = show(result, film(1), "L2", "L3")
    (third,) = show(result, film(2), "L3")
    for model, mode in ((first, "rigid"), (second, "rigid"), (second, "none"), (third, "rigid")):
        table = batch.appendResult(model, comparison_of(model, mode))
    assert batch.resultsTable() is table
    assert column("radiograph") == ["film 1", "film 1", "film 1", "film 2"]
    assert column("level") == ["L2", "L3", "L3", "L3"]
    assert column("alignment") == ["rigid", "rigid", "none", "rigid"]
    assert column("case")[0] == column("case")[1] != column("case")[3]
    assert set(column("weights_sha256")) == {"0" * 64}
    assert all(date.endswith("+00:00") for date in column("date"))
    assert [float(dice) for dice in column("dice")] == [0.9] * 4
    assert [float(dice) for dice in column("baseline_dice")] == [0.87] * 4
    assert set(column("baseline_alignment")) == {"rigid"}


def test_the_same_case_again_replaces_its_row(parts):
    result, batch = parts
    (model,) = show(result, film(1), "L3")
    batch.appendResult(model, comparison_of(model))
    found = comparison_of(model)
    batch.appendResult(model, replace(found, metrics=replace(found.metrics, dice=0.99)))
    assert [float(dice) for dice in column("dice")] == [0.99]


def test_the_same_image_is_the_same_case_in_another_node(parts):
    result, batch = parts
    for radiograph in (film(1), film(1)):
        (model,) = show(result, radiograph, "L3")
        batch.appendResult(model, comparison_of(model))
    assert len(column("case")) == 1


def test_a_missing_baseline_and_a_foreign_model_have_their_rows(parts):
    _result, batch = parts
    model = box_model()
    model.SetName("mine")
    batch.appendResult(model, comparison_of(model, baseline=None))
    assert column("radiograph") == ["mine"]
    assert column("case") == [model.GetID()]
    assert column("baseline_dice") == ["nan"]


def test_results_go_on_after_saving_and_loading(parts, tmp_path):
    result, batch = parts
    (model,) = show(result, film(1), "L3")
    batch.appendResult(model, comparison_of(model))
    case = column("case")
    scene_host.reopened(tmp_path)
    (radiograph,) = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
    model = result.modelOf(radiograph, "L3")
    batch.appendResult(model, comparison_of(model))
    batch.appendResult(model, comparison_of(model, "none"))
    assert column("case") == case * 2
    assert column("alignment") == ["rigid", "none"]


def test_a_table_of_an_earlier_version_goes_on_under_the_new_names(parts):
    result, batch = parts
    (model,) = show(result, film(1), "L3")
    table = batch.appendResult(model, comparison_of(model)).GetTable()
    for index in range(table.GetNumberOfColumns()):
        old = table.GetColumn(index)
        old.SetName(old.GetName().replace("baseline_", "control_"))
    table.RemoveColumnByName("moved_mm")
    batch.appendResult(model, comparison_of(model, "none", motion_mm=(0, 3, 4)))
    assert column("moved_mm") == ["nan", "5"]
    assert [float(dice) for dice in column("baseline_dice")] == [0.87] * 2
    assert column("baseline_alignment") == ["rigid"] * 2
    assert not any(table.GetColumnName(index).startswith("control") for index in range(table.GetNumberOfColumns()))


def test_every_level_is_paired_with_the_segment_of_its_name(parts):
    result, batch = parts
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    for name in ("vertebra_L2", "22", "L5 disc"):
        node.GetSegmentation().AddEmptySegment(name, name)
    ap = show(result, film(1), "L2", "L3", "L4")
    (lateral,) = show(result, film(2), "L3")
    box_model()  # not one of ours
    assert batch.pairs(node) == [(ap[0], "vertebra_L2"), (ap[1], "22"), (lateral, "22")]
