"""Slicer's placing mode: what it is told, and what is left when it ends."""

import pytest
import slicer
from scene_nodes import fresh, radiograph_node


@pytest.fixture
def parts():
    """placement and placing."""
    return fresh("input.placement", "input.placing")


def centre(placed):
    u0, v0, u1, v1 = placed.boxPx
    return (u0 + u1 - 1) / 2, (v0 + v1 - 1) / 2


@pytest.fixture
def views(parts):
    """(selection node, interaction node), as Slicer's application has them."""
    selection, interaction = (
        slicer.mrmlScene.AddNode(node) for node in (slicer.vtkMRMLSelectionNode(), slicer.vtkMRMLInteractionNode())
    )
    return selection, interaction


def test_placing_a_point_by_a_click(parts, views):
    (placement, placing), node, (selection, interaction) = parts, radiograph_node(), views
    assert placing.startPlacing(node, "L4", "point")
    assert interaction.GetCurrentInteractionMode() == interaction.Place
    assert interaction.GetPlaceModePersistence() == 0
    assert selection.GetActivePlaceNodeClassName() == "vtkMRMLMarkupsFiducialNode"
    points = slicer.mrmlScene.GetNodeByID(selection.GetActivePlaceNodeID())
    assert placement.placements(node) == []
    points.AddControlPointWorld(20, 10, 0)  # what the click does
    (placed,) = placement.placements(node)
    assert (placed.level, centre(placed)) == ("L4", (40, 40))
    assert placing.startPlacing(node, "L5", "point")
    assert selection.GetActivePlaceNodeID() == points.GetID()


def test_placing_a_box_by_drawing(parts, views):
    (placement, placing), node, (selection, _) = parts, radiograph_node(), views
    assert placing.startPlacing(node, "L1", "box")
    assert selection.GetActivePlaceNodeClassName() == "vtkMRMLMarkupsROINode"
    assert placement.placements(node) == []  # nothing is drawn yet
    assert placing.startPlacing(node, "L2", "box")  # the user thought again
    (box,) = slicer.util.getNodesByClass("vtkMRMLMarkupsROINode")
    assert selection.GetActivePlaceNodeID() == box.GetID()
    box.SetCenterWorld(20, 10, 0)
    box.SetSize(10, 5, 30)
    assert [(placed.level, centre(placed)) for placed in placement.placements(node)] == [("L2", (40, 40))]


def test_without_views_there_is_nothing_to_click_in(parts):
    (placement, placing), node = parts, radiograph_node()
    slicer.mrmlScene.RemoveNode(slicer.mrmlScene.GetNodeByID("vtkMRMLInteractionNodeSingleton"))
    assert not placing.startPlacing(node, "L3", "point")
    assert placement.placements(node) == []


def test_stopping_removes_the_box_that_was_not_drawn(parts, views):
    (placement, placing), node, (_selection, interaction) = parts, radiograph_node(), views
    assert not placing.isPlacing()
    placement.addBox(node, "L3", (10, 10, 30, 30))
    assert placing.startPlacing(node, "L1", "box")
    assert placing.isPlacing()
    placing.stopPlacing(node)
    assert interaction.GetCurrentInteractionMode() == interaction.ViewTransform
    assert not placing.isPlacing()
    assert [box.GetName() for box in slicer.util.getNodesByClass("vtkMRMLMarkupsROINode")] == ["L3"]
