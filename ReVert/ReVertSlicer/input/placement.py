"""Where the vertebrae are in a radiograph: boxes and points that the user places, kept in the scene as markups.

The level is a box's node name and a point's label, so that it shows in the views and can be changed where Slicer
changes names. Each markups node refers to its radiograph, which survives saving; positions are read from the scene
whenever they are asked for. The network looks along the ray through a box's centre at a field of fixed size, so only
the centre matters: a point is as good as a box.
"""

from dataclasses import dataclass, replace

import numpy as np
import slicer
import vtk
from slicer.i18n import tr as _

from ReVertLib.errors import InputError
from ReVertLib.geometry.levels import LEVELS
from ReVertLib.imaging.orientation import UPRIGHT

from .image_slice import imageSlice
from .level_labels import showLabel
from .sources import sourcesOf
from .transforms import boxCorners
from .view_geometry import vertebraPx

RADIOGRAPH = "ReVert.Radiograph"
"""Node reference from a markups node to its radiograph."""
BOX, POINT = "box", "point"
KINDS = {BOX: "vtkMRMLMarkupsROINode", POINT: "vtkMRMLMarkupsFiducialNode"}


@dataclass(frozen=True)
class Placement:
    """Where one vertebra is. boxPx: (u0, v0, u1, v1); what would leave the image is cut off on both sides alike, so
    that the centre stays. pointIndex: of the control point, None for a box. problem: why it cannot be used, one line,
    or ""."""

    level: str
    boxPx: tuple
    sliceIndex: int
    nodeId: str
    pointIndex: int | None
    problem: str


def addBox(radiographNode, level, boxPx=None, sliceIndex=0):
    """A vtkMRMLMarkupsROINode around the pixels u0 <= u < u1, v0 <= v < v1 of a slice; by default in its middle, of a
    mean vertebra's size. Raises InputError for a level that is none or is placed already, and a box off the image."""
    image = imageSlice(radiographNode, sliceIndex)
    _checkNew(image, level)
    if boxPx is None:
        boxPx = _boxAround((image.size - 1) / 2, np.minimum(_vertebraPx(image) / 2, image.size / 2))
    u0, v0, u1, v1 = (float(value) for value in boxPx)
    columns, rows = image.size
    if not (0 <= u0 < u1 <= columns and 0 <= v0 < v1 <= rows):
        text = _("box_px: expected a box inside the {columns} x {rows} image, got {box}")
        raise InputError(text.format(columns=columns, rows=rows, box=[u0, v0, u1, v1]))
    node = _newNode(radiographNode, BOX, level)
    lengths = np.linalg.norm(image.toWorld[:3, :3], axis=0)
    frame = np.eye(4)
    frame[:3, :3] = image.toWorld[:3, :3] / lengths
    frame[:3, 2] *= np.sign(np.linalg.det(frame[:3, :3]))  # a box may not be mirrored, and looks the same either way
    frame[:3, 3] = image.world((u0 + u1 - 1) / 2, (v0 + v1 - 1) / 2)
    node.SetAndObserveObjectToNodeMatrix(slicer.util.vtkMatrixFromArray(frame))
    node.SetSize((u1 - u0) * lengths[0], (v1 - v0) * lengths[1], lengths[2])
    return node


def addPoint(radiographNode, level, px, sliceIndex=0):
    """Adds a control point at pixel (u, v) of a slice to the radiograph's vtkMRMLMarkupsFiducialNode and returns that.
    Raises InputError for a level that is none or is placed already, and for a point outside the image."""
    image = imageSlice(radiographNode, sliceIndex)
    _checkNew(image, level)
    problem = image.outside(np.asarray(px, float))
    if problem:
        raise InputError(problem)
    node = _pointList(radiographNode)
    node.AddControlPointWorld(vtk.vtkVector3d(*image.world(*px)), level)
    return node


def placements(radiographNode, sliceIndex=0, known=None, turn=UPRIGHT):
    """The Placements on a slice, as they are now, L1 first; what cannot be used has a problem.

    known: the geometry's values by key, as far as they are known, of the picture shown by turn; they give the size of
    the box around a point. Raises InputError only where nothing can be read: for a radiograph under a transform that is
    not linear.
    """
    image = imageSlice(radiographNode, sliceIndex)
    return _placementsOn(image, _vertebraPx(image) if known is None else vertebraPx(known, image.size, turn))


def isMarked(radiographNode):
    """Whether there is a box or a point of a radiograph, wherever it lies, or one is being placed."""
    return any(_nodes(radiographNode, kind) for kind in KINDS)


def setLevel(placement, level):
    """Gives a placed vertebra another level. Raises InputError for a level that is none or is placed already."""
    node = slicer.mrmlScene.GetNodeByID(placement.nodeId)
    if level != placement.level:
        _checkNew(imageSlice(node.GetNodeReference(RADIOGRAPH), placement.sliceIndex), level)
    if placement.pointIndex is None:
        node.SetName(level)
    else:
        node.SetNthControlPointLabel(placement.pointIndex, level)


def remove(placement):
    """Takes a placed vertebra out of the scene."""
    node = slicer.mrmlScene.GetNodeByID(placement.nodeId)
    if placement.pointIndex is None:
        slicer.mrmlScene.RemoveNode(node)
    else:
        node.RemoveNthControlPoint(placement.pointIndex)


def showOpened():
    """Shows every box and point of a scene that was opened as a new one: see `_show`."""
    for kind, className in KINDS.items():
        for node in slicer.util.getNodesByClass(className):
            if node.GetNodeReferenceID(RADIOGRAPH) and node.GetDisplayNode() is not None:
                _show(node, kind)


def nodeToPlace(radiographNode, level, kind, sliceIndex=0):
    """The markups node that is to take the level's box or point; raises as `addBox`. kind: BOX or POINT."""
    _checkNew(imageSlice(radiographNode, sliceIndex), level)
    if kind == POINT:
        node = _pointList(radiographNode)
        node.SetControlPointLabelFormat(level)
        return node
    begun = _begun(radiographNode, BOX)
    node = begun[0] if begun else _newNode(radiographNode, BOX, level)
    node.SetName(level)
    return node


def removeBegun(radiographNode):
    """Removes markups nodes in which nothing lies yet."""
    for node in (node for kind in KINDS for node in _begun(radiographNode, kind)):
        slicer.mrmlScene.RemoveNode(node)


def _begun(radiographNode, kind):
    return [node for node in _nodes(radiographNode, kind) if not node.GetNumberOfDefinedControlPoints()]


def _checkNew(image, level):
    if level not in LEVELS:
        raise InputError(_notALevel(level))
    if any(placed.level == level for placed in _placementsOn(image, image.size)):
        raise InputError(_levelTwice(level))


def _levelTwice(level):
    text = _("{level}: expected one box or point on this image, got a second one; remove it or change its level")
    return text.format(level=level)


def _notALevel(label):
    text = _("level: expected one of {levels}, got {label!r}")
    return text.format(levels=", ".join(LEVELS), label=str(label)[:40])


def _placementsOn(image, vertebraPx):
    """vertebraPx: (2,) size of the box around a point, in pixels."""
    found = [
        (node.GetName(), boxCorners(node), node, None)
        for node in _nodes(image.node, BOX)
        if node.GetNumberOfDefinedControlPoints() and min(node.GetSize()[:2]) > 0  # else it is still being drawn
    ]
    for node in _nodes(image.node, POINT):
        for index in range(node.GetNumberOfControlPoints()):
            if node.GetNthControlPointPositionStatus(index) == node.PositionDefined:
                point = np.array([node.GetNthControlPointPositionWorld(index)])
                found.append((node.GetNthControlPointLabel(index), point, node, index))
    read = [_placement(image, *one, vertebraPx) for one in found]
    return _duplicatesMarked(sorted((placed for placed in read if placed), key=lambda placed: placed.level))


def _placement(image, label, points, node, pointIndex, vertebraPx):
    """One Placement, None if it is on another slice. points: (n, 3) in the world, a single one or a box's corners."""
    ijk = (np.linalg.inv(image.toWorld) @ np.column_stack([points, np.ones(len(points))]).T)[:3].T
    if image.sliceCount > 1 and round(ijk[:, 2].mean()) != image.sliceIndex:
        return None
    centre, half = (ijk.max(0) + ijk.min(0))[:2] / 2, np.ptp(ijk, axis=0)[:2] / 2
    if pointIndex is not None:
        half = vertebraPx / 2
    level = label.strip()
    problem = image.outside(centre) if level in LEVELS else _notALevel(level)
    if not image.outside(centre):
        half = np.minimum(half, np.minimum(centre + 0.5, image.size - 0.5 - centre))
    return Placement(level, _boxAround(centre, half), image.sliceIndex, node.GetID(), pointIndex, problem)


def _duplicatesMarked(found):
    """The same with a problem on each of several that have the same level."""
    levels = [placed.level for placed in found]
    return [
        placed
        if levels.count(placed.level) == 1
        else replace(placed, problem=placed.problem or _levelTwice(placed.level))
        for placed in found
    ]


def _boxAround(centre, half):
    """The box of pixels around the pixel coordinates centre (2,); a box's edge lies half a pixel before its first
    pixel's centre."""
    lower, upper = centre - half + 0.5, centre + half + 0.5
    return tuple(round(float(value), 3) for value in (*lower, *upper))


def _vertebraPx(image):
    """(2,) size of a vertebra in pixels by what is known of the radiograph's geometry."""
    try:
        sources = sourcesOf(image.node, image.sliceIndex)
    except InputError:  # the check of the radiograph shows the reason
        return vertebraPx({}, image.size)
    return vertebraPx(sources.geometry.values, image.size, sources.turn)


def _nodes(radiographNode, kind):
    nodes = slicer.util.getNodesByClass(KINDS[kind])
    return [node for node in nodes if node.GetNodeReferenceID(RADIOGRAPH) == radiographNode.GetID()]


def _pointList(radiographNode):
    found = _nodes(radiographNode, POINT)
    return found[0] if found else _newNode(radiographNode, POINT, _("Vertebrae"))


def _newNode(radiographNode, kind, name):
    node = slicer.mrmlScene.AddNewNodeByClass(KINDS[kind], name)
    node.SetNodeReferenceID(RADIOGRAPH, radiographNode.GetID())
    node.CreateDefaultDisplayNodes()
    if kind == BOX:  # fill and middle handle would hide the very image they mark
        node.GetDisplayNode().SetFillVisibility(False)
        node.GetDisplayNode().SetTranslationHandleVisibility(False)
    _show(node, kind)
    return node


def _show(node, kind):
    """Hides a box or point in 3D, where the radiograph lies elsewhere: on the detector, not at its coordinates. A box's
    level is written at its corner."""
    node.GetDisplayNode().SetVisibility3D(False)
    if kind == BOX:
        showLabel(node)
