"""Boxes and points on the real scene, as the user leaves them."""

import numpy as np
import pytest
import slicer
import slicer_host
from scene_host import reopened
from scene_nodes import LENGTHS, radiograph_node, shift

from ReVertLib.errors import InputError


@pytest.fixture
def placement():
    slicer_host.load()
    from ReVertSlicer.input import placement

    return placement


def found(placement, node, slice_index=0):
    return [(placed.level, placed.boxPx, placed.problem) for placed in placement.placements(node, slice_index)]


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
def test_a_box_is_read_back(placement, make):
    node = make()
    box = placement.addBox(node, "L3", BOX)
    assert (box.GetClassName(), box.GetName()) == ("vtkMRMLMarkupsROINode", "L3")
    assert found(placement, node) == [("L3", BOX, "")]
    assert box.GetSize() == pytest.approx((10, 7.5, 1))


def test_a_box_lies_where_its_pixels_do(placement):
    """Pixels 10 to 29 and 20 to 49 of 0.5 x 0.25 mm: centre 19.5 and 34.5."""
    box = placement.addBox(radiograph_node(), "L3", BOX)
    assert box.GetCenterWorld() == pytest.approx([9.75, 8.625, 0])


def test_a_box_that_was_moved_is_read_where_it_is(placement):
    node = radiograph_node()
    box = placement.addBox(node, "L3", BOX)
    box.SetCenterWorld(9.75 + 5, 8.625, 3)  # out of the plane, which does not matter
    assert found(placement, node) == [("L3", (20.0, 20.0, 40.0, 50.0), "")]


def test_transforms_of_both_are_respected(placement):
    node = radiograph_node()
    box = placement.addBox(node, "L3", BOX)
    shift(node, [5, 0, 0])
    assert found(placement, node)[0][1] == (0.0, 20.0, 20.0, 50.0)
    shift(box, [5, 0, 0])
    assert found(placement, node)[0][1] == BOX
    placement.addPoint(node, "L4", (40, 30))
    assert centre(placement.placements(node)[1]) == (40, 30)


def test_a_radiograph_under_a_deformation_is_refused(placement):
    node = radiograph_node()
    node.SetAndObserveTransformNodeID(slicer.mrmlScene.AddNewNodeByClass("vtkMRMLGridTransformNode").GetID())
    grid = slicer.vtkOrientedGridTransform()
    node.GetParentTransformNode().SetAndObserveTransformToParent(grid)
    with pytest.raises(InputError, match="transform: expected a linear one, got a deformation; harden"):
        placement.placements(node)


def centre(placed):
    u0, v0, u1, v1 = placed.boxPx
    return (u0 + u1 - 1) / 2, (v0 + v1 - 1) / 2


@pytest.mark.parametrize("make", [radiograph_node, oblique_node], ids=["upright", "turned"])
def test_points_share_a_node_and_come_back_as_boxes(placement, make):
    node = make()
    first = placement.addPoint(node, "L4", (50, 40))
    assert placement.addPoint(node, "L2", (30, 20)) is first
    assert [first.GetNthControlPointLabel(i) for i in range(2)] == ["L4", "L2"]
    two, four = placement.placements(node)
    assert (two.level, two.pointIndex, four.level, four.pointIndex) == ("L2", 1, "L4", 0)
    assert (centre(two), centre(four)) == ((30, 20), (50, 40))
    assert two.boxPx[2] - two.boxPx[0] == 40  # half the image, as the distances are not known


def test_a_points_box_has_the_size_of_a_vertebra_once_that_is_known(placement):
    from ReVertSlicer.input.radiograph_check import enter

    node = radiograph_node(spacing=(8, 8, 1))
    enter(node, sdd_mm=1000, sod_mm=500)
    placement.addPoint(node, "L3", (40, 30))
    assert found(placement, node) == [("L3", (40 + 0.5 - 11.25, 30 + 0.5 - 7.5, 40 + 0.5 + 11.25, 30 + 0.5 + 7.5), "")]


def test_a_default_box_is_in_the_middle(placement):
    node = radiograph_node(spacing=(8, 8, 1))
    placement.addBox(node, "L3")
    (placed,) = placement.placements(node)
    assert centre(placed) == (39.5, 29.5)
    assert placed.problem == ""


def test_at_the_border_a_box_shrinks_about_its_centre(placement):
    node = radiograph_node()
    placement.addPoint(node, "L3", (5, 30))
    (placed,) = placement.placements(node)
    assert centre(placed) == (5, 30)
    assert placed.boxPx[0] == 0
    from ReVertSlicer.input.radiograph_check import enter, geometryOf
    from ReVertSlicer.input.sources import sourcesOf

    enter(node, **LENGTHS)
    assert geometryOf(node, sourcesOf(node), "L3", placement.placements(node)[0].boxPx).box_px[0] == 0


def test_what_left_the_image_has_a_problem(placement):
    node = radiograph_node()
    box = placement.addBox(node, "L3", BOX)
    box.SetCenterWorld(-10, 8.625, 0)
    (placed,) = placement.placements(node)
    assert placed.problem == "vertebra: expected its centre inside the 80 x 60 image, got pixel -20, 34; move it"


def test_relabelling_in_slicer_counts(placement):
    node = radiograph_node()
    box = placement.addBox(node, "L3", BOX)
    points = placement.addPoint(node, "L4", (50, 40))
    box.SetName("L1")
    points.SetNthControlPointLabel(0, " L2 ")
    assert [placed.level for placed in placement.placements(node)] == ["L1", "L2"]
    points.SetNthControlPointLabel(0, "T12")
    one, other = placement.placements(node)
    assert (one.problem, other.problem) == ("", "level: expected one of L1, L2, L3, L4, L5, got 'T12'")
    points.SetNthControlPointLabel(0, "L1")
    assert {placed.problem for placed in placement.placements(node)} == {
        "L1: expected one box or point on this image, got a second one; remove it or change its level"
    }


def test_levels_are_set_and_placements_removed(placement):
    node = radiograph_node()
    placement.addBox(node, "L3", BOX)
    placement.addPoint(node, "L4", (50, 40))
    placement.addPoint(node, "L5", (50, 50))
    box, point, last = placement.placements(node)
    with pytest.raises(InputError, match="L5: expected one box or point on this image"):
        placement.setLevel(box, "L5")
    placement.setLevel(box, "L1")
    placement.setLevel(point, "L4")  # its own
    placement.setLevel(last, "L2")
    box, last, point = placement.placements(node)
    assert (box.level, last.level, point.level) == ("L1", "L2", "L4")
    placement.remove(point)
    assert [placed.level for placed in placement.placements(node)] == ["L1", "L2"]
    placement.remove(box)
    assert slicer.util.getNodesByClass("vtkMRMLMarkupsROINode") == []


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda placement, node: placement.addBox(node, "L3", BOX), "L3: expected one box or point"),
        (lambda placement, node: placement.addPoint(node, "L3", (4, 5)), "L3: expected one box or point"),
        (lambda placement, node: placement.nodeToPlace(node, "L3", "box"), "L3: expected one box or point on this"),
        (lambda placement, node: placement.addBox(node, "T12", BOX), "level: expected one of L1, .*, got 'T12'"),
        (
            lambda placement, node: placement.addBox(node, "L1", (0, 0, 81, 60)),
            "box_px: expected a box inside the 80 x 60",
        ),
        (
            lambda placement, node: placement.addPoint(node, "L1", (80, 5)),
            "vertebra: expected its centre inside the 80 x 60",
        ),
    ],
)
def test_what_cannot_be_placed_leaves_the_scene_as_it_was(placement, call, message):
    node = radiograph_node()
    placement.addBox(node, "L3", BOX)
    before = slicer.mrmlScene.GetNumberOfNodes()
    with pytest.raises(InputError, match=message):
        call(placement, node)
    assert slicer.mrmlScene.GetNumberOfNodes() == before


def test_each_slice_has_its_own(placement):
    node = radiograph_node(slices=3, spacing=(0.5, 0.5, 4))
    placement.addBox(node, "L3", BOX, 0)
    placement.addBox(node, "L3", BOX, 2)
    placement.addPoint(node, "L4", (40, 30), 2)
    assert [[placed.level for placed in placement.placements(node, k)] for k in range(3)] == [["L3"], [], ["L3", "L4"]]


def test_each_radiograph_has_its_own(placement):
    one, other = radiograph_node(), radiograph_node()
    placement.addBox(one, "L3", BOX)
    placement.addPoint(other, "L3", (40, 30))
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "L4").SetSize(5, 5, 5)  # somebody else's
    assert [placed.pointIndex for placed in placement.placements(one)] == [None]
    assert [placed.pointIndex for placed in placement.placements(other)] == [0]


def test_placements_survive_saving(placement, tmp_path):
    node = oblique_node()
    placement.addBox(node, "L3", BOX)
    placement.addPoint(node, "L4", (50, 40))
    shift(slicer.util.getNodesByClass("vtkMRMLMarkupsROINode")[0], [0.5, 0, 0])
    before = found(placement, node)
    reopened(tmp_path)
    (node,) = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
    after = found(placement, node)
    assert [(level, problem) for level, _, problem in after] == [("L3", ""), ("L4", "")]
    np.testing.assert_allclose([box for _, box, _ in after], [box for _, box, _ in before], atol=0.01)


def test_boxes_and_points_are_drawn_in_slice_views_only(placement):
    """In 3D they would lie at the radiograph's own coordinates, which is where the X-ray source is."""
    radiograph = radiograph_node()
    for node in (placement.addBox(radiograph, "L2"), placement.addPoint(radiograph, "L3", (40, 30))):
        display = node.GetDisplayNode()
        assert (display.GetVisibility(), display.GetVisibility2D(), display.GetVisibility3D()) == (1, 1, 0)


def test_boxes_and_points_of_earlier_scenes_are_hidden_in_3d(placement):
    node = radiograph_node()
    ours = [placement.addBox(node, "L3", BOX), placement.addPoint(node, "L4", (40, 30))]
    own = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode")
    own.CreateDefaultDisplayNodes()
    for one in (*ours, own):
        one.GetDisplayNode().SetVisibility3D(True)
    placement.showOpened()
    assert [one.GetDisplayNode().GetVisibility3D() for one in (*ours, own)] == [0, 0, 1]
    assert all(one.GetDisplayNode().GetVisibility() for one in ours)


def test_what_was_begun_counts_until_it_is_removed(placement):
    node = radiograph_node()
    assert not placement.isMarked(node)
    placement.nodeToPlace(node, "L3", "box")
    placement.nodeToPlace(node, "L3", "point")
    assert placement.isMarked(node)
    placement.removeBegun(node)
    assert slicer.util.getNodesByClass("vtkMRMLMarkupsNode") == []
    assert not placement.isMarked(node)
    placement.addPoint(node, "L3", (40, 30))
    assert placement.isMarked(node)
    placement.removeBegun(node)
    assert [placed.level for placed in placement.placements(node)] == ["L3"]
