"""A reconstruction in the scene: a model node with its provenance as attributes, and the radiograph's view around it.

There is one model for each level of a radiograph, or of a slice of a stack; doing it again updates that.
"""

import json
from dataclasses import dataclass, replace

import numpy as np
import slicer
from slicer.i18n import tr as _
from vtk.util.numpy_support import numpy_to_vtk

from ReVertLib.geometry.sidecar import sidecar_text
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.imaging.orientation import UPRIGHT
from ReVertLib.inference.verdict import verdict
from ReVertLib.mesh.mesh import vertex_normals
from ReVertLib.mesh.polydata import to_polydata
from ReVertSlicer.input.found_film import UNSURE, UPSIDE_DOWN
from ReVertSlicer.input.input_warnings import isTrainedView

from . import beam, hierarchy, measured, measurement_nodes
from .alignment import removeAlignment
from .colours import BONE, colourBy, keepColours
from .provenance import describeSource, now
from .result_state import ASKED, IMAGE, SLICE, imageSha256, turnOf
from .undo import saveForUndo

__all__ = ["Taken", "colourBy", "modelOf", "showReconstructions", "updateLive"]

DOUBTED = "ReVert.OrientationDoubted"
"""Attribute of a model: "1" where its radiograph's file states an orientation that is not applied, else none."""


@dataclass(frozen=True)
class Taken:
    """What of a radiograph's volume was used. image: SHA-256 of the pixels, None: of those that are there. turn: from
    its pixels to those of the shown picture. boneDark: whether bone is dark in it. doubted: whether its file states an
    orientation that is not applied. asked: JSON of what a film's vertebrae were made with: the lengths by sidecar key
    as far as they were known, and the `levels` that had a box; None of a vertebra by itself."""

    sliceIndex: int = 0
    image: str | None = None
    turn: int = UPRIGHT
    boneDark: bool = False
    doubted: bool = False
    asked: str | None = None


WHOLE = Taken()
"""The only slice, as it is."""


def showReconstructions(radiographNode, outcomes, viewAngles, about, taken=WHOLE):
    """The model nodes, made or updated, of ReVertLib's Outcomes from one image, in order; one step of undo.

    viewAngles: yaw_deg, pitch_deg, roll_deg; empty: not known, shown as AP. about: ReVertLib's About. An alignment to a
    CT was found for the previous surface, so it is removed.
    """
    sliceIndex = taken.sliceIndex
    taken = replace(taken, image=taken.image or imageSha256(radiographNode, sliceIndex))
    models = [modelOf(radiographNode, outcome.reconstruction.geometry.level, sliceIndex) for outcome in outcomes]
    changing = [node for model in filter(None, models) for node in (model, *hierarchy.modelParts(model))]
    saveForUndo(*changing, *(hierarchy.part(radiographNode, kind) for kind in ("plane", "beam", "measurements")))
    for index, outcome in enumerate(outcomes):
        reconstruction = outcome.reconstruction
        model = models[index] or _newModel(radiographNode, reconstruction.geometry.level, sliceIndex)
        models[index] = model
        removeAlignment(model)
        _describeSource(model, about, taken)
        _describe(model, reconstruction, viewAngles)
        measured.keep(model, outcome.measurements)
        _show(model, reconstruction, outcome.outlines_px)
    measurement_nodes.update(radiographNode)
    if outcomes:
        beam.showView(radiographNode, outcomes[-1].reconstruction.geometry, viewAngles, sliceIndex, taken.turn)
    return models


def updateLive(outcomes):
    """Gives the models of a radiograph's slice the next surfaces of a stream, quickly: no new nodes and no step of
    undo. outcomes: an Outcome by model. The view must be that of before; silhouettes, plane and measurements follow, as
    far as the radiograph is still there."""
    for modelNode, outcome in outcomes.items():
        _describe(modelNode, outcome.reconstruction, json.loads(modelNode.GetAttribute("ReVert.View")))
        modelNode.SetAttribute(IMAGE, None)  # the pixels of a live frame are not kept
        measured.keep(modelNode, outcome.measurements)
        _show(modelNode, outcome.reconstruction, outcome.outlines_px)
    anyModel = next(iter(outcomes))
    radiographNode = anyModel.GetNodeReference(hierarchy.RADIOGRAPH)
    if radiographNode is not None:
        beam.updatePixels(radiographNode, int(anyModel.GetAttribute(SLICE)), turnOf(anyModel))
        measurement_nodes.update(radiographNode)


def modelOf(radiographNode, level, sliceIndex=0):
    """The model of a level (None: unknown) that was made from a radiograph's slice, or None."""
    wanted = (level or None, str(sliceIndex or 0))
    for node in hierarchy.parts(radiographNode, "surface"):
        if (node.GetAttribute("ReVert.Level"), node.GetAttribute(SLICE)) == wanted:
            return node
    return None


def _newModel(radiographNode, level, sliceIndex):
    name = f"{radiographNode.GetName()} {level or _('vertebra')}"
    if radiographNode.GetImageData().GetDimensions()[2] > 1:
        name = _("{name}, slice {index}").format(name=name, index=sliceIndex)
    node = hierarchy.newPart(radiographNode, "surface", name)
    node.SetAttribute("ReVert.Level", level or None)
    node.SetAttribute(SLICE, str(sliceIndex))
    display = node.GetDisplayNode()
    with slicer.util.NodeModify(display):
        display.SetColor(BONE)
        display.SetInterpolation(display.GouraudInterpolation)
        display.SetAmbient(0.08)
        display.SetDiffuse(0.92)
        display.SetSpecular(0.18)
        display.SetPower(18)
        display.SetVisibility2D(True)
        display.SetSliceIntersectionThickness(2)
    return node


def _describe(modelNode, reconstruction, viewAngles):
    """The attributes that change with every surface."""
    with slicer.util.NodeModify(modelNode):
        modelNode.SetAttribute("ReVert.Geometry", sidecar_text(reconstruction.geometry))
        modelNode.SetAttribute("ReVert.View", json.dumps(viewAngles))
        modelNode.SetAttribute("ReVert.Time", now())
        modelNode.SetAttribute("ReVert.Seconds", f"{reconstruction.seconds:.3f}")
        modelNode.SetAttribute("ReVert.Warnings", "\n".join(reconstruction.warnings))
        doubted = modelNode.GetAttribute(DOUBTED) is not None
        modelNode.SetAttribute("ReVert.Verdict", _verdict(reconstruction, viewAngles, doubted))


def _verdict(reconstruction, viewAngles, doubted):
    """In words. Where a view leans farther than the training's the network does not see that it errs; where the view
    is not known, nobody knows how the surface is turned; a vertebra may be another than it is called. doubted: whether
    the file states another orientation."""
    found = verdict(reconstruction)
    unsure = [warning for warning in reconstruction.warnings if warning.startswith((UNSURE, UPSIDE_DOWN))]
    if found.word == "trust" and unsure:
        return _("check: {reason}, but {doubt}").format(reason=found.reason, doubt=unsure[0])
    if found.word == "trust" and doubted:
        return _("check: {reason}, but the file states another orientation").format(reason=found.reason)
    if found.word == "trust" and not viewAngles:
        return _("check: {reason}, but the view is not known").format(reason=found.reason)
    if found.word == "trust" and not isTrainedView(viewAngles):
        return _("check: {reason}, but the view leans farther than those of training").format(reason=found.reason)
    return f"{found.word}: {found.reason}"


def _describeSource(modelNode, about, taken):
    """The weights, device and versions, the image and how it was read."""
    describeSource(modelNode, about, taken)
    modelNode.SetAttribute(ASKED, taken.asked)
    modelNode.SetAttribute(DOUBTED, "1" if taken.doubted else None)


def _show(modelNode, reconstruction, outlinesPx):
    """Puts surface and silhouette into the scene."""
    geometry, viewAngles = reconstruction.geometry, json.loads(modelNode.GetAttribute("ReVert.View"))
    mesh = reconstruction.mesh.moved(RigidTransform.turn(beam.rasFromCamera(viewAngles)))
    polydata = to_polydata(mesh)
    polydata.GetPointData().SetNormals(_array(vertex_normals(mesh), "Normals"))
    for name, values in reconstruction.point_arrays.items():
        polydata.GetPointData().AddArray(_array(values, name))
    modelNode.SetAndObservePolyData(polydata)
    keepColours(modelNode)
    if modelNode.GetNodeReference(hierarchy.RADIOGRAPH) is not None:
        sliceIndex, turn = int(modelNode.GetAttribute(SLICE)), turnOf(modelNode)
        beam.showSilhouette(modelNode, outlinesPx, geometry, viewAngles, sliceIndex, turn)


def _array(values, name):
    array = numpy_to_vtk(np.ascontiguousarray(values, np.float32), deep=True)
    array.SetName(name)
    return array
