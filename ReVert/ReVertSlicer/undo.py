"""Undo and redo of what we do to the scene.

Slicer keeps no states unless the scene's undo is on, and then only of nodes that ask for it, which ours do. A state
holds copies of the nodes named when it is saved; of the others only whether they were there. The subject hierarchy is
no part of it: a node that comes back is put into its folder again here.
"""

from weakref import WeakSet

import slicer
import vtk

from . import hierarchy

_watched = WeakSet()
"""Scenes whose undo and redo are followed."""
_present = set()
"""The ids of our nodes before the undo or redo that is going on."""
_owners = {}
"""By the id of a node that belongs to a model, that of the model: a node loses it when the model is removed first."""


def saveForUndo(*nodes):
    """What is done to the scene from now on is undone as one step. nodes: ours that it may change, None is left out;
    those it adds or removes need not be named."""
    scene = slicer.mrmlScene
    _watch(scene)
    scene.SetUndoOn()
    scene.SaveStateForUndo(_withDisplays(nodes))


def _withDisplays(nodes):
    """nodes and their display nodes as a vtkCollection."""
    collection = vtk.vtkCollection()
    for node in filter(None, nodes):
        collection.AddItem(node)
        if node.IsA("vtkMRMLDisplayableNode"):
            for index in range(node.GetNumberOfDisplayNodes()):
                collection.AddItem(node.GetNthDisplayNode(index))
    return collection


def _watch(scene):
    """Sees to the hierarchy after undo and redo in scene, from now on."""
    if scene in _watched:
        return
    _watched.add(scene)
    for event in (scene.StartUndoEvent, scene.StartRedoEvent):
        scene.AddObserver(event, _begin)
    for event in (scene.EndUndoEvent, scene.EndRedoEvent):
        scene.AddObserver(event, _end)


def _begin(_scene, _event):
    parts = hierarchy.allParts()
    _present.clear()
    _present.update(node.GetID() for node in parts)
    _owners.update({node.GetID(): node.GetNodeReferenceID(hierarchy.SURFACE) for node in parts})


def _end(_scene, _event):
    returned = [node for node in hierarchy.allParts() if node.GetID() not in _present]
    for node in returned:
        if _owners.get(node.GetID()):
            node.SetNodeReferenceID(hierarchy.SURFACE, _owners[node.GetID()])
    for node in returned:
        hierarchy.putInFolder(node)
    hierarchy.removeEmptyFolders()
