"""A comparison in the scene: figures, colours, alignment and plot, updated rather than piled up."""

import math
from dataclasses import replace

import numpy as np
import pytest
import scene_host
import slicer
from scene_nodes import ABOUT, AP, box_model, box_segmentation, comparison_of, fresh, outcome, radiograph_node, vertices
from vtk.util.numpy_support import vtk_to_numpy

from ReVertLib.errors import InputError
from ReVertLib.mesh.mesh import Mesh


@pytest.fixture
def parts():
    return fresh("scene.reconstruction_nodes", "scene.comparison_nodes", "scene.hierarchy", "scene.distance_plot")


@pytest.fixture
def model(parts):
    return parts[0].showReconstructions(radiograph_node(), [outcome()], AP, ABOUT)[0]


def figures(table_node):
    """{metric: (reconstruction, baseline)}."""
    table = table_node.GetTable()
    names = [table.GetColumnName(index) for index in range(table.GetNumberOfColumns())]
    assert names == ["metric", "reconstruction", "baseline"]
    rows = ([table.GetValue(row, column) for column in range(3)] for row in range(table.GetNumberOfRows()))
    return {name.ToString(): (mine.ToDouble(), baseline.ToDouble()) for name, mine, baseline in rows}


def test_the_table_has_the_figures_beside_the_baselines(parts, model):
    comparison = parts[1]
    table = comparison.showComparison(model, *box_segmentation(), comparison_of(model))
    found = figures(table)
    assert math.isnan(found["turned_deg"][1]) and math.isnan(found["moved_mm"][1])
    assert {name: found[name] for name in found if name not in ("turned_deg", "moved_mm")} == {
        "dice": (0.9, 0.87),
        "hd95_mm": (2.0, 3.3),
        "assd_mm": (0.7, 1.1),
        "nsd_2mm": (0.95, 0.86),
        "chamfer_mm2": (1.5, 3.0),
        "volume_mm3": (24000, 22000),
        "target_volume_mm3": (23000, 23000),
    }


def test_the_table_says_what_was_compared_how(parts, model):
    comparison = parts[1]
    table = comparison.showComparison(model, *box_segmentation(), comparison_of(model))
    attributes = {name: table.GetAttribute(f"ReVert.{name}") for name in ("Alignment", "Level", "Segment")}
    assert attributes == {"Alignment": "rigid", "Level": "L3", "Segment": "box"}
    assert table.GetAttribute("ReVert.WeightsSha256") == "0" * 64
    assert table.GetAttribute("ReVert.Time").endswith("+00:00")
    assert "mean vertebra of 87 people, no radiograph used" in table.GetAttribute("ReVert.Baseline")
    assert table.GetColumnDescription("baseline") == table.GetAttribute("ReVert.Baseline")
    assert table.GetNodeReference("ReVert.Surface") is model


def test_the_attribute_of_an_earlier_version_is_replaced(parts, model):
    shown = (model, *box_segmentation(), comparison_of(model))
    parts[1].showComparison(*shown).SetAttribute("ReVert.Control", "control: of an earlier version")
    assert parts[1].showComparison(*shown).GetAttribute("ReVert.Control") is None


def about_x(degrees):
    """The rotation (3, 3) by so many degrees."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])


def test_the_table_says_how_far_the_alignment_turned_and_moved_the_surface(parts):
    model = box_model()
    centre = np.array([20.0, 15.0, 10.0])
    turn = about_x(12.0)
    found = comparison_of(model, rotation=turn, motion_mm=centre - turn @ centre + [0, 3, 4])
    table = parts[1].showComparison(model, *box_segmentation(), found)
    assert figures(table)["turned_deg"][0] == pytest.approx(12)
    assert figures(table)["moved_mm"][0] == pytest.approx(5)
    assert not table.GetAttribute("ReVert.Warnings")


def test_a_large_turn_doubts_the_view(parts):
    model = box_model()
    table = parts[1].showComparison(model, *box_segmentation(), comparison_of(model, rotation=about_x(178)))
    warning = table.GetAttribute("ReVert.Warnings")
    assert warning == "The alignment turned the surface by 178°: is the view right, and left and right?"
    table = parts[1].showComparison(model, *box_segmentation(), comparison_of(model))
    assert not table.GetAttribute("ReVert.Warnings")


def test_surfaces_far_apart_without_alignment_are_said_to_be(parts):
    model = box_model()
    found = comparison_of(model, "none", distances_mm=np.linspace(640, 690, 8))
    found = replace(found, metrics=replace(found.metrics, dice=0.0), warnings=("apart, in the library's words",))
    table = parts[1].showComparison(model, *box_segmentation(), found)
    assert table.GetAttribute("ReVert.Warnings") == (
        "The surface is 640 mm or more from the segment: two frames? Choose another alignment than none."
    )


def test_what_the_library_doubts_is_kept_with_the_table(parts):
    model = box_model()
    found = replace(comparison_of(model), warnings=("Dice 0.100 does not go with HD95 0.50 mm",))
    table = parts[1].showComparison(model, *box_segmentation(), found)
    assert table.GetAttribute("ReVert.Warnings") == "Dice 0.100 does not go with HD95 0.50 mm"


def test_without_a_baseline_its_column_is_nan(parts, model):
    table = parts[1].showComparison(model, *box_segmentation(), comparison_of(model, baseline=None))
    assert all(math.isnan(baseline) for _mine, baseline in figures(table).values())
    assert table.GetAttribute("ReVert.Baseline") == "no baseline"


def test_the_model_is_coloured_by_the_distances_and_keeps_its_surface(parts, model):
    places, normals = vertices(model), model.GetPolyData().GetPointData().GetNormals()
    parts[1].showComparison(model, *box_segmentation(), comparison_of(model, distances_mm=np.arange(8)))
    data = model.GetPolyData().GetPointData()
    assert vtk_to_numpy(data.GetArray("signed_distance_mm")).tolist() == list(range(8))
    assert data.GetNormals() is normals
    assert vertices(model) == pytest.approx(places)
    assert model.GetDisplayNode().GetActiveScalarName() == "signed_distance_mm"
    assert model.GetDisplayNode().GetScalarVisibility()


def test_comparing_again_updates_everything(parts, model):
    _result, comparison, hierarchy, _plot = parts
    node, segment = box_segmentation()
    first = comparison.showComparison(model, node, segment, comparison_of(model))
    count = slicer.mrmlScene.GetNumberOfNodes()
    better = comparison_of(model, "translation", distances_mm=np.full(8, 0.5))
    better = replace(better, metrics=replace(better.metrics, dice=0.99))
    second = comparison.showComparison(model, node, segment, better)
    assert second is first
    assert slicer.mrmlScene.GetNumberOfNodes() == count
    assert figures(second)["dice"][0] == 0.99
    assert second.GetAttribute("ReVert.Alignment") == "translation"
    assert slicer.util.arrayFromTableColumn(hierarchy.part(model, "distances"), "share_percent").sum() == pytest.approx(
        100
    )


def test_mode_none_shows_the_figures_and_leaves_the_model_in_place(parts, model):
    comparison = parts[1]
    node, segment = box_segmentation()
    comparison.showComparison(model, node, segment, comparison_of(model, motion_mm=(5, 0, 0)))
    assert comparison.alignmentOf(model) is not None
    comparison.showComparison(model, node, segment, comparison_of(model, "none"))
    assert comparison.alignmentOf(model) is None
    assert model.GetParentTransformNode() is None


def test_a_surface_that_is_another_by_now_is_refused(parts, model):
    found = comparison_of(model, distances_mm=np.zeros(9))
    node, segment = box_segmentation()
    count = slicer.mrmlScene.GetNumberOfNodes()
    with pytest.raises(InputError, match="model: expected the surface that was compared, got one made since"):
        parts[1].showComparison(model, node, segment, found)
    assert slicer.mrmlScene.GetNumberOfNodes() == count


def test_a_segment_deleted_meanwhile_does_not_matter(parts, model):
    node, segment = box_segmentation()
    node.GetSegmentation().RemoveSegment(segment)
    table = parts[1].showComparison(model, node, segment, comparison_of(model))
    assert table.GetAttribute("ReVert.Segment") in ("", None)


def test_any_model_can_be_compared(parts):
    model = box_model()
    table = parts[1].showComparison(model, *box_segmentation(), comparison_of(model))
    assert figures(table)["dice"] == (0.9, 0.87)
    assert model.GetDisplayNode().GetScalarVisibility()


def test_the_distribution_is_weighted_by_area(parts):
    plot = parts[3]
    centres, shares = plot.distribution(np.array([-0.3, 0.0, 0.1, 0.62]), np.array([1.0, 2.0, 1.0, 4.0]))
    assert centres == pytest.approx(np.arange(-1.0, 1.01, 0.25))
    assert dict(zip(centres, shares, strict=True)) == {
        **dict.fromkeys(centres, 0),
        -0.25: pytest.approx(12.5),
        0.0: pytest.approx(37.5),
        0.5: pytest.approx(50.0),
    }
    assert plot.distribution(np.zeros(3), np.ones(3))[1].tolist() == [0, 100, 0]


def test_a_vertex_has_a_third_of_the_area_around_it(parts):
    """A square of 36 mm2, cut along a diagonal."""
    square = Mesh([[0, 0, 0], [6, 0, 0], [6, 6, 0], [0, 6, 0]], [[0, 1, 2], [0, 2, 3]])
    assert parts[3]._vertexAreas(square) == pytest.approx([12, 6, 12, 6])


def test_the_plot_has_titles_units_and_the_distances(parts, model):
    _result, comparison, hierarchy, _plot = parts
    comparison.showComparison(model, *box_segmentation(), comparison_of(model))
    chart = hierarchy.part(model, "chart")
    assert chart.GetTitle() == "L3: distance of the surface to the CT"
    assert "mm" in chart.GetXAxisTitle() and "%" in chart.GetYAxisTitle()
    series = chart.GetNthPlotSeriesNode(0)
    assert chart.GetNumberOfPlotSeriesNodes() == 1
    assert series.GetTableNode() is hierarchy.part(model, "distances")
    assert (series.GetXColumnName(), series.GetYColumnName()) == ("distance_mm", "share_percent")


def test_all_is_there_after_saving_and_loading(parts, model, tmp_path):
    result, comparison, hierarchy, _plot = parts
    table = comparison.showComparison(model, *box_segmentation(), comparison_of(model, motion_mm=(5, 0, 0)))
    before, attributes = figures(table), {name: table.GetAttribute(name) for name in table.GetAttributeNames()}
    scene_host.reopened(tmp_path)
    (radiograph,) = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
    model = result.modelOf(radiograph, "L3")
    again = hierarchy.part(model, "comparison")
    assert figures(again) == {name: pytest.approx(values, nan_ok=True) for name, values in before.items()}
    assert {name: again.GetAttribute(name) for name in again.GetAttributeNames()} == attributes
    assert slicer.util.arrayFromTransformMatrix(comparison.alignmentOf(model))[0, 3] == pytest.approx(5)
    assert vtk_to_numpy(model.GetPolyData().GetPointData().GetArray("signed_distance_mm")) == pytest.approx(
        np.linspace(-1, 1, 8)
    )
    chart = hierarchy.part(model, "chart")
    assert chart.GetNthPlotSeriesNode(0).GetTableNode() is hierarchy.part(model, "distances")
    count = slicer.mrmlScene.GetNumberOfNodes()
    (node,) = slicer.util.getNodesByClass("vtkMRMLSegmentationNode")
    assert comparison.showComparison(model, node, "box", comparison_of(model)) is again
    assert slicer.mrmlScene.GetNumberOfNodes() == count
