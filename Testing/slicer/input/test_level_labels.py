"""The level at a box's corner, on the real scene: it goes where the box goes, and is nobody else's."""

import pytest
import slicer
from scene_host import reopened
from scene_nodes import fresh, radiograph_node, shift

BOX = (10.0, 20.0, 30.0, 50.0)


@pytest.fixture
def placement():
    return fresh("input.placement")


def labels():
    """(text, position, whether it is seen) of each label in the scene."""
    nodes = [n for n in slicer.util.getNodesByClass("vtkMRMLMarkupsFiducialNode") if n.GetNodeReferenceID("ReVert.Box")]
    return [
        (n.GetNthControlPointLabel(0), tuple(n.GetNthControlPointPositionWorld(0)), bool(n.GetDisplayVisibility()))
        for n in nodes
    ]


def lies_at(*position):
    return pytest.approx(position, abs=1e-6)


def test_the_level_stands_at_the_corner_that_slice_views_show_at_the_upper_left(placement):
    """Pixels of 0.5 x 0.25 mm that count to the right and anterior: the box ends after pixels 29 and 49."""
    box = placement.addBox(radiograph_node(), "L3", BOX)
    assert labels() == [("L3", lies_at(14.75, 12.375, 0), True)]
    assert not box.GetDisplayNode().GetPropertiesLabelVisibility()


def test_a_film_in_a_coronal_plane_has_it_at_the_right_and_superior(placement):
    node = radiograph_node()
    node.SetIJKToRASDirections(-1, 0, 0, 0, 0, 1, 0, -1, 0)  # columns to the left, rows downwards
    placement.addBox(node, "L3", BOX)
    assert labels() == [("L3", lies_at(-4.75, 0, -4.875), True)]


def test_it_follows_the_box(placement):
    node = radiograph_node()
    box = placement.addBox(node, "L3", BOX)
    box.SetCenterWorld(19.75, 8.625, 0)
    assert labels() == [("L3", lies_at(24.75, 12.375, 0), True)]
    box.SetSize(20, 7.5, 1)
    assert labels() == [("L3", lies_at(29.75, 12.375, 0), True)]
    shift(box, [1, 0, 0])
    assert labels() == [("L3", lies_at(30.75, 12.375, 0), True)]
    placement.setLevel(placement.placements(node)[0], "L4")
    assert [text for text, *_ in labels()] == ["L4"]
    box.SetDisplayVisibility(False)
    assert [seen for *_, seen in labels()] == [False]


def test_it_goes_with_the_box(placement):
    node = radiograph_node()
    placement.addBox(node, "L3", BOX)
    slicer.mrmlScene.RemoveNode(placement.addBox(node, "L4", BOX))  # in Slicer's own lists
    assert [text for text, *_ in labels()] == ["L3"]
    placement.remove(placement.placements(node)[0])
    assert slicer.util.getNodesByClass("vtkMRMLMarkupsNode") == []


def test_a_box_that_is_being_drawn_shows_none(placement):
    box = placement.nodeToPlace(radiograph_node(), "L2", placement.BOX)
    assert [seen for *_, seen in labels()] == [False]
    box.AddControlPointWorld(20, 10, 0)
    box.SetSize(4, 4, 1)
    assert labels() == [("L2", lies_at(22, 12, 0), True)]


def test_it_cannot_be_moved_and_is_in_no_list(placement):
    placement.addBox(radiograph_node(), "L3", BOX)
    (label,) = slicer.util.getNodesByClass("vtkMRMLMarkupsFiducialNode")
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    assert (label.GetLocked(), label.GetHideFromEditors()) == (1, 1)
    assert hierarchy.GetItemByDataNode(label) == 0
    assert (label.GetDisplayNode().GetVisibility2D(), label.GetDisplayNode().GetVisibility3D()) == (1, 0)


def test_the_next_click_places_what_it_would_have_placed(placement):
    selection = slicer.mrmlScene.AddNode(slicer.vtkMRMLSelectionNode())
    box = placement.addBox(radiograph_node(), "L3", BOX)
    assert selection.GetActivePlaceNodeID() == box.GetID()
    assert selection.GetActivePlaceNodeClassName() == "vtkMRMLMarkupsROINode"


def test_a_scene_that_was_saved_has_one_for_each_box_again(placement, tmp_path):
    placement.addBox(radiograph_node(), "L3", BOX)
    reopened(tmp_path)
    assert labels() == []
    own = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode")
    for _twice in range(2):
        placement.showOpened()
    assert labels() == [("L3", lies_at(14.75, 12.375, 0), True)]
    assert own.GetNumberOfControlPoints() == 0
    (box,) = slicer.util.getNodesByClass("vtkMRMLMarkupsROINode")
    box.SetCenterWorld(19.75, 8.625, 0)
    assert labels() == [("L3", lies_at(24.75, 12.375, 0), True)]


def test_closing_the_scene_leaves_nothing(placement):
    placement.addBox(radiograph_node(), "L3", BOX)
    slicer.mrmlScene.Clear(0)
    assert slicer.util.getNodesByClass("vtkMRMLMarkupsNode") == []
    placement.addBox(radiograph_node(), "L5", BOX)
    assert [text for text, *_ in labels()] == ["L5"]
