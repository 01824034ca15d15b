"""Measurements in the scene: of each surface a list of points and the axes of both pedicles as markups, which move with
it; of each radiograph a table. They are there or not as the user wants it, which their table tells.

The colour of points and axes says what is known well enough to be worth a look; grey is what is not.
"""

import json
from weakref import WeakSet

import numpy as np
import slicer
import vtk
from slicer.i18n import tr as _

from ReVertLib.errors import InputError
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.measurement.records import POINT

from . import hierarchy, measured
from .beam import rasFromCamera
from .result_state import SLICE
from .undo import saveForUndo

SIDES = ("left", "right")
AXES = {side: f"{side}PedicleAxis" for side in SIDES}
"""Kinds of nodes."""
MARKUPS = ("measuredPoints", *AXES.values())
COLUMNS = ("of", "measurement", "value", "unit", "standard deviation", "worth a look")
WORTH_A_LOOK, UNSURE = (0.1, 0.7, 0.35), (0.4, 0.4, 0.4)
"""Colours of points and axes."""
GLYPH_PERCENT, LINE_THICKNESS, SEEN_THROUGH_BONE = 2.0, 0.4, 0.6
_watched = WeakSet()
"""Models whose transforms are followed."""


def isShown(radiographNode):
    """Whether the measurements of a radiograph are in the scene."""
    return hierarchy.part(radiographNode, "measurements") is not None


def showMeasurements(modelNode, shown=True):
    """Puts the measurements of all surfaces of the radiograph of modelNode into the scene, in one step of undo, and
    returns their vtkMRMLTableNode with COLUMNS; or takes them away. Raises InputError for a model without a radiograph
    and where nothing was measured."""
    radiographNode = modelNode.GetNodeReference(hierarchy.RADIOGRAPH)
    if radiographNode is None:
        raise InputError(_("model: expected one whose radiograph is in the scene, got one without"))
    models = hierarchy.parts(radiographNode, "surface")
    if shown and not any(map(measured.isMeasured, models)):
        raise InputError(_("measurements: expected surfaces that were measured, got none; reconstruct again"))
    saveForUndo(*nodesOf(radiographNode))
    if not shown:
        for node in nodesOf(radiographNode):
            slicer.mrmlScene.RemoveNode(node)
        return None
    if not isShown(radiographNode):
        hierarchy.newPart(
            radiographNode, "measurements", _("{radiograph} measurements").format(radiograph=radiographNode.GetName())
        )
    update(radiographNode)
    return hierarchy.part(radiographNode, "measurements")


def nodesOf(radiographNode):
    """All nodes that show what was measured on a radiograph, and those whose surface the user has deleted."""
    surfaces = hierarchy.parts(radiographNode, "surface")
    markups = [node for surface in surfaces for kind in MARKUPS for node in hierarchy.parts(surface, kind)]
    return [*hierarchy.parts(radiographNode, "measurements"), *markups, *_orphans()]


def _orphans():
    return [node for node in hierarchy.allParts(*MARKUPS) if node.GetNodeReference(hierarchy.SURFACE) is None]


def update(radiographNode):
    """Brings the measurements of a radiograph in agreement with its surfaces, where they are shown."""
    table = hierarchy.part(radiographNode, "measurements")
    if table is None:
        return
    for node in _orphans():
        slicer.mrmlScene.RemoveNode(node)
    for model in hierarchy.parts(radiographNode, "surface"):
        _showMarkups(model)
    follow(radiographNode)
    _fill(table, radiographNode)


def follow(radiographNode):
    """Sees to it that the markups of a radiograph's surfaces move with them, now and from now on."""
    for model in hierarchy.parts(radiographNode, "surface") if isShown(radiographNode) else ():
        if model not in _watched:
            _watched.add(model)
            model.AddObserver(model.TransformModifiedEvent, _moveWith)
        _moveWith(model)


def _moveWith(modelNode, _event=None):
    for node in (node for kind in MARKUPS for node in hierarchy.parts(modelNode, kind)):
        if node.GetTransformNodeID() != modelNode.GetTransformNodeID():
            node.SetAndObserveTransformNodeID(modelNode.GetTransformNodeID())


def _showMarkups(modelNode):
    """Points and axes of one surface; where nothing was measured, none."""
    found = measured.ofModel(modelNode)
    if not found:
        for node in (node for kind in MARKUPS for node in hierarchy.parts(modelNode, kind)):
            slicer.mrmlScene.RemoveNode(node)
        return
    points = [(name, one.value, one) for name, one in found.items() if one.kind == POINT]
    _put(modelNode, "measuredPoints", _("points"), points)
    for side, kind in AXES.items():
        _put(modelNode, kind, _("{side} pedicle axis").format(side=side), _axis(found, side))


def _axis(found, side):
    """The ends of a line from the entry of a pedicle to the front of the body; both as sure as its direction."""
    entry, axis, length = (found[f"{side} pedicle {name}"] for name in ("entry", "axis", "length"))
    end = np.array(entry.value) + length.value * np.array(axis.value)
    return [(_("entry"), entry.value, axis), (_("end"), end, axis)]


def _put(modelNode, kind, what, points):
    """points: (label, place in the camera's frame, Measurement)."""
    node = hierarchy.part(modelNode, kind) or _newMarkups(modelNode, kind, what)
    view = json.loads(modelNode.GetAttribute("ReVert.View"))
    places = RigidTransform.turn(rasFromCamera(view)).apply(np.array([place for _label, place, _one in points]))
    with slicer.util.NodeModify(node):
        for index, ((label, _place, one), place) in enumerate(zip(points, places, strict=True)):
            if index == node.GetNumberOfControlPoints():
                node.AddControlPoint(vtk.vtkVector3d(*place), label)
            node.SetNthControlPointPosition(index, *place)
            node.SetNthControlPointSelected(index, one.worth_a_look)
            node.SetNthControlPointDescription(index, _deviation(one))


def _newMarkups(modelNode, kind, what):
    node = hierarchy.newPart(modelNode, kind, f"{modelNode.GetName()} {what}")
    node.SetLocked(True)
    display = node.GetDisplayNode()
    with slicer.util.NodeModify(display):
        display.SetSelectedColor(WORTH_A_LOOK)
        display.SetColor(UNSURE)
        display.SetGlyphScale(GLYPH_PERCENT)
        display.SetLineThickness(LINE_THICKNESS)
        display.SetOccludedVisibility(True)
        display.SetOccludedOpacity(SEEN_THROUGH_BONE)
        display.SetPointLabelsVisibility(False)
        display.SetPropertiesLabelVisibility(False)
    return node


def _deviation(one):
    if one.sd is None:
        return _("standard deviation not known")
    return _("standard deviation {sd:.1f} {unit}").format(sd=one.sd, unit=one.unit)


def _fill(tableNode, radiographNode):
    """A new table, so that undo has the former one."""
    rows, table = _rows(radiographNode), vtk.vtkTable()
    for index, title in enumerate(COLUMNS):
        column = vtk.vtkDoubleArray() if title in ("value", "standard deviation") else vtk.vtkStringArray()
        column.SetName(title)
        for row in rows:
            column.InsertNextValue(row[index])
        table.AddColumn(column)
    with slicer.util.NodeModify(tableNode):
        tableNode.SetAndObserveTable(table)
        tableNode.SetUseColumnTitleAsColumnHeader(True)


def _rows(radiographNode):
    """Of COLUMNS; what has a place or a direction as its value lies in the markups."""
    slices = sorted({int(node.GetAttribute(SLICE)) for node in hierarchy.parts(radiographNode, "surface")})
    rows = []
    for index in slices:
        found = measured.ofSlice(radiographNode, index)
        groups = {**found.levels, **found.discs, _("spine"): found.spine} if found is not None else {}
        for name, group in groups.items():
            title = _("{name}, slice {index}").format(name=name, index=index) if len(slices) > 1 else name
            rows += [(title, *_cells(what, one)) for what, one in group.items() if not isinstance(one.value, tuple)]
    return rows


def _cells(what, one):
    sd = float("nan") if one.sd is None else one.sd
    return what, one.value, one.unit, sd, _("yes") if one.worth_a_look else _("no")
