"""The folder beside the radiograph, and finding our nodes in it."""

import pytest
import scene_host
import slicer
import vtk
from scene_nodes import ABOUT, AP, box_model, comparison_of, fresh, outcome, radiograph_node


@pytest.fixture
def parts():
    return fresh("scene.reconstruction_nodes", "scene.hierarchy", "scene.alignment")


def tree():
    return slicer.mrmlScene.GetSubjectHierarchyNode()


def item(node):
    return tree().GetItemByDataNode(node)


def content(folder):
    """Kinds of the nodes in a folder, sorted."""
    items = vtk.vtkIdList()
    tree().GetItemChildren(folder, items)
    nodes = [tree().GetItemDataNode(items.GetId(index)) for index in range(items.GetNumberOfIds())]
    return sorted(node.GetAttribute("ReVert.Kind") for node in nodes)


def show(result, radiograph, *levels):
    return result.showReconstructions(radiograph, [outcome(level) for level in levels or ("L3",)], AP, ABOUT)


EVERYTHING = ["beam", "outline", "plane", "silhouette", "surface"]


def test_folder_lies_beside_the_radiograph_and_holds_everything(parts):
    result, hierarchy, _alignment = parts
    radiograph = radiograph_node(name="film")
    study = tree().CreateStudyItem(tree().GetSceneItemID(), "study")
    tree().SetItemParent(item(radiograph), study)
    show(result, radiograph)
    folder = hierarchy.folder(radiograph)
    assert tree().GetItemParent(folder) == study
    assert tree().GetItemName(folder) == "film, ReVert"
    assert content(folder) == EVERYTHING


def test_more_levels_join_the_folder_other_radiographs_have_their_own(parts):
    result, hierarchy, _alignment = parts
    first, second = radiograph_node(), radiograph_node()
    show(result, first)
    folder = hierarchy.folder(first)
    show(result, second)
    show(result, first, "L4")
    assert hierarchy.folder(first) == folder != hierarchy.folder(second)
    assert content(folder) == sorted([*EVERYTHING, "outline", "silhouette", "surface"])
    assert content(hierarchy.folder(second)) == EVERYTHING


def test_what_the_user_renames_or_moves_stays_so(parts):
    result, hierarchy, _alignment = parts
    radiograph = radiograph_node()
    (model,) = show(result, radiograph)
    folder = hierarchy.folder(radiograph)
    tree().SetItemName(folder, "mine")
    tree().SetItemParent(item(model), tree().GetSceneItemID())
    show(result, radiograph, "L3", "L4")
    assert tree().GetItemName(folder) == "mine"
    assert tree().GetItemParent(item(model)) == tree().GetSceneItemID()
    assert hierarchy.folder(radiograph) == folder


def test_it_is_found_again_after_saving_and_loading(parts, tmp_path):
    result, hierarchy, _alignment = parts
    show(result, radiograph_node(name="film"))
    scene_host.reopened(tmp_path)
    (radiograph,) = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
    folder = hierarchy.folder(radiograph)
    assert tree().GetItemName(folder) == "film, ReVert"
    assert content(folder) == EVERYTHING
    show(result, radiograph, "L3", "L4")
    assert hierarchy.folder(radiograph) == folder


def test_a_deleted_radiograph_leaves_the_rest_in_place(parts):
    result, hierarchy, _alignment = parts
    radiograph = radiograph_node()
    (model,) = show(result, radiograph)
    folder = hierarchy.folder(radiograph)
    slicer.mrmlScene.RemoveNode(radiograph)
    assert content(folder) == EVERYTHING
    assert [node.GetAttribute("ReVert.Kind") for node in hierarchy.modelParts(model)] == ["silhouette", "outline"]


def test_what_belongs_to_a_foreign_model_lies_beside_that(parts):
    _result, hierarchy, alignment = parts
    model = box_model()
    folder = tree().CreateFolderItem(tree().GetSceneItemID(), "theirs")
    tree().SetItemParent(item(model), folder)
    alignment.setAlignment(model, comparison_of(model).alignment, "rigid")
    assert tree().GetItemParent(item(hierarchy.part(model, "alignment"))) == folder


def test_only_our_own_empty_folders_are_removed(parts):
    result, hierarchy, _alignment = parts
    radiograph = radiograph_node()
    show(result, radiograph)
    theirs = tree().CreateFolderItem(tree().GetSceneItemID(), "theirs")
    ours = hierarchy.folder(radiograph)
    hierarchy.removeEmptyFolders()
    assert tree().GetItemName(ours)
    for node in hierarchy.radiographParts(radiograph):
        slicer.mrmlScene.RemoveNode(node)
    hierarchy.removeEmptyFolders()
    names = vtk.vtkIdList()
    tree().GetItemChildren(tree().GetSceneItemID(), names)
    assert [names.GetId(index) for index in range(names.GetNumberOfIds())] == [item(radiograph), theirs]
