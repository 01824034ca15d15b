"""A CT aligned to a radiograph, in the scene."""

import json

import numpy as np
import pytest
import slicer
from ct_host import FIRST_MM, SIZE_MM, answer, ct_node, pose, segmentation_node, vertebra
from scene_nodes import ABOUT, AP, fresh, radiograph_node, shift, vertices

from ReVertLib.ct_registration.records import ACCEPTED, CHECK, REFUSED


@pytest.fixture(scope="module")
def nodes():
    return fresh("scene.ct_alignment_nodes")


@pytest.fixture
def given(nodes):
    """A radiograph, a CT and its segmentation in an empty scene."""
    slicer.mrmlScene.Clear(0)
    slicer.mrmlScene.ClearUndoStack()
    return radiograph_node(), ct_node(), segmentation_node()


@pytest.fixture
def shown(nodes, given):
    """The same after an alignment of an accepted L3 and a refused L4."""
    show(nodes, given, answer())
    return given


def show(nodes, given, found, view=AP):
    from ReVertSlicer.scene.reconstruction_nodes import Taken

    return nodes.showAlignment(*given, found, ABOUT, Taken(0, "f" * 64), view)


def ours():
    from ReVertSlicer.scene import hierarchy

    return sorted(node.GetAttribute("ReVert.Kind") for node in hierarchy.allParts())


def world(node):
    from ReVertSlicer.input.transforms import toWorld

    return vertices(node) @ toWorld(node)[:3, :3].T + toWorld(node)[:3, 3]


def part(radiograph, kind, level):
    from ReVertSlicer.scene import hierarchy

    return next(one for one in hierarchy.parts(radiograph, kind) if one.GetAttribute("ReVert.Level") == level)


def test_a_pose_takes_the_ct_to_the_beam(nodes, shown):
    centre = FIRST_MM["L3"] + SIZE_MM / 2
    matrix = slicer.util.arrayFromTransformMatrix(part(shown[0], "ctPose", "L3"))
    # 700 mm before the source and 6 mm above the principal ray: of an AP view RAS = (-X, -Z, -Y).
    assert matrix @ [*centre, 1] == pytest.approx([0, -700, 6, 1])
    surface = part(shown[0], "ctSurface", "L3")
    assert world(surface).mean(0) == pytest.approx([0, -700, 6])
    assert vertices(surface).mean(0) == pytest.approx(centre, abs=1e-4)


def test_of_a_view_from_the_side_the_beam_stands_as_the_reconstruction_does(nodes, given):
    show(nodes, given, answer(vertebra("L3")), AP | {"yaw_deg": 90.0})
    from ReVertSlicer.scene.beam import rasFromCamera

    there = rasFromCamera(AP | {"yaw_deg": 90.0}) @ [0, -6, 700]
    assert abs(there[0]) == pytest.approx(700)
    assert world(part(given[0], "ctSurface", "L3")).mean(0) == pytest.approx(there)


def test_a_verdict_is_a_colour_and_nothing_is_claimed_of_a_refused_one(nodes, shown):
    colour = {level: part(shown[0], "ctSurface", level).GetDisplayNode().GetColor() for level in ("L3", "L4")}
    assert colour == {"L3": nodes.COLOURS[ACCEPTED], "L4": nodes.COLOURS[REFUSED]}
    assert nodes.mostTrusted(shown[0]) == "L3"
    assert nodes.accept(shown[0]) == ["L3"]
    assert nodes.isAccepted(shown[0])
    show(nodes, shown, answer(vertebra("L3", REFUSED), vertebra("L4", REFUSED)))
    assert nodes.mostTrusted(shown[0]) is None
    assert nodes.accept(shown[0]) == []
    assert not nodes.isAccepted(shown[0])


def test_what_is_accepted_is_trusted_before_what_is_more_alike(nodes, shown):
    show(nodes, shown, answer(vertebra("L3", CHECK, 0.99), vertebra("L4", ACCEPTED, 0.95)))
    assert nodes.mostTrusted(shown[0]) == "L4"


def test_again_updates_and_undo_takes_it_back(nodes, shown):
    from ReVertSlicer.scene import undo

    before = ours()
    assert before.count("ctPose") == 2
    assert before.count("silhouette") == before.count("outline") == 2
    show(nodes, shown, answer(vertebra("L3", shift_mm=5.0)))
    assert ours().count("ctPose") == ours().count("ctSurface") == ours().count("silhouette") == 1
    assert world(part(shown[0], "ctSurface", "L3")).mean(0) == pytest.approx([-5, -700, 6])
    undo.undo()
    assert ours() == before
    assert world(part(shown[0], "ctSurface", "L3")).mean(0) == pytest.approx([0, -700, 6])
    assert world(part(shown[0], "ctSurface", "L4")).mean(0) == pytest.approx([0, -700, -6])
    undo.undo()
    assert ours() == []


def test_outlines_lie_on_either_radiograph(nodes, given):
    from ReVertSlicer.scene import hierarchy
    from ReVertSlicer.scene.reconstruction_nodes import Taken

    second = radiograph_node(name="from the side")
    second.SetOrigin(100.0, 0.0, 0.0)
    ofSecond = nodes.Second(second, 0, 1)
    nodes.showAlignment(*given, answer(vertebra("L3")), ABOUT, Taken(0, "f" * 64), AP, ofSecond)
    surface = part(given[0], "ctSurface", "L3")
    first, other = (vertices(hierarchy.part(surface, kind)) for kind in ("silhouette", "secondSilhouette"))
    assert other - first == pytest.approx(np.tile([100.0, 0.0, 0.0], (len(first), 1)), abs=1e-4)
    show(nodes, given, answer(vertebra("L3")))
    assert "secondSilhouette" not in ours()


def test_removing_leaves_what_the_user_had(nodes, shown):
    radiograph, ct, _segmentation = shown
    nodes.remove(radiograph)
    assert set(ours()) == {"plane", "beam"}
    assert ct.GetParentTransformNode() is None


def test_where_it_is_from_stands_on_the_poses_and_no_name(nodes, shown):
    node = part(shown[0], "ctPose", "L3")
    assert node.GetAttribute("ReVert.WeightsSha256") == "0" * 64
    assert json.loads(node.GetAttribute("ReVert.Versions"))["revert"] == "0.1.0"
    assert nodes.judgement(node)["similarity"] == 0.97
    assert nodes.expected(node)["along_mm"] == 4.0
    assert not [name for name in node.GetAttributeNames() if "DOE" in node.GetAttribute(name)]


def test_only_an_accepted_level_is_compared_in_place(nodes, shown):
    radiograph, _ct, segmentation = shown
    from ReVertSlicer.scene import hierarchy

    ids = segmentation.GetSegmentation().GetSegmentIDs()
    model = hierarchy.newPart(radiograph, "surface", "L3")
    model.SetAttribute("ReVert.Level", "L3")
    assert nodes.acceptedPlace(model, segmentation, ids[0], "none") == (None, "")
    nodes.accept(radiograph)
    place, note = nodes.acceptedPlace(model, segmentation, ids[0], "none")
    assert place @ [*(FIRST_MM["L3"] + SIZE_MM / 2), 1] == pytest.approx([0, -700, 6, 1])
    assert "accepted, right to 0.3 mm across the beam and 4 mm along it" in note
    assert nodes.acceptedPlace(model, segmentation, ids[0], "rigid") == (None, "")
    assert nodes.acceptedPlace(model, segmentation, ids[1], "none") == (None, "")
    model.SetAttribute("ReVert.Level", "L4")
    assert nodes.acceptedPlace(model, segmentation, ids[1], "none") == (None, "")


def test_the_ct_is_put_into_the_beam_and_back(nodes, shown):
    from ReVertSlicer.scene import ct_in_beam, undo

    radiograph, ct, segmentation = shown
    shift(ct, (1.0, 2.0, 3.0))
    theirs = ct.GetParentTransformNode()
    assert ct_in_beam.shownLevel(radiograph) is None
    ct_in_beam.show(radiograph, "L3")
    assert ct_in_beam.shownLevel(radiograph) == "L3"
    here = slicer.util.arrayFromTransformMatrix(ct.GetParentTransformNode())
    # A voxel that the user has put onto the vertebra's centre.
    assert here @ [*(FIRST_MM["L3"] + SIZE_MM / 2 - [1, 2, 3]), 1] == pytest.approx([0, -700, 6, 1])
    there = slicer.util.arrayFromTransformMatrix(segmentation.GetParentTransformNode())
    assert there @ [*(FIRST_MM["L3"] + SIZE_MM / 2), 1] == pytest.approx([0, -700, 6, 1])
    assert ct_in_beam.ownPlace(ct)[:3, 3] == pytest.approx([1, 2, 3])
    ct_in_beam.show(radiograph, None)
    assert ct.GetParentTransformNode() is theirs
    assert segmentation.GetParentTransformNode() is None
    assert "ctInBeam" not in ours()
    ct_in_beam.show(radiograph, "L3")
    undo.undo()
    ct_in_beam.follow(radiograph)
    assert ct.GetParentTransformNode() is theirs


def test_one_piece_goes_with_the_level_it_is_laid_as(nodes, shown):
    from ReVertSlicer.scene import ct_in_beam

    radiograph, ct, _segmentation = shown
    ct_in_beam.show(radiograph, "L3")
    ct_in_beam.show(radiograph, "L4")
    matrix = slicer.util.arrayFromTransformMatrix(ct.GetParentTransformNode())
    assert matrix @ [*(FIRST_MM["L4"] + SIZE_MM / 2), 1] == pytest.approx([0, -700, -6, 1])
    show(nodes, shown, answer(vertebra("L4", shift_mm=3.0)))
    matrix = slicer.util.arrayFromTransformMatrix(ct.GetParentTransformNode())
    assert matrix @ [*(FIRST_MM["L4"] + SIZE_MM / 2), 1] == pytest.approx([-3, -700, -6, 1])


def test_all_is_found_again_in_a_scene_that_was_saved(nodes, shown, tmp_path):
    from scene_host import reopened

    from ReVertSlicer.scene import ct_in_beam
    from ReVertSlicer.scene.ct_report import reportOf

    nodes.accept(shown[0])
    ct_in_beam.show(shown[0], "L3")
    reopened(tmp_path)
    radiograph, ct = (slicer.util.getNode(name) for name in ("DOE^JANE", "CT"))
    assert [nodes.judgement(pose)["word"] for pose in nodes.poses(radiograph)] == [ACCEPTED, REFUSED]
    assert nodes.isAccepted(radiograph)
    assert list(reportOf(radiograph)["vertebrae"]) == ["L3", "L4"]
    assert world(part(radiograph, "ctSurface", "L3")).mean(0) == pytest.approx([0, -700, 6], abs=1e-3)
    assert ct_in_beam.shownLevel(radiograph) == "L3"
    nodes.remove(radiograph)
    assert ct.GetParentTransformNode() is None


def test_export_writes_what_the_command_line_does(nodes, shown, tmp_path):
    import SimpleITK

    from ReVertLib.mesh.io import read_mesh
    from ReVertSlicer.scene.ct_report import exportAlignment

    exportAlignment(shown[0], tmp_path / "new")
    names = {path.name for path in (tmp_path / "new").iterdir()}
    levels = {f"ct_alignment_{level}.{end}" for level in ("L3", "L4") for end in ("tfm", "stl")}
    assert names == levels | {"ct_alignment.json"}
    transform = SimpleITK.ReadTransform(str(tmp_path / "new" / "ct_alignment_L3.tfm"))
    point = np.array([1.0, 2.0, 3.0])
    assert transform.TransformPoint(pose("L3").apply(point[None])[0]) == pytest.approx(point)
    mesh = read_mesh(tmp_path / "new" / "ct_alignment_L4.stl")
    assert mesh.vertices.mean(0) == pytest.approx([0, 6, 700], abs=1e-3)
    assert json.loads((tmp_path / "new" / "ct_alignment.json").read_text())["weights_sha256"] == "0" * 64
