"""The beam beside a surface that was laid onto a CT: image, source and outlines moved by the same alignment, or not."""

from . import hierarchy
from .alignment import alignmentOf
from .beam import viewParts

BEFORE = "ReVert.TransformBefore"
"""Node reference of what follows a surface: the transform it was under before, if any."""


def followSurface(radiographNode, modelNode):
    """Moves what shows how a radiograph was taken with the alignment of a model made from it; None, or a model that is
    not aligned: back to where it was. Does nothing where all is so already."""
    ours = alignmentOf(modelNode) if modelNode is not None else None
    if ours is not None and modelNode.GetNodeReferenceID(hierarchy.RADIOGRAPH) != radiographNode.GetID():
        ours = None
    for node in viewParts(radiographNode):
        follows = _follows(node)
        if ours is None and follows:
            node.SetAndObserveTransformNodeID(node.GetNodeReferenceID(BEFORE))
            node.SetNodeReferenceID(BEFORE, None)
        elif ours is not None and node.GetParentTransformNode() is not ours:
            if not follows:
                node.SetNodeReferenceID(BEFORE, node.GetTransformNodeID())
            node.SetAndObserveTransformNodeID(ours.GetID())


def _follows(node):
    transform = node.GetParentTransformNode()
    return transform is not None and transform.GetAttribute(hierarchy.KIND) == "alignment"
