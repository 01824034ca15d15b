"""What Slicer's application gives a scene besides nodes: the logics of its modules, colours, and a subject hierarchy
that takes in every data node by itself.

Importing a scene file needs the logics too: they make the scene know the node classes of their modules.
"""

import tempfile
import types
from pathlib import Path

import slicer
import slicer.util
import vtk

LOGICS = {
    "annotations": "vtkSlicerAnnotationModuleLogic",
    "colors": "vtkSlicerColorLogic",
    "markups": "vtkSlicerMarkupsLogic",
    "models": "vtkSlicerModelsLogic",
    "plots": "vtkSlicerPlotsLogic",
    "segmentations": "vtkSlicerSegmentationsModuleLogic",
    "sequences": "vtkSlicerSequencesLogic",
    "tables": "vtkSlicerTablesLogic",
    "transforms": "vtkSlicerTransformLogic",
    "volumerendering": "vtkSlicerVolumeRenderingLogic",
    "volumes": "vtkSlicerVolumesLogic",
}
"""slicer.modules.<name>.logic() by its class."""

IN_HIERARCHY = (
    "vtkMRMLDisplayableNode",
    "vtkMRMLTableNode",
    "vtkMRMLPlotChartNode",
    "vtkMRMLPlotSeriesNode",
    "vtkMRMLTextNode",
)
"""What has a plugin in Slicer's subject hierarchy."""

_logics = []
"""Of the scene there is; the application's own comes last. They must let go of a scene before it goes."""

_share = tempfile.TemporaryDirectory()
(Path(_share.name) / "ColorFiles").mkdir()  # Slicer's own lie here; slicer-core has none


def new_scene():
    """slicer.mrmlScene becomes a new scene, as the application starts with; it is also returned."""
    _let_go()
    scene = slicer.vtkMRMLScene()
    slicer.mrmlScene = scene
    application = slicer.vtkSlicerApplicationLogic()
    application.SetHomeDirectory(_share.name)
    application.SetShareDirectory(".")
    application.SetMRMLScene(scene)
    _logics.append(application)
    if not hasattr(slicer, "modules"):
        slicer.modules = types.SimpleNamespace()
    for name, class_name in LOGICS.items():
        logic = getattr(slicer, class_name)()
        logic.SetMRMLApplicationLogic(application)
        logic.SetMRMLScene(scene)
        application.SetModuleLogic(name.capitalize(), logic)
        _logics.insert(0, logic)
        setattr(slicer.modules, name, types.SimpleNamespace(logic=lambda logic=logic: logic))
    slicer.vtkMRMLSubjectHierarchyNode.ResolveSubjectHierarchy(scene)
    scene.AddObserver(scene.NodeAddedEvent, _added)
    scene.AddObserver(scene.NodeAboutToBeRemovedEvent, _removed)
    scene.AddObserver(scene.EndImportEvent, _imported)
    scene.AddObserver(scene.EndCloseEvent, _imported)
    return scene


def reopened(folder):
    """The scene is saved into folder as Slicer's save dialog does, every node with data in a file of its own, then
    closed and loaded again."""
    scene = slicer.mrmlScene
    scene.SetRootDirectory(str(folder))
    for number, node in enumerate(slicer.util.getNodesByClass("vtkMRMLStorableNode")):
        if node.GetSaveWithScene():
            node.AddDefaultStorageNode()
            _write(node, folder / str(number))
    url = str(folder / "scene.mrml")
    scene.SetURL(url)
    assert scene.Commit()
    scene.Clear(0)
    scene.SetURL(url)
    assert scene.Import()


def _write(node, stem):
    storage = node.GetStorageNode()
    if storage is not None:  # without one it is short enough to be in the scene file itself
        storage.SetFileName(f"{stem}.{storage.GetDefaultWriteFileExtension()}")
        assert storage.WriteData(node), node.GetClassName()


def _let_go():
    """Empties the scene that was made here before, and takes it from its logics: neither may outlive the other."""
    if _logics:
        scene = _logics[0].GetMRMLScene()
        scene.RemoveAllObservers()
        scene.Clear(1)
        vtk.vtkObject.GlobalWarningDisplayOff()  # the segmentations' logic complains that there is no scene
        for logic in _logics:
            logic.SetMRMLScene(None)
        vtk.vtkObject.GlobalWarningDisplayOn()
        _logics.clear()


@vtk.calldata_type(vtk.VTK_OBJECT)
def _added(scene, _event, node):
    if not scene.IsImporting():
        _take_in(scene, node)


@vtk.calldata_type(vtk.VTK_OBJECT)
def _removed(scene, _event, node):
    if scene.IsClosing() or node.IsA("vtkMRMLSubjectHierarchyNode"):
        return
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    item = hierarchy.GetItemByDataNode(node)
    if item:
        hierarchy.RemoveItem(item, False, False)


def _imported(scene, _event):
    slicer.vtkMRMLSubjectHierarchyNode.ResolveSubjectHierarchy(scene)
    for index in range(scene.GetNumberOfNodes()):
        _take_in(scene, scene.GetNthNode(index))


def _take_in(scene, node):
    """Puts a node under the scene, where it has no place in the hierarchy yet."""
    if node.GetHideFromEditors() or not any(map(node.IsA, IN_HIERARCHY)):
        return
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    if not hierarchy.GetItemByDataNode(node):
        hierarchy.CreateItem(hierarchy.GetSceneItemID(), node)
