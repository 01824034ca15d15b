"""Boxes and points on the real scene, as the user leaves them."""

import numpy as np
import pytest
import slicer
import slicer_host
from scene_host import reopened
from scene_nodes import LENGTHS, radiograph_node, shift

from ReVertLib.errors import InputError


@pytest.fixture
def places():
    slicer_host.load()
    from ReVertSlicer.input import placement as places

    return places


def found(places, node, slice_index=0):
    return [(place.level, place.boxPx, place.problem) for place in places.places(node, slice_index)]


def oblique_node(**options):
    """A radiograph whose slice is turned, mirrored and moved in space; pixels of 0.5 x 0.25 mm."""
    node = radiograph_node(**options)
    mirrored_turn = np.array([[0.6, -0.8, 0], [0, 0, 1], [0.8, 0.6, 0]])
    assert np.linalg.det(mirrored_turn) == pytest.approx(-1)
    node.SetIJKToRASDirections(*mirrored_turn.ravel())
    node.SetOrigin(10, -20, 30)
    return node


BOX = (10.0, 20.0, 30.0, 50.0)


@pytest.mark.parametrize("make", [radiograph_node, oblique_node], ids=["upright", "turned"])
def test_a_box_is_read_back(places, make):
    node = make()
    box = places.addBox(node, "L3", BOX)
    assert (box.GetClassName(), box.GetName()) == ("vtkMRMLMarkupsROINode", "L3")
    assert found(places, node) == [("L3", BOX, "")]
    assert box.GetSize() == pytest.approx((10, 7.5, 1))


def test_a_box_lies_where_its_pixels_do(places):
    """Pixels 10 to 29 and 20 to 49 of 0.5 x 0.25 mm: centre 19.5 and 34.5."""
    box = places.addBox(radiograph_node(), "L3", BOX)
    assert box.GetCenterWorld() == pytest.approx([9.75, 8.625, 0])


def test_a_box_that_was_moved_is_read_where_it_is(places):
    node = radiograph_node()
    box = places.addBox(node, "L3", BOX)
    box.SetCenterWorld(9.75 + 5, 8.625, 3)  # out of the plane, which does not matter
    assert found(places, node) == [("L3", (20.0, 20.0, 40.0, 50.0), "")]


def test_transforms_of_both_are_respected(places):
    node = radiograph_node()
    box = places.addBox(node, "L3", BOX)
    shift(node, [5, 0, 0])
    assert found(places, node)[0][1] == (0.0, 20.0, 20.0, 50.0)
    shift(box, [5, 0, 0])
    assert found(places, node)[0][1] == BOX
    places.addPoint(node, "L4", (40, 30))
    assert centre(places.places(node)[1]) == (40, 30)


def test_a_radiograph_under_a_deformation_is_refused(places):
    node = radiograph_node()
    node.SetAndObserveTransformNodeID(slicer.mrmlScene.AddNewNodeByClass("vtkMRMLGridTransformNode").GetID())
    grid = slicer.vtkOrientedGridTransform()
    node.GetParentTransformNode().SetAndObserveTransformToParent(grid)
    with pytest.raises(InputError, match="transform: expected a linear one, got a deformation; harden it first"):
        places.places(node)


def centre(place):
    u0, v0, u1, v1 = place.boxPx
    return (u0 + u1 - 1) / 2, (v0 + v1 - 1) / 2


@pytest.mark.parametrize("make", [radiograph_node, oblique_node], ids=["upright", "turned"])
def test_points_share_a_node_and_come_back_as_boxes(places, make):
    node = make()
    first = places.addPoint(node, "L4", (50, 40))
    assert places.addPoint(node, "L2", (30, 20)) is first
    assert [first.GetNthControlPointLabel(i) for i in range(2)] == ["L4", "L2"]
    two, four = places.places(node)
    assert (two.level, two.pointIndex, four.level, four.pointIndex) == ("L2", 1, "L4", 0)
    assert (centre(two), centre(four)) == ((30, 20), (50, 40))
    assert two.boxPx[2] - two.boxPx[0] == 40  # half the image, as the distances are not known


def test_a_points_box_has_the_size_of_a_vertebra_once_that_is_known(places):
    from ReVertSlicer.input.radiograph_check import enter

    node = radiograph_node(spacing=(8, 8, 1))
    enter(node, sdd_mm=1000, sod_mm=500)
    places.addPoint(node, "L3", (40, 30))
    assert found(places, node) == [("L3", (40 + 0.5 - 11.25, 30 + 0.5 - 7.5, 40 + 0.5 + 11.25, 30 + 0.5 + 7.5), "")]


def test_a_default_box_is_in_the_middle(places):
    node = radiograph_node(spacing=(8, 8, 1))
    places.addBox(node, "L3")
    (place,) = places.places(node)
    assert centre(place) == (39.5, 29.5)
    assert place.problem == ""


def test_at_the_border_a_box_shrinks_about_its_centre(places):
    node = radiograph_node()
    places.addPoint(node, "L3", (5, 30))
    (place,) = places.places(node)
    assert centre(place) == (5, 30)
    assert place.boxPx[0] == 0
    from ReVertSlicer.input.radiograph_check import enter, geometryOf

    enter(node, **LENGTHS)
    assert geometryOf(node, 0, "L3", places.places(node)[0].boxPx)[0].box_px[0] == 0


def test_what_left_the_image_has_a_problem(places):
    node = radiograph_node()
    box = places.addBox(node, "L3", BOX)
    box.SetCenterWorld(-10, 8.625, 0)
    (place,) = places.places(node)
    assert place.problem == "place: expected its centre in the 80 x 60 image, got -20, 34"


def test_relabelling_in_slicer_counts(places):
    node = radiograph_node()
    box = places.addBox(node, "L3", BOX)
    points = places.addPoint(node, "L4", (50, 40))
    box.SetName("L1")
    points.SetNthControlPointLabel(0, " L2 ")
    assert [place.level for place in places.places(node)] == ["L1", "L2"]
    points.SetNthControlPointLabel(0, "T12")
    one, other = places.places(node)
    assert (one.problem, other.problem) == ("", "level: expected one of L1, L2, L3, L4, L5, got 'T12'")
    points.SetNthControlPointLabel(0, "L1")
    assert {place.problem for place in places.places(node)} == {
        "L1: expected one place on this image, got a second one"
    }


def test_levels_are_set_and_places_removed(places):
    node = radiograph_node()
    places.addBox(node, "L3", BOX)
    places.addPoint(node, "L4", (50, 40))
    places.addPoint(node, "L5", (50, 50))
    box, point, last = places.places(node)
    with pytest.raises(InputError, match="L5: expected one place on this image, got a second one"):
        places.setLevel(box, "L5")
    places.setLevel(box, "L1")
    places.setLevel(point, "L4")  # its own
    places.setLevel(last, "L2")
    box, last, point = places.places(node)
    assert (box.level, last.level, point.level) == ("L1", "L2", "L4")
    places.remove(point)
    assert [place.level for place in places.places(node)] == ["L1", "L2"]
    places.remove(box)
    assert slicer.util.getNodesByClass("vtkMRMLMarkupsROINode") == []


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda places, node: places.addBox(node, "L3", BOX), "L3: expected one place on this image"),
        (lambda places, node: places.addPoint(node, "L3", (4, 5)), "L3: expected one place on this image"),
        (lambda places, node: places.startPlacing(node, "L3", "box"), "L3: expected one place on this image"),
        (lambda places, node: places.addBox(node, "T12", BOX), "level: expected one of L1, .*, got 'T12'"),
        (lambda places, node: places.addBox(node, "L1", (0, 0, 81, 60)), "box_px: expected a box inside the 80 x 60"),
        (lambda places, node: places.addPoint(node, "L1", (80, 5)), "place: expected its centre in the 80 x 60 image"),
    ],
)
def test_what_cannot_be_placed_leaves_the_scene_as_it_was(places, call, message):
    node = radiograph_node()
    places.addBox(node, "L3", BOX)
    before = slicer.mrmlScene.GetNumberOfNodes()
    with pytest.raises(InputError, match=message):
        call(places, node)
    assert slicer.mrmlScene.GetNumberOfNodes() == before


def test_each_slice_has_its_own(places):
    node = radiograph_node(slices=3, spacing=(0.5, 0.5, 4))
    places.addBox(node, "L3", BOX, 0)
    places.addBox(node, "L3", BOX, 2)
    places.addPoint(node, "L4", (40, 30), 2)
    assert [[place.level for place in places.places(node, k)] for k in range(3)] == [["L3"], [], ["L3", "L4"]]


def test_each_radiograph_has_its_own(places):
    one, other = radiograph_node(), radiograph_node()
    places.addBox(one, "L3", BOX)
    places.addPoint(other, "L3", (40, 30))
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "L4").SetSize(5, 5, 5)  # somebody else's
    assert [place.pointIndex for place in places.places(one)] == [None]
    assert [place.pointIndex for place in places.places(other)] == [0]


@pytest.fixture
def views(places):
    """(selection node, interaction node), as Slicer's application has them."""
    selection, interaction = (
        slicer.mrmlScene.AddNode(node) for node in (slicer.vtkMRMLSelectionNode(), slicer.vtkMRMLInteractionNode())
    )
    return selection, interaction


def test_placing_a_point_by_a_click(places, views):
    node, (selection, interaction) = radiograph_node(), views
    assert places.startPlacing(node, "L4", "point")
    assert interaction.GetCurrentInteractionMode() == interaction.Place
    assert interaction.GetPlaceModePersistence() == 0
    assert selection.GetActivePlaceNodeClassName() == "vtkMRMLMarkupsFiducialNode"
    points = slicer.mrmlScene.GetNodeByID(selection.GetActivePlaceNodeID())
    assert places.places(node) == []
    points.AddControlPointWorld(20, 10, 0)  # what the click does
    (place,) = places.places(node)
    assert (place.level, centre(place)) == ("L4", (40, 40))
    assert places.startPlacing(node, "L5", "point")
    assert selection.GetActivePlaceNodeID() == points.GetID()


def test_placing_a_box_by_drawing(places, views):
    node, (selection, _) = radiograph_node(), views
    assert places.startPlacing(node, "L1", "box")
    assert selection.GetActivePlaceNodeClassName() == "vtkMRMLMarkupsROINode"
    assert places.places(node) == []  # nothing is drawn yet
    assert places.startPlacing(node, "L2", "box")  # the user thought again
    (box,) = slicer.util.getNodesByClass("vtkMRMLMarkupsROINode")
    assert selection.GetActivePlaceNodeID() == box.GetID()
    box.SetCenterWorld(20, 10, 0)
    box.SetSize(10, 5, 30)
    assert [(place.level, centre(place)) for place in places.places(node)] == [("L2", (40, 40))]


def test_without_views_there_is_nothing_to_click_in(places):
    node = radiograph_node()
    slicer.mrmlScene.RemoveNode(slicer.mrmlScene.GetNodeByID("vtkMRMLInteractionNodeSingleton"))
    assert not places.startPlacing(node, "L3", "point")
    assert places.places(node) == []


def test_places_survive_saving(places, tmp_path):
    node = oblique_node()
    places.addBox(node, "L3", BOX)
    places.addPoint(node, "L4", (50, 40))
    shift(slicer.util.getNodesByClass("vtkMRMLMarkupsROINode")[0], [0.5, 0, 0])
    before = found(places, node)
    reopened(tmp_path)
    (node,) = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
    after = found(places, node)
    assert [(level, problem) for level, _, problem in after] == [("L3", ""), ("L4", "")]
    np.testing.assert_allclose([box for _, box, _ in after], [box for _, box, _ in before], atol=0.01)
