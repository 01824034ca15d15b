"""The alignment as a transform node of its own: where it goes in the chain, and what it leaves alone."""

import importlib

import numpy as np
import pytest
import scene_host
import slicer
import vtk
from scene_nodes import ABOUT, AP, BOX_SIZE_MM, box_model, fresh, outcome, radiograph_node

from ReVertLib.errors import InputError
from ReVertLib.geometry.transform import RigidTransform, SimilarityTransform
from ReVertLib.geometry.views import rotation_about
from ReVertLib.mesh.polydata import from_polydata

MOTION = SimilarityTransform(rotation_about("z", 90.0), np.array([1.0, 2.0, 3.0]), 1.5)


@pytest.fixture
def alignment():
    return fresh("scene.alignment")


def transform(matrix):
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "theirs")
    slicer.util.updateTransformMatrixFromArray(node, matrix)
    return node


def users():
    """A rotation, a scale and a shift."""
    matrix = np.eye(4)
    matrix[:3, :3] = 2 * rotation_about("x", 30.0)
    matrix[:3, 3] = (10, 20, 30)
    return matrix


def world(model):
    """(n, 3) where the views show the model's vertices."""
    matrix = vtk.vtkMatrix4x4()
    if model.GetParentTransformNode():
        model.GetParentTransformNode().GetMatrixTransformToWorld(matrix)
    matrix = slicer.util.arrayFromVTKMatrix(matrix)
    return from_polydata(model.GetPolyData()).vertices @ matrix[:3, :3].T + matrix[:3, 3]


def test_without_another_transform_it_is_the_motion_itself(alignment):
    model = box_model()
    expected = alignment.worldMesh(model).moved(MOTION).vertices
    alignment.setAlignment(model, MOTION, "similarity")
    assert world(model) == pytest.approx(expected)
    ours = alignment.alignmentOf(model)
    assert model.GetParentTransformNode() is ours
    matrix = slicer.util.arrayFromTransformMatrix(ours)
    assert matrix == pytest.approx(np.array([[0, -1.5, 0, 1], [1.5, 0, 0, 2], [0, 0, 1.5, 3], [0, 0, 0, 1]]))
    assert ours.GetAttribute("ReVert.Alignment") == "similarity"


def test_it_moves_the_world_under_the_users_transforms_which_stay(alignment):
    model = box_model()
    outer, inner = transform(users()), transform(np.diag([1.0, 2, 3, 1]))
    inner.SetAndObserveTransformNodeID(outer.GetID())
    model.SetAndObserveTransformNodeID(inner.GetID())
    expected = alignment.worldMesh(model).moved(MOTION).vertices
    alignment.setAlignment(model, MOTION, "similarity")
    assert world(model) == pytest.approx(expected)
    ours = alignment.alignmentOf(model)
    assert ours.GetParentTransformNode() is inner and inner.GetParentTransformNode() is outer
    assert slicer.util.arrayFromTransformMatrix(outer) == pytest.approx(users())
    assert slicer.util.arrayFromTransformMatrix(inner) == pytest.approx(np.diag([1.0, 2, 3, 1]))


def test_the_world_mesh_does_not_know_our_alignment(alignment):
    model = box_model()
    model.SetAndObserveTransformNodeID(transform(users()).GetID())
    before = alignment.worldMesh(model).vertices
    alignment.setAlignment(model, MOTION, "similarity")
    assert alignment.worldMesh(model).vertices == pytest.approx(before)
    assert world(model) != pytest.approx(before)


def test_aligning_again_replaces_the_motion(alignment):
    model = box_model()
    model.SetAndObserveTransformNodeID(transform(users()).GetID())
    alignment.setAlignment(model, MOTION, "similarity")
    first, count = alignment.alignmentOf(model), slicer.mrmlScene.GetNumberOfNodes()
    shift = RigidTransform(np.eye(3), np.array([0.0, 0, 5]))
    expected = alignment.worldMesh(model).moved(shift).vertices
    alignment.setAlignment(model, shift, "translation")
    assert world(model) == pytest.approx(expected)
    assert alignment.alignmentOf(model) is first
    assert first.GetAttribute("ReVert.Alignment") == "translation"
    assert slicer.mrmlScene.GetNumberOfNodes() == count


@pytest.mark.parametrize("remove", ["removed", "mode none"])
def test_without_it_the_model_is_where_the_user_had_it(alignment, remove):
    model, theirs = box_model(), transform(users())
    model.SetAndObserveTransformNodeID(theirs.GetID())
    before, count = world(model), slicer.mrmlScene.GetNumberOfNodes()
    alignment.setAlignment(model, MOTION, "similarity")
    if remove == "removed":
        alignment.removeAlignment(model)
    else:
        alignment.setAlignment(model, MOTION, "none")
    assert alignment.alignmentOf(model) is None
    assert world(model) == pytest.approx(before)
    assert model.GetParentTransformNode() is theirs
    assert slicer.mrmlScene.GetNumberOfNodes() == count
    alignment.removeAlignment(model)  # nothing to do


def test_hardened_by_the_user_it_is_part_of_the_model(alignment):
    model = box_model()
    alignment.setAlignment(model, MOTION, "similarity")
    moved, ours = world(model), alignment.alignmentOf(model)
    model.HardenTransform()
    assert alignment.alignmentOf(model) is None
    assert alignment.worldMesh(model).vertices == pytest.approx(moved)
    shift = RigidTransform(np.eye(3), np.array([1.0, 0, 0]))
    alignment.setAlignment(model, shift, "rigid")
    assert world(model) == pytest.approx(moved + shift.translation_mm)
    assert alignment.alignmentOf(model) is ours  # the node is used again


def test_a_transform_the_user_puts_between_is_respected(alignment):
    model, theirs = box_model(), transform(users())
    alignment.setAlignment(model, MOTION, "similarity")
    ours = alignment.alignmentOf(model)
    theirs.SetAndObserveTransformNodeID(ours.GetID())
    model.SetAndObserveTransformNodeID(theirs.GetID())
    plain = from_polydata(model.GetPolyData()).vertices @ users()[:3, :3].T + users()[:3, 3]
    assert alignment.worldMesh(model).vertices == pytest.approx(plain)
    alignment.setAlignment(model, MOTION, "similarity")
    assert model.GetParentTransformNode() is ours and ours.GetParentTransformNode() is theirs
    assert theirs.GetParentTransformNode() is None
    assert world(model) == pytest.approx(alignment.worldMesh(model).moved(MOTION).vertices)


def test_two_models_have_an_alignment_each(alignment):
    first, second = box_model(), box_model()
    alignment.setAlignment(first, MOTION, "similarity")
    assert alignment.alignmentOf(second) is None
    assert world(second).max(0) == pytest.approx(BOX_SIZE_MM)


def test_a_deformation_is_refused_before_anything_changes(alignment):
    model = box_model()
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode")
    spline = vtk.vtkThinPlateSplineTransform()
    node.SetAndObserveTransformToParent(spline)
    model.SetAndObserveTransformNodeID(node.GetID())
    for call in (lambda: alignment.worldMesh(model), lambda: alignment.setAlignment(model, MOTION, "rigid")):
        with pytest.raises(InputError, match="transform: expected a linear one, got a deformation; harden"):
            call()
    assert model.GetParentTransformNode() is node


def test_a_model_without_a_surface_is_refused(alignment):
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLModelNode")
    with pytest.raises(InputError, match="model: expected a surface, got none"):
        alignment.worldMesh(node)


def test_it_is_ours_again_after_saving_and_loading(alignment, tmp_path):
    result = importlib.import_module("ReVertSlicer.scene.reconstruction_nodes")
    model = result.showReconstructions(radiograph_node(), [outcome()], AP, ABOUT)[0]
    model.SetAndObserveTransformNodeID(transform(users()).GetID())
    alignment.setAlignment(model, MOTION, "similarity")
    before = world(model)
    scene_host.reopened(tmp_path)
    (radiograph,) = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
    again = result.modelOf(radiograph, "L3")
    assert world(again) == pytest.approx(before, abs=1e-3)
    assert alignment.alignmentOf(again).GetParentTransformNode().GetName() == "theirs"
    alignment.removeAlignment(again)
    assert again.GetParentTransformNode().GetName() == "theirs"
