"""Segments as masks, and the segment a level means."""

import time

import numpy as np
import pytest
import slicer
import vtk
from scene_nodes import BOX_SIZE_MM, box_model, box_segmentation, fresh, shift
from vtk.util.numpy_support import vtk_to_numpy

from ReVertLib.errors import InputError


@pytest.fixture
def segments():
    return fresh("scene.segments")


def centroid_mm(mask):
    kji = np.argwhere(mask.array).mean(0)
    return (mask.to_mm @ [*kji[::-1], 1])[:3]


def volume_mm3(mask):
    return mask.array.sum() * abs(np.linalg.det(mask.to_mm[:3, :3]))


def test_a_segment_is_cut_out_where_it_lies(segments):
    node, segment = box_segmentation()
    mask = segments.segmentMask(node, segment)
    assert mask.array.dtype == bool
    assert mask.array.shape == tuple(BOX_SIZE_MM[::-1] + 4)  # two empty voxels to each side
    assert volume_mm3(mask) == 24000
    assert centroid_mm(mask) == pytest.approx(BOX_SIZE_MM / 2)


def test_transforms_count(segments):
    node, segment = box_segmentation()
    shift(node, [10, 20, 30])
    assert centroid_mm(segments.segmentMask(node, segment)) == pytest.approx(BOX_SIZE_MM / 2 + [10, 20, 30])


def labelled(shape, boxes, spacing=(1.0, 1.0, 1.0)):
    """A segmentation from one label map (k, j, i) with boxes {value: slices}, as a CT's segmentation is imported."""
    array = np.zeros(shape, np.uint8)
    for value, where in boxes.items():
        array[where] = value
    volume = slicer.util.addVolumeFromArray(array, nodeClassName="vtkMRMLLabelMapVolumeNode")
    volume.SetSpacing(spacing)
    volume.SetOrigin(-5, 6, 7)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    slicer.modules.segmentations.logic().ImportLabelmapToSegmentationNode(volume, node)
    slicer.mrmlScene.RemoveNode(volume)
    return node


def test_segments_that_share_a_label_map_are_told_apart(segments):
    node = labelled((12, 10, 8), {3: np.s_[2:4, 1:5, 2:3], 7: np.s_[6:11, 2:9, 4:8]}, (0.5, 1.0, 2.0))
    first, second = node.GetSegmentation().GetSegmentIDs()
    assert volume_mm3(segments.segmentMask(node, first)) == 2 * 4 * 1
    mask = segments.segmentMask(node, second)
    assert volume_mm3(mask) == 5 * 7 * 4
    assert centroid_mm(mask) == pytest.approx([-5 + 0.5 * 5.5, 6 + 5, 7 + 2 * 8])


def surface_only():
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    node.SetSourceRepresentationToClosedSurface()
    node.AddSegmentFromClosedSurfaceRepresentation(box_model().GetPolyData(), "box", [1, 0, 0], "box")
    return node


def test_a_closed_surface_alone_will_do_and_nothing_is_added_to_it(segments):
    node = surface_only()
    mask = segments.segmentMask(node, "box")
    assert volume_mm3(mask) == pytest.approx(24000, rel=0.1)  # voxels of 0.5 mm, the border of the box among them
    assert centroid_mm(mask) == pytest.approx(BOX_SIZE_MM / 2, abs=0.26)
    assert not node.GetSegmentation().ContainsRepresentation("Binary labelmap")
    shift(node, [10, 0, 0])
    assert centroid_mm(segments.segmentMask(node, "box"))[0] == pytest.approx(30, abs=0.26)


@pytest.mark.parametrize(
    ("segment", "text"),
    [
        ("nothing", "segment: expected one of this segmentation, got an unknown id; select one"),
        ("", "segment: expected one of this segmentation, got an unknown id; select one"),
        ("empty", "segment: expected a filled one, got an empty segment"),
    ],
)
def test_what_is_no_segment_is_refused(segments, segment, text):
    with pytest.raises(InputError, match=text):
        segments.segmentMask(box_segmentation()[0], segment)


def test_an_empty_segment_beside_others_in_one_label_map_is_refused(segments):
    node = labelled((12, 10, 8), {3: np.s_[2:4, 1:5, 2:3], 7: np.s_[6:11, 2:9, 4:8]})
    first, _second = node.GetSegmentation().GetSegmentIDs()
    image = node.GetSegmentation().GetSegment(first).GetRepresentation("Binary labelmap")
    array = vtk_to_numpy(image.GetPointData().GetScalars())
    array[array == node.GetSegmentation().GetSegment(first).GetLabelValue()] = 0
    with pytest.raises(InputError, match="expected a filled one"):
        segments.segmentMask(node, first)


def test_a_segment_of_neither_kind_is_refused(segments):
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    node.GetSegmentation().SetSourceRepresentationName("Planar contour")
    segment = slicer.vtkSegment()
    segment.AddRepresentation("Planar contour", vtk.vtkPolyData())
    node.GetSegmentation().AddSegment(segment, "contour")
    with pytest.raises(InputError, match="expected a labelmap or a closed surface, got neither"):
        segments.segmentMask(node, "contour")


def test_a_whole_ct_of_25_segments_takes_a_moment(segments):
    """Half as fine along each axis as a CT is, and an eighth of the time it may take."""
    boxes = {value: np.s_[6 * value - 5 : 6 * value, 50:90, 100:150] for value in range(1, 25)}
    boxes[25] = np.s_[:, :2, :2]  # so that nothing is cut off: the label map stays as large as the CT
    boxes[24] = np.s_[140:145, 250:256, 250:256]
    node = labelled((150, 256, 256), boxes)
    ids = node.GetSegmentation().GetSegmentIDs()
    started = time.thread_time()
    mask = segments.segmentMask(node, ids[10])
    seconds = time.thread_time() - started
    assert volume_mm3(mask) == 5 * 40 * 50
    assert seconds < 0.5 / 8  # about a tenth of it on an idle machine


def named(*names):
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    for index, name in enumerate(names):
        node.GetSegmentation().AddEmptySegment(str(index), name)
    return node


NAMES_OF_L3 = (
    "L3, l3, vertebra_L3, vertebrae L3, vertebrae_l3, Vertebra-L3, L3 vertebra, 22, label_22, Label 22, Segment_22,"
    " lumbar 3, Lumbar vertebra 3, L3 (22), VertebraL3, 22 L3"
)


@pytest.mark.parametrize("name", NAMES_OF_L3.split(", "))
def test_a_segment_is_suggested_by_its_name(segments, name):
    node = named("L2", "21", name, "vertebrae_L4", "23", "sacrum", "T12")
    assert segments.suggestedSegment(node, "L3") == "2"


@pytest.mark.parametrize(
    "name", ["L3/L4 disc", "L3-L4", "disc L3", "L33", "122", "220", "L2", "", "rib 3", "T3", "kidney 22 left", "S3"]
)
def test_another_structure_is_not(segments, name):
    assert segments.suggestedSegment(named(name), "L3") == ""


def test_of_two_none_is_suggested(segments):
    assert segments.suggestedSegment(named("L3", "vertebra_L3"), "L3") == ""


@pytest.mark.parametrize("level", [None, "", "T12", "L6"])
def test_no_lumbar_level_no_suggestion(segments, level):
    assert segments.suggestedSegment(named("L3", "T12", "19"), level) == ""


def numbered(names, heights, size=(24, 24, 14)):
    """A segmentation of blocks of 40 x 40 x 26 mm, one for each name, the lower ends at these heights in mm."""
    length = max(heights) + 40
    values = range(1, len(names) + 1)
    boxes = {
        value: np.s_[low // 2 : low // 2 + 13, 4 : 4 + size[1], 4 : 4 + size[0]]
        for value, low in zip(values, heights, strict=True)
    }
    node = labelled((length // 2, 32, 32), boxes, (2.0, 2.0, 2.0))
    segmentation = node.GetSegmentation()
    for key, name in zip(segmentation.GetSegmentIDs(), names, strict=True):
        segmentation.GetSegment(key).SetName(name)
    return node, segmentation.GetSegmentIDs()


@pytest.mark.parametrize(
    ("first", "step", "l3"), [(20, 1, 22), (31, -1, 29), (22, -1, 20)], ids=["VerSe", "TotalSegmentator 2", "1"]
)
@pytest.mark.parametrize("form", ["{}", "Segment_{}", "label {}", "TotalSegmentator_{}"])
def test_numbers_are_told_from_where_the_segments_lie(segments, first, step, l3, form):
    """L1 to L5 from head to feet, by the numbers of three schemes."""
    node, ids = numbered([form.format(first + step * i) for i in range(5)], [150, 115, 80, 45, 10])
    assert segments.suggestedSegment(node, "L3") == ids[2]
    assert segments.suggestedSegment(node, "L5") == ids[4]
    assert node.GetSegmentation().GetSegment(ids[2]).GetName() == form.format(l3)


def test_a_segmentation_upside_down_by_its_transform_is_read_upside_down(segments):
    node, ids = numbered([str(20 + i) for i in range(5)], [10, 45, 80, 115, 150])
    turn = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    turn.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(np.diag([1.0, -1.0, -1.0, 1.0])))
    assert segments.suggestedSegment(node, "L1") == ids[2]  # numbers that grow towards the head are TotalSegmentator's
    node.SetAndObserveTransformNodeID(turn.GetID())
    assert segments.suggestedSegment(node, "L1") == ids[0]
