"""Undo and redo on Slicer's real scene: of first runs, of repeated ones, of comparisons."""

import sys

import numpy as np
import psutil
import pytest
import slicer
from scene_nodes import ABOUT, AP, box_segmentation, comparison_of, fresh, outcome, radiograph_node, shift, vertices


@pytest.fixture
def parts():
    return fresh(
        "scene.reconstruction_nodes", "scene.comparison_nodes", "scene.hierarchy", "scene.results_table", "scene.undo"
    )


def show(result, radiograph, *outcomes):
    return result.showReconstructions(radiograph, outcomes or [outcome()], AP, ABOUT)[0]


def kinds(hierarchy):
    return sorted(node.GetAttribute("ReVert.Kind") for node in hierarchy.allParts())


def undo():
    sys.modules["ReVertSlicer.scene.undo"].undo()


def redo():
    sys.modules["ReVertSlicer.scene.undo"].redo()


def scene_nodes():
    return slicer.mrmlScene.GetNumberOfNodes()


def parent(node):
    tree = slicer.mrmlScene.GetSubjectHierarchyNode()
    return tree.GetItemParent(tree.GetItemByDataNode(node))


def test_undo_of_the_first_run_removes_all_that_was_made(parts):
    result, _comparison, hierarchy, _batch, _undo = parts
    radiograph = radiograph_node()
    nodes, items = scene_nodes(), slicer.mrmlScene.GetSubjectHierarchyNode().GetNumberOfItems()
    show(result, radiograph)
    undo()
    assert kinds(hierarchy) == []
    assert result.modelOf(radiograph, "L3") is None
    assert scene_nodes() == nodes
    assert slicer.mrmlScene.GetSubjectHierarchyNode().GetNumberOfItems() == items
    assert slicer.mrmlScene.IsNodePresent(radiograph)


def test_redo_brings_it_back_with_display_references_and_folder(parts):
    result, _comparison, hierarchy, _batch, _undo = parts
    radiograph = radiograph_node()
    model = show(result, radiograph, outcome(expected_error_mm=1.0))
    result.colourBy(model, "expected_error_mm")
    before, there = kinds(hierarchy), vertices(model)
    undo()
    redo()
    model = result.modelOf(radiograph, "L3")
    assert kinds(hierarchy) == before
    assert vertices(model) == pytest.approx(there)
    assert model.GetNodeReference("ReVert.Radiograph") is radiograph
    assert model.GetDisplayNode().GetScalarVisibility()
    assert model.GetDisplayNode().GetColorNode() is not None
    folder = hierarchy.folder(radiograph)
    assert {parent(node) for node in hierarchy.allParts()} == {folder}
    assert show(result, radiograph) is model


def test_undo_of_a_second_run_restores_the_surface_before(parts):
    result, _comparison, hierarchy, _batch, _undo = parts
    radiograph = radiograph_node()
    model = show(result, radiograph)
    silhouette = hierarchy.part(model, "silhouette")
    result.colourBy(model, None)
    model.GetDisplayNode().SetOpacity(0.5)
    first = vertices(model), silhouette.GetPolyData().GetBounds(), model.GetAttribute("ReVert.Geometry")
    show(result, radiograph, outcome(centre_mm=(5, 0, 700), half_mm=6))
    second = vertices(model), silhouette.GetPolyData().GetBounds(), model.GetAttribute("ReVert.Geometry")
    for step, (places, bounds, geometry) in ((undo, first), (redo, second), (undo, first)):
        step()
        assert result.modelOf(radiograph, "L3") is model
        assert vertices(model) == pytest.approx(places)
        assert silhouette.GetPolyData().GetBounds() == pytest.approx(bounds)
        assert model.GetAttribute("ReVert.Geometry") == geometry
        assert model.GetDisplayNode().GetOpacity() == 0.5
    undo()
    assert kinds(hierarchy) == []


def test_the_picture_in_3d_is_restored_too(parts):
    result, _comparison, hierarchy, _batch, _undo = parts
    radiograph = radiograph_node()
    show(result, radiograph)
    slicer.util.updateVolumeFromArray(radiograph, slicer.util.arrayFromVolume(radiograph) + 7)
    show(result, radiograph)
    grey = hierarchy.part(radiograph, "plane").GetPolyData().GetPointData
    assert grey().GetArray("grey").GetRange() == (7, 86)
    undo()
    assert grey().GetArray("grey").GetRange() == (0, 79)


def test_several_vertebrae_are_one_step(parts):
    result, _comparison, _hierarchy, _batch, _undo = parts
    radiograph = radiograph_node()
    show(result, radiograph)
    show(result, radiograph, outcome("L2"), outcome("L3", centre_mm=(5, 0, 700)))
    undo()
    assert result.modelOf(radiograph, "L2") is None
    assert vertices(result.modelOf(radiograph, "L3")).mean(0) == pytest.approx([0, -700, 0], abs=1e-9)


def test_undo_of_a_comparison_removes_alignment_colours_table_and_plot(parts):
    result, comparison, hierarchy, batch, _undo = parts
    radiograph, (segmentation, segment) = radiograph_node(), box_segmentation()
    model = show(result, radiograph)
    shift(model, [1, 2, 3])
    users = model.GetTransformNodeID()
    made = kinds(hierarchy)
    found = comparison_of(model, motion_mm=(5, 0, 0))
    comparison.showComparison(model, segmentation, segment, found)
    batch.appendResult(model, found)
    compared = kinds(hierarchy)
    undo()
    assert kinds(hierarchy) == made
    assert model.GetTransformNodeID() == users
    assert not model.GetDisplayNode().GetScalarVisibility()
    assert not model.GetPolyData().GetPointData().HasArray("signed_distance_mm")
    assert batch.resultsTable() is None
    redo()
    assert kinds(hierarchy) == compared
    assert comparison.alignmentOf(model).GetTransformNodeID() == users
    assert model.GetPolyData().GetPointData().HasArray("signed_distance_mm")
    assert batch.resultsTable().GetTable().GetNumberOfRows() == 1
    assert hierarchy.part(model, "chart").GetNthPlotSeriesNode(0).GetTableNode() is hierarchy.part(model, "distances")


def test_undo_of_a_second_comparison_restores_the_figures_before(parts):
    result, comparison, hierarchy, batch, _undo = parts
    radiograph, (segmentation, segment) = radiograph_node(), box_segmentation()
    model = show(result, radiograph)
    for distance, motion in ((1.0, 5.0), (2.0, 9.0)):
        found = comparison_of(model, motion_mm=(motion, 0, 0), distances_mm=np.full(8, distance))
        comparison.showComparison(model, segmentation, segment, found)
        batch.appendResult(model, found)
    undo()
    array = model.GetPolyData().GetPointData().GetArray("signed_distance_mm")
    assert array.GetRange() == (1, 1)
    assert slicer.util.arrayFromTransformMatrix(comparison.alignmentOf(model))[0, 3] == 5
    middles = slicer.util.arrayFromTableColumn(hierarchy.part(model, "distances"), "distance_mm")
    assert middles.max() == pytest.approx(1.25)


def test_undo_of_a_run_brings_back_the_alignment_it_took_away(parts):
    result, comparison, _hierarchy, _batch, _undo = parts
    radiograph, (segmentation, segment) = radiograph_node(), box_segmentation()
    model = show(result, radiograph)
    comparison.showComparison(model, segmentation, segment, comparison_of(model, motion_mm=(5, 0, 0)))
    show(result, radiograph)
    assert comparison.alignmentOf(model) is None
    assert model.GetTransformNodeID() is None
    undo()
    assert slicer.util.arrayFromTransformMatrix(comparison.alignmentOf(model))[0, 3] == 5


def test_the_users_own_undo_states_are_kept(parts):
    result, _comparison, _hierarchy, _batch, _undo = parts
    slicer.mrmlScene.SetUndoOn()
    theirs = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "theirs")
    theirs.SetUndoEnabled(True)
    slicer.mrmlScene.SaveStateForUndo(theirs)
    slicer.util.updateTransformMatrixFromArray(theirs, np.diag([2.0, 2, 2, 1]))
    show(result, radiograph_node())
    undo()
    assert slicer.util.arrayFromTransformMatrix(theirs)[0, 0] == 2
    undo()
    assert slicer.util.arrayFromTransformMatrix(theirs)[0, 0] == 1


def test_states_do_not_pile_up(parts):
    """Slicer keeps 20 and leaks those it drops, so at 20 a new stack is begun; the last step can always be undone."""
    result, _comparison, _hierarchy, _batch, _undo = parts
    radiograph = radiograph_node()
    levels = []
    for index in range(45):
        model = show(result, radiograph, outcome(centre_mm=(index, 0, 700)))
        levels.append(slicer.mrmlScene.GetNumberOfUndoLevels())
    assert levels == [*range(1, 21), *range(1, 21), *range(1, 6)]
    undo()
    assert vertices(model).mean(0) == pytest.approx([-43, -700, 0], abs=1e-9)


def test_memory_does_not_grow_with_the_runs(parts):
    result, _comparison, _hierarchy, _batch, _undo = parts
    radiograph = slicer.util.addVolumeFromArray(np.zeros((1, 512, 512), np.uint8))
    process, sizes = psutil.Process(), []
    for _ in range(3):
        for _ in range(40):
            show(result, radiograph)
        sizes.append(process.memory_info().rss / 2**20)
    assert sizes[2] - sizes[1] < 15  # a plane of 2.3 MB for each run would be 92


def test_the_scene_is_watched_once(parts):
    result, _comparison, hierarchy, _batch, undo_part = parts
    radiograph = radiograph_node()
    show(result, radiograph)
    show(result, radiograph)
    assert list(undo_part._watched) == [slicer.mrmlScene]
    slicer.mrmlScene.Clear(0)
    show(result, radiograph_node())
    undo()
    assert kinds(hierarchy) == []
