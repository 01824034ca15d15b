"""The user's CT and segmentation shown in the beam, where one of their vertebrae was laid: each under a transform of
ours, and back under the one it had before.

These transforms are no part of undo, which does not know the user's nodes: `follow` sees to them after it.
"""

import numpy as np
import slicer
from slicer.i18n import tr as _

from ReVertSlicer.input.transforms import toWorld

from . import hierarchy
from .beam_alignment import BEFORE

SHOWN = "ReVert.Shown"
"""Node reference from a transform of ours to the user's node that is under it."""
LEVEL = "ReVert.Level"
CT, LABELS = "ReVert.Ct", "ReVert.CtLabels"
"""Node references from the pose of a vertebra to the CT and the segmentation, or label map, it is of."""


def ownPlace(node):
    """(4, 4) from a node's coordinates to RAS where the user has put it, whether it is shown in the beam or not.
    Raises InputError for a transform that is not linear."""
    ours = node.GetParentTransformNode()
    if ours is None or ours.GetAttribute(hierarchy.KIND) != "ctInBeam":
        return toWorld(node)
    before = ours.GetNodeReference(BEFORE)
    return np.eye(4) if before is None else toWorld(before) @ slicer.util.arrayFromTransformMatrix(before)


def poseOf(radiographNode, level):
    """The transform node, RAS of the CT to RAS of the beam, of a level that was laid there; None without."""
    poses = hierarchy.parts(radiographNode, "ctPose")
    return next((node for node in poses if node.GetAttribute(LEVEL) == level), None)


def shownLevel(radiographNode):
    """The level whose place the CT has in the beam; None where it is not shown there."""
    ours = hierarchy.part(radiographNode, "ctInBeam")
    return None if ours is None else ours.GetAttribute(LEVEL)


def show(radiographNode, level):
    """Puts CT and segmentation where a level was laid; None: back to where the user has them. Raises InputError for a
    transform of theirs that is not linear."""
    pose = poseOf(radiographNode, level) if level else None
    theirs = [pose.GetNodeReference(role) for role in (CT, LABELS)] if pose is not None else []
    theirs = [node for node in theirs if node is not None]
    own = hierarchy.parts(radiographNode, "ctInBeam")
    for ours in hierarchy.allParts("ctInBeam"):  # a CT is in one beam at a time
        if (ours in own) != (ours.GetNodeReference(SHOWN) in theirs):
            _back(ours)
    for node in theirs:
        _put(radiographNode, node, pose)


def follow(radiographNode):
    """Brings what is shown in agreement with the poses, which may be others now, or gone."""
    if level := shownLevel(radiographNode):
        show(radiographNode, level)


def _put(radiographNode, node, pose):
    ours = _oursOf(radiographNode, node)
    matrix = slicer.util.arrayFromTransformMatrix(pose) @ ownPlace(node)
    if ours is None:
        name = _("{node} in the beam").format(node=node.GetName())
        ours = hierarchy.newPart(radiographNode, "ctInBeam", name)
        ours.SetUndoEnabled(False)
        ours.SetNodeReferenceID(SHOWN, node.GetID())
    if node.GetParentTransformNode() is not ours:
        ours.SetNodeReferenceID(BEFORE, node.GetTransformNodeID())
    ours.SetAttribute(LEVEL, pose.GetAttribute(LEVEL))
    if not np.array_equal(matrix, slicer.util.arrayFromTransformMatrix(ours)):
        slicer.util.updateTransformMatrixFromArray(ours, matrix)
    if node.GetParentTransformNode() is not ours:
        node.SetAndObserveTransformNodeID(ours.GetID())


def _oursOf(radiographNode, node):
    parts = hierarchy.parts(radiographNode, "ctInBeam")
    return next((one for one in parts if one.GetNodeReference(SHOWN) is node), None)


def _back(ours):
    """Takes a transform of ours away; a node that the user has put elsewhere meanwhile stays there."""
    node = ours.GetNodeReference(SHOWN)
    if node is not None and node.GetParentTransformNode() is ours:
        node.SetAndObserveTransformNodeID(ours.GetNodeReferenceID(BEFORE))
    slicer.mrmlScene.RemoveNode(ours)
