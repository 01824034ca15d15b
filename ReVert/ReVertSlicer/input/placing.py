"""Slicer's mode in which a click in a slice view places something: begun, asked for, and ended."""

import slicer

from .placement import KINDS, nodeToPlace, removeBegun


def startPlacing(radiographNode, level, kind, sliceIndex=0):
    """Makes the user's next click in a slice view place the level; raises as `placement.addBox`. kind: BOX or POINT.
    Returns whether there is anything to click in: without Slicer's application there are no views."""
    node = nodeToPlace(radiographNode, level, kind, sliceIndex)
    selection, interaction = slicer.mrmlScene.GetNodeByID("vtkMRMLSelectionNodeSingleton"), interactionNode()
    if selection is None or interaction is None:
        return False
    selection.SetReferenceActivePlaceNodeClassName(KINDS[kind])
    selection.SetActivePlaceNodeID(node.GetID())
    interaction.SetPlaceModePersistence(0)
    interaction.SetCurrentInteractionMode(interaction.Place)
    return True


def isPlacing():
    """Whether the next click places something."""
    interaction = interactionNode()
    return interaction is not None and interaction.GetCurrentInteractionMode() == interaction.Place


def stopPlacing(radiographNode):
    """Ends placing; a node in which nothing lies yet is removed."""
    if isPlacing():
        interactionNode().SetCurrentInteractionMode(interactionNode().ViewTransform)
    removeBegun(radiographNode)


def interactionNode():
    """Slicer's node that says what a click does, None where there is no application."""
    return slicer.mrmlScene.GetNodeByID("vtkMRMLInteractionNodeSingleton")
