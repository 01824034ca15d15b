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
_before = set()
"""The ids of our nodes before the undo or redo that is going on."""


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
    _before.clear()
    _before.update(node.GetID() for node in hierarchy.allParts())


def _end(_scene, _event):
    for node in hierarchy.allParts():
        if node.GetID() not in _before:
            hierarchy.putInFolder(node)
    hierarchy.removeEmptyFolders()
