"""The level beside a box in the slice views, at the box's upper left corner: Slicer writes a markup's own name into its
middle, over the bone.

Each label is a point of a node of its own, which is locked and in no list. It follows its box wherever and however that
is moved, and is not saved: it is made again when a scene is opened.
"""

from contextlib import contextmanager
from weakref import WeakSet

import slicer
import vtk
from slicer.i18n import tr as _

from .transforms import boxCorners

BOX = "ReVert.Box"
"""Node reference from a label to its box."""
LIKELY = "ReVert.Likely"
"""Attribute of a box: how likely its level is, as text beside it; only of a box that was found."""
TEXT_SCALE = 4.0
"""Of Slicer's, which is 3 where nobody says: names are read on a bright film, too."""
_watched = WeakSet()
"""Scenes in which a label goes with its box, and boxes that are followed."""


def showLabel(boxNode):
    """Shows the name of a vtkMRMLMarkupsROINode at its corner from now on, in place of the one in its middle."""
    boxNode.GetDisplayNode().SetPropertiesLabelVisibility(False)
    if boxNode not in _watched:
        _watched.add(boxNode)
        for event in (
            vtk.vtkCommand.ModifiedEvent,
            boxNode.PointModifiedEvent,
            boxNode.TransformModifiedEvent,
            boxNode.DisplayModifiedEvent,
        ):
            boxNode.AddObserver(event, _follow)
    scene = boxNode.GetScene()
    if scene not in _watched:
        _watched.add(scene)
        scene.AddObserver(scene.NodeRemovedEvent, _removeOrphans)
    if _label(boxNode) is None:
        _newLabel(boxNode)
    _follow(boxNode)


def _follow(boxNode, _event=None):
    """Brings the label in agreement with its box; a box that is still being drawn has none to see."""
    label = _label(boxNode)
    if label is None:  # the box has left the scene
        return
    drawn = boxNode.GetNumberOfDefinedControlPoints() and min(boxNode.GetSize()[:2]) > 0
    label.SetDisplayVisibility(bool(drawn and boxNode.GetDisplayVisibility()))
    label.SetNthControlPointLabel(0, " ".join(filter(None, (boxNode.GetName(), boxNode.GetAttribute(LIKELY)))))
    label.SetNthControlPointPositionWorld(0, *_upperLeft(boxNode))


def _upperLeft(boxNode):
    """(3,) RAS mm: the corner of a box's middle plane that is farthest right, anterior and superior, which is at the
    upper left in each of Slicer's axial, coronal and sagittal views."""
    return max(boxCorners(boxNode, depths=[0]), key=sum)


def newTexts(name):
    """A locked vtkMRMLMarkupsFiducialNode of which only the labels of its points are seen, in no list and not saved."""
    node = slicer.vtkMRMLMarkupsFiducialNode()
    node.SetName(name)
    node.SetHideFromEditors(True)
    node.SetSaveWithScene(False)
    node.SetLocked(True)
    with _placingAsBefore():
        slicer.mrmlScene.AddNode(node)
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SetSaveWithScene(False)
    display.SetVisibility3D(False)
    display.SetGlyphScale(0)
    display.SetTextScale(TEXT_SCALE)
    return node


def _newLabel(boxNode):
    node = newTexts(_("Level of a box"))
    node.SetNodeReferenceID(BOX, boxNode.GetID())
    node.AddControlPointWorld(vtk.vtkVector3d(*_upperLeft(boxNode)))


@contextmanager
def _placingAsBefore():
    """Slicer makes every new markups node the one that the next click adds to."""
    selection = slicer.mrmlScene.GetNodeByID("vtkMRMLSelectionNodeSingleton")
    before = selection and (selection.GetActivePlaceNodeClassName(), selection.GetActivePlaceNodeID())
    yield
    if before:
        selection.SetReferenceActivePlaceNodeClassName(before[0])
        selection.SetActivePlaceNodeID(before[1])


def _labels():
    nodes = slicer.util.getNodesByClass("vtkMRMLMarkupsFiducialNode")
    return [node for node in nodes if node.GetNodeReferenceID(BOX)]


def _label(boxNode):
    return next((node for node in _labels() if node.GetNodeReferenceID(BOX) == boxNode.GetID()), None)


def _removeOrphans(scene, _event):
    if not scene.IsClosing():
        for node in [node for node in _labels() if node.GetNodeReference(BOX) is None]:
            scene.RemoveNode(node)
