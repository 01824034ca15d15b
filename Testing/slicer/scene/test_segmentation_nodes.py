"""Surfaces as a segmentation, on Slicer's real nodes: segments, their terms, undo, editing, and scenes opened again."""

import pytest
import slicer
import vtk
from scene_host import reopened
from scene_nodes import ABOUT, AP, comparison_of, fresh, outcome, radiograph_node, shift, vertices

CODES = {"L1": "66794005", "L2": "14293000", "L3": "36470004", "L4": "11994002", "L5": "49668003", None: "51282000"}
"""SNOMED CT, from DICOM PS3.16, CID 7603; any vertebra from Slicer's DICOM master list."""


@pytest.fixture
def parts():
    return fresh("scene.segmentation_nodes", "scene.reconstruction_nodes", "scene.hierarchy", "scene.undo")


def models(result, *levels, radiograph=None):
    outcomes = [outcome(level, (0.0, 0.0, 700.0 + 20 * index)) for index, level in enumerate(levels)]
    return result.showReconstructions(radiograph or radiograph_node(), outcomes, AP, ABOUT)


def bounds(segment):
    return segment.GetRepresentation("Closed surface").GetBounds()


def segments(node):
    segmentation = node.GetSegmentation()
    return [segmentation.GetSegment(key) for key in segmentation.GetSegmentIDs()]


def terms(segment):
    text, entry = vtk.reference(""), slicer.vtkSlicerTerminologyEntry()
    assert segment.GetTag(segment.GetTerminologyEntryTagName(), text)
    assert slicer.vtkSlicerTerminologiesModuleLogic.DeserializeTerminologyEntry(str(text), entry)
    return entry


def test_a_segment_for_each_level_where_its_model_lies(parts):
    logic, result, _hierarchy, _undo = parts
    first, second = models(result, "L3", "L4")
    shift(second, (0, 0, 30))
    node = logic.toSegmentation(first)
    assert [segment.GetName() for segment in segments(node)] == ["L3", "L4"]
    assert node.GetSegmentation().GetSourceRepresentationName() == "Closed surface"
    assert bounds(segments(node)[0]) == pytest.approx((-4, 4, -704, -696, -4, 4))
    assert bounds(segments(node)[1]) == pytest.approx((-4, 4, -724, -716, 26, 34))
    assert segments(node)[0].GetColor() == pytest.approx((0.95, 0.84, 0.57))
    tree = slicer.mrmlScene.GetSubjectHierarchyNode()
    parents = {tree.GetItemParent(tree.GetItemByDataNode(one)) for one in (first, second, node)}
    assert len(parents) == 1
    assert not any("DOE" in text for text in (node.GetName(), *(segment.GetName() for segment in segments(node))))


@pytest.mark.parametrize("level", CODES)
def test_terms_are_those_of_dicom_and_slicer_reads_them(parts, level):
    logic, result, _hierarchy, _undo = parts
    (segment,) = segments(logic.toSegmentation(models(result, level)[0]))
    entry = terms(segment)
    assert entry.GetTerminologyContextName() == "Segmentation category and type - DICOM master list"
    category, kind = entry.GetCategoryObject(), entry.GetTypeObject()
    assert (category.GetCodingSchemeDesignator(), category.GetCodeValue()) == ("SCT", "123037004")
    assert (kind.GetCodingSchemeDesignator(), kind.GetCodeValue()) == ("SCT", CODES[level])
    assert kind.GetCodeMeaning() == (f"{level} vertebra" if level else "Vertebra")


def test_a_second_click_updates_also_what_has_been_edited_as_voxels(parts):
    logic, result, _hierarchy, _undo = parts
    radiograph = radiograph_node()
    (model,) = models(result, "L3", radiograph=radiograph)
    node = logic.toSegmentation(model)
    segments(node)[0].SetColor(1, 0, 0)
    vtk.vtkObject.GlobalWarningDisplayOff()  # Slicer says which voxels it chooses
    node.CreateBinaryLabelmapRepresentation()
    vtk.vtkObject.GlobalWarningDisplayOn()
    node.SetSourceRepresentationToBinaryLabelmap()
    models(result, "L3", "L4", radiograph=radiograph)
    shift(model, (0, 0, 30))
    assert logic.toSegmentation(model) is node
    assert len(slicer.util.getNodesByClass("vtkMRMLSegmentationNode")) == 1
    by_name = {segment.GetName(): segment for segment in segments(node)}
    assert sorted(by_name) == ["L3", "L4"]
    assert bounds(by_name["L3"])[4:] == pytest.approx((26, 34))
    assert by_name["L3"].GetColor() == (1, 0, 0)


def test_undo_and_redo(parts):
    logic, result, hierarchy, undo = parts
    radiograph = radiograph_node()
    (model,) = models(result, "L3", radiograph=radiograph)
    logic.toSegmentation(model)
    undo.undo()
    assert hierarchy.part(radiograph, "segmentation") is None
    undo.redo()
    node = hierarchy.part(radiograph, "segmentation")
    assert bounds(segments(node)[0])[4:] == pytest.approx((-4, 4))
    shift(model, (0, 0, 30))
    logic.toSegmentation(model)
    undo.undo()
    assert bounds(segments(node)[0])[4:] == pytest.approx((-4, 4))
    assert vertices(model).shape == (8, 3)


def test_slices_of_a_stack_have_their_own_segments(parts):
    logic, result, _hierarchy, _undo = parts
    radiograph = radiograph_node(slices=3)
    for index in (0, 2):
        model = result.showReconstructions(radiograph, [outcome()], AP, ABOUT, result.Taken(index))[0]
    names = [segment.GetName() for segment in segments(logic.toSegmentation(model))]
    assert names == ["L3, slice 0", "L3, slice 2"]


def test_a_scene_opened_again_updates_the_same_one(parts, tmp_path):
    logic, result, hierarchy, _undo = parts
    radiograph = radiograph_node()
    logic.toSegmentation(models(result, "L3", radiograph=radiograph)[0])
    reopened(tmp_path)
    (node,) = slicer.util.getNodesByClass("vtkMRMLSegmentationNode")
    assert terms(segments(node)[0]).GetTypeObject().GetCodeValue() == CODES["L3"]
    radiograph = node.GetNodeReference("ReVert.Radiograph")
    assert logic.toSegmentation(hierarchy.part(radiograph, "surface")) is node
    assert [segment.GetName() for segment in segments(node)] == ["L3"]


def test_without_its_radiograph_a_model_is_refused(parts):
    from ReVertLib.errors import InputError

    logic, result, _hierarchy, _undo = parts
    radiograph = radiograph_node()
    (model,) = models(result, "L3", radiograph=radiograph)
    slicer.mrmlScene.RemoveNode(radiograph)
    with pytest.raises(InputError, match="model: expected one whose radiograph is in the scene"):
        logic.toSegmentation(model)


def test_an_aligned_model_is_taken_as_it_lies(parts):
    from scene_nodes import box_segmentation

    from ReVertSlicer.scene import comparison_nodes

    logic, result, _hierarchy, _undo = parts
    (model,) = models(result, "L3")
    comparison_nodes.showComparison(model, *box_segmentation(), comparison_of(model, motion_mm=(0, 700, 0)))
    (segment,) = segments(logic.toSegmentation(model))
    assert bounds(segment) == pytest.approx((-4, 4, -4, 4, -4, 4))
