"""The scene that stands in for the application's: what is in it, and what happens in it by itself."""

import scene_host
import slicer
from scene_nodes import radiograph_node


def item(node):
    return slicer.mrmlScene.GetSubjectHierarchyNode().GetItemByDataNode(node)


def test_a_new_scene_has_what_the_application_gives_it():
    scene = scene_host.new_scene()
    assert slicer.mrmlScene is scene
    assert scene.GetNodeByID("vtkMRMLColorTableNodeGrey")
    assert scene.GetNodeByID("vtkMRMLSelectionNodeSingleton")
    assert scene.GetSubjectHierarchyNode()
    for name, class_name in scene_host.LOGICS.items():
        logic = getattr(slicer.modules, name).logic()
        assert logic.GetClassName() == class_name
        assert logic.GetMRMLScene() is scene


def test_every_data_node_has_its_item_as_long_as_it_is_there():
    scene = scene_host.new_scene()
    items = scene.GetSubjectHierarchyNode().GetNumberOfItems()
    node = radiograph_node()
    assert item(node)
    assert not item(scene.GetNodeByID("vtkMRMLColorTableNodeGrey"))
    scene.RemoveNode(node)
    assert scene.GetSubjectHierarchyNode().GetNumberOfItems() == items


def test_a_closed_scene_is_as_new():
    scene = scene_host.new_scene()
    count = scene.GetNumberOfNodes()
    radiograph_node()
    scene.Clear(0)
    assert scene.GetNumberOfNodes() == count
    assert item(radiograph_node())


def test_a_reopened_scene_has_its_nodes_and_items(tmp_path):
    before = scene_host.new_scene()
    node = radiograph_node()
    hierarchy = before.GetSubjectHierarchyNode()
    hierarchy.SetItemParent(item(node), hierarchy.CreateFolderItem(hierarchy.GetSceneItemID(), "folder"))
    scene_host.reopened(tmp_path)
    (again,) = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
    assert slicer.util.arrayFromVolume(again)[0, 0, -1] == 79
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    assert hierarchy.GetItemName(hierarchy.GetItemParent(item(again))) == "folder"
