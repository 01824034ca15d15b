"""Where a model lies in the world, and the transform node that lays it onto a CT.

The alignment is our own transform node, the innermost of the model's chain: model -> ours -> the user's. For a motion
W of the world and the user's U it is U^-1 W U, so that U stays what it was. It can be looked at, hardened and removed
like any other.
"""

import numpy as np
import slicer
import vtk
from slicer.i18n import tr as _

from ReVertLib.errors import InputError
from ReVertLib.mesh.polydata import from_polydata
from ReVertSlicer.input.transforms import toWorld

from . import hierarchy

ALIGNMENT = "ReVert.Alignment"
"""Attribute of what depends on it: the mode, one of ReVertLib.registration.icp.ALIGNMENTS."""


def worldMesh(modelNode):
    """The model's surface in RAS, mm, after all its transforms but our alignment. Raises InputError for a model without
    a surface and for a transform that is not linear."""
    if modelNode.GetPolyData() is None or not modelNode.GetPolyData().GetNumberOfPolys():
        raise InputError(_("model: expected a surface, got none"))
    toWorld = _usersTransform(modelNode)
    return from_polydata(modelNode.GetPolyData()).mapped(toWorld)


def alignmentOf(modelNode):
    """Our transform node, where the model is aligned by it, else None."""
    ours = hierarchy.part(modelNode, "alignment")
    return ours if ours is not None and ours in _chain(modelNode) else None


def setAlignment(modelNode, alignment, mode):
    """Lays the model onto the CT by a ReVertLib RigidTransform in RAS; mode "none" removes our node."""
    if mode == "none":
        removeAlignment(modelNode)
        return
    users = _usersTransform(modelNode)
    _removeFromChain(modelNode)
    ours = hierarchy.part(modelNode, "alignment") or hierarchy.newPart(
        modelNode, "alignment", _("{model} alignment").format(model=modelNode.GetName())
    )
    ours.SetAttribute(ALIGNMENT, mode)
    slicer.util.updateTransformMatrixFromArray(ours, np.linalg.inv(users) @ alignment.matrix @ users)
    ours.SetAndObserveTransformNodeID(modelNode.GetTransformNodeID())
    modelNode.SetAndObserveTransformNodeID(ours.GetID())


def motionOf(modelNode, alignment):
    """{"turned_deg", "moved_mm"}: how far an alignment turns the model's surface and moves the surface's centre."""
    centre = worldMesh(modelNode).vertices.mean(axis=0, keepdims=True)
    return {"turned_deg": alignment.angle_deg, "moved_mm": float(np.linalg.norm(alignment.apply(centre) - centre))}


def removeAlignment(modelNode):
    """Puts the model back where it was; the user's own transforms stay."""
    ours = hierarchy.part(modelNode, "alignment")
    if ours is not None:
        _removeFromChain(modelNode)
        slicer.mrmlScene.RemoveNode(ours)


def _removeFromChain(modelNode):
    """Joins the chain where our node was."""
    ours = hierarchy.part(modelNode, "alignment")
    child = modelNode
    for node in _chain(modelNode):
        if node is ours:
            child.SetAndObserveTransformNodeID(ours.GetTransformNodeID())
            ours.SetAndObserveTransformNodeID(None)
            return
        child = node


def _chain(modelNode):
    """The model's transform nodes, the innermost first."""
    node = modelNode.GetParentTransformNode()
    while node is not None:
        yield node
        node = node.GetParentTransformNode()


def _usersTransform(modelNode):
    """(4, 4) from the model's coordinates to RAS by all transforms but ours."""
    toWorld(modelNode)  # raises where one of them is not linear
    ours = hierarchy.part(modelNode, "alignment")
    product = np.eye(4)
    for node in _chain(modelNode):
        if node is not ours:
            matrix = vtk.vtkMatrix4x4()
            node.GetMatrixTransformToParent(matrix)
            product = slicer.util.arrayFromVTKMatrix(matrix) @ product
    return product
