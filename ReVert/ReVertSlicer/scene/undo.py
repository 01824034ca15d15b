"""Undo and redo of what we do to the scene.

Slicer keeps no states unless the scene's undo is on, and then only of nodes that ask for it, which ours do. It is on
here for a moment only: while it is on, Slicer's views save a state whenever they are moved. A state holds copies of the
nodes named when it is saved; of the others only whether they were there. The subject hierarchy is no part of it: a node
that comes back is put into its folder again here.
"""

from contextlib import contextmanager
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
    with _undoOn(scene):
        if scene.GetNumberOfUndoLevels() >= scene.GetMaximumNumberOfSavedUndoStates():
            scene.ClearUndoStack()  # the states that Slicer drops one by one it never frees
        scene.SaveStateForUndo(_withDisplayNodes(nodes))


def undo():
    """Takes back the last step; without one, nothing."""
    with _undoOn(slicer.mrmlScene):
        slicer.mrmlScene.Undo()


def redo():
    """Does again what was taken back last; without such a step, nothing."""
    with _undoOn(slicer.mrmlScene):
        slicer.mrmlScene.Redo()


@contextmanager
def _undoOn(scene):
    before = scene.GetUndoFlag()
    scene.SetUndoOn()
    try:
        yield
    finally:
        scene.SetUndoFlag(before)


def _withDisplayNodes(nodes):
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
