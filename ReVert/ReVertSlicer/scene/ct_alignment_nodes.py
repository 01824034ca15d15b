"""A CT that was aligned to a radiograph, in the scene: of each vertebra a transform from the CT to the beam and under
it the CT's surface, coloured by its verdict, with its outline on the film; the CT's own radiograph; and the report.

Nothing of the user's is changed. Doing it again updates these nodes; a level that is not there any more goes.
"""

import json
from dataclasses import asdict, dataclass

import numpy as np
import slicer
from slicer.i18n import tr as _
from vtk.util.numpy_support import numpy_to_vtk

from ReVertLib.ct_registration.records import ACCEPTED, CHECK, REFUSED
from ReVertLib.geometry.sidecar import sidecar_text
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.geometry.views import LPS_FROM_RAS
from ReVertLib.mesh.mesh import vertex_normals
from ReVertLib.mesh.polydata import to_polydata

from . import beam, ct_in_beam, ct_over_film, hierarchy
from .ct_in_beam import CT, LABELS, LEVEL, poseOf
from .provenance import describeSource, now
from .result_state import SLICE
from .segments import suggestedSegment
from .undo import saveForUndo

JUDGEMENT, EXPECTED = "ReVert.Judgement", "ReVert.ExpectedError"
"""Attributes of a pose: ReVertLib's Judgement and PoseError as JSON."""
ACCEPTED_BY_USER = "ReVert.Accepted"
"""Attribute of a pose: "1" once the user has accepted it."""
COLOURS = {ACCEPTED: (0.66, 0.90, 0.18), CHECK: (0.95, 0.62, 0.15), REFUSED: (0.85, 0.12, 0.12)}
"""By verdict, of surface and outlines; those of a reconstruction are of none of these."""
OPACITY = 0.6
"""Of the CT's surfaces, between which the reconstruction's are to be seen."""
_KINDS = ("ctPose", "ctSurface", "ctReport", "ctDrr", "ctWholeDrr")


@dataclass(frozen=True)
class Second:
    """A second radiograph's node, its slice, and the turn from its pixels to those of the shown picture."""

    node: object
    sliceIndex: int
    turn: int


def showAlignment(radiographNode, ctNode, labelsNode, answer, about, taken, view, second=None):
    """The pose nodes, made or updated, of a ReVertLib CtAnswer, from head to feet; one step of undo. about: ReVertLib's
    About. taken: what of the radiograph was used, see `reconstruction_nodes.Taken`. view: yaw_deg, pitch_deg,
    roll_deg; empty: not known, shown as AP. second: the Second that was used, too."""
    ct_over_film.show(radiographNode, ct_over_film.FILM)
    saveForUndo(*nodesOf(radiographNode), *(hierarchy.part(radiographNode, kind) for kind in ("plane", "beam")))
    levels = [one.level for one in answer.registration.vertebrae]
    for node in [node for node in nodesOf(radiographNode) if _isOutdated(node, levels)]:
        slicer.mrmlScene.RemoveNode(node)
    poses = [_showVertebra(radiographNode, one, answer, taken, view) for one in answer.registration.vertebrae]
    if second is not None:
        _showOnSecond(radiographNode, answer, second)
    for pose in poses:
        describeSource(pose, about, taken)
        pose.SetAttribute("ReVert.Time", now())
        pose.SetNodeReferenceID(CT, ctNode.GetID())
        pose.SetNodeReferenceID(LABELS, labelsNode.GetID())
    report = hierarchy.part(radiographNode, "ctReport") or hierarchy.newPart(
        radiographNode, "ctReport", _("{radiograph} CT alignment").format(radiograph=radiographNode.GetName())
    )
    known = {"revert": about.versions["revert"], "weights_sha256": about.weights_sha256}
    report.SetText(json.dumps(known | json.loads(answer.report)))
    ct_over_film.keepDrr(radiographNode, "ctDrr", answer.drr, taken)
    beam.showView(radiographNode, answer.geometry, view, taken.sliceIndex, taken.turn)
    ct_in_beam.follow(radiographNode)
    return poses


def poses(radiographNode):
    """The pose nodes of a radiograph, from head to feet."""
    return sorted(hierarchy.parts(radiographNode, "ctPose"), key=lambda node: node.GetAttribute(LEVEL))


def nodesOf(radiographNode):
    """All nodes of the alignment, but those that follow from it and only show it."""
    own = [node for kind in _KINDS for node in hierarchy.parts(radiographNode, kind)]
    surfaces = [node for node in own if node.GetAttribute(hierarchy.KIND) == "ctSurface"]
    return [*own, *(node for surface in surfaces for node in hierarchy.modelParts(surface))]


def judgement(pose):
    """What a pose is worth: a dict of the fields of ReVertLib's Judgement."""
    return json.loads(pose.GetAttribute(JUDGEMENT))


def expected(pose):
    """What errors are to be expected: a dict of the fields of ReVertLib's PoseError."""
    return json.loads(pose.GetAttribute(EXPECTED))


def isRefused(pose):
    return judgement(pose)["word"] == REFUSED


def mostTrusted(radiographNode):
    """The level whose pose is trusted most, None where all are refused."""
    usable = [pose for pose in poses(radiographNode) if not isRefused(pose)]
    rank = {ACCEPTED: 1, CHECK: 0}
    best = max(usable, key=lambda one: (rank[judgement(one)["word"]], judgement(one)["similarity"]), default=None)
    return best and best.GetAttribute(LEVEL)


def accept(radiographNode):
    """Marks every pose that was not refused as accepted by the user; one step of undo. Returns the levels."""
    usable = [pose for pose in poses(radiographNode) if not isRefused(pose)]
    saveForUndo(*usable)
    for pose in usable:
        pose.SetAttribute(ACCEPTED_BY_USER, "1")
    return [pose.GetAttribute(LEVEL) for pose in usable]


def isAccepted(radiographNode):
    """Whether every pose that may be was accepted, and there is one."""
    usable = [pose for pose in poses(radiographNode) if not isRefused(pose)]
    return bool(usable) and all(pose.GetAttribute(ACCEPTED_BY_USER) for pose in usable)


def remove(radiographNode):
    """Takes everything away that was made by aligning, and puts the user's CT back; one step of undo."""
    ct_in_beam.show(radiographNode, None)
    ct_over_film.show(radiographNode, ct_over_film.FILM)
    nodes = nodesOf(radiographNode)
    saveForUndo(*nodes)
    for node in nodes:
        slicer.mrmlScene.RemoveNode(node)


def acceptedPlace(modelNode, segmentationNode, segmentId, mode):
    """(place, note): (4, 4) from the segmentation's coordinates to RAS of the beam where the segment of the model's
    level was laid and the user has accepted that, with a line on what it is worth; (None, "") of everything else, and
    where the model itself is laid onto the CT, mode other than "none"."""
    level, radiographNode = modelNode.GetAttribute(LEVEL), modelNode.GetNodeReference(hierarchy.RADIOGRAPH)
    pose = poseOf(radiographNode, level) if radiographNode is not None and mode == "none" else None
    if pose is None or not pose.GetAttribute(ACCEPTED_BY_USER):
        return None, ""
    isIt = pose.GetNodeReference(LABELS) is segmentationNode and suggestedSegment(segmentationNode, level) == segmentId
    if not isIt:
        return None, ""
    text = _(
        "In the beam, where the CT was aligned to the radiograph: {word}, right to {across:.1f} mm across the beam"
    )
    text += _(" and {along:.2g} mm along it")
    note = text.format(
        word=judgement(pose)["word"], across=expected(pose)["across_mm"], along=expected(pose)["along_mm"]
    )
    return slicer.util.arrayFromTransformMatrix(pose) @ ct_in_beam.ownPlace(segmentationNode), note


def _isOutdated(node, levels):
    """Whether a node of the alignment before has no successor in one of these levels."""
    if node.GetAttribute(hierarchy.KIND) in ("ctWholeDrr", "secondSilhouette"):
        return True
    level = node.GetAttribute(LEVEL) or (node.GetNodeReference(hierarchy.SURFACE) or node).GetAttribute(LEVEL)
    return level is not None and level not in levels


def _showVertebra(radiographNode, one, answer, taken, view):
    """Pose, surface and outlines of a RegisteredVertebra. Returns the pose's node."""
    name = f"{radiographNode.GetName()} {one.level} {_('CT')}"
    pose = poseOf(radiographNode, one.level) or hierarchy.newPart(
        radiographNode, "ctPose", _("{name} to the beam").format(name=name)
    )
    toCamera = one.camera_from_lps @ RigidTransform.turn(LPS_FROM_RAS)
    slicer.util.updateTransformMatrixFromArray(pose, (RigidTransform.turn(beam.rasFromCamera(view)) @ toCamera).matrix)
    with slicer.util.NodeModify(pose):
        pose.SetAttribute(LEVEL, one.level)
        pose.SetAttribute("ReVert.View", json.dumps(view))
        pose.SetAttribute("ReVert.Geometry", sidecar_text(answer.geometry))
        pose.SetAttribute(SLICE, str(taken.sliceIndex))
        pose.SetAttribute(JUDGEMENT, json.dumps(asdict(one.judgement)))
        pose.SetAttribute(EXPECTED, json.dumps(asdict(one.expected)))
        pose.SetAttribute(ACCEPTED_BY_USER, None)
    surfaces = hierarchy.parts(radiographNode, "ctSurface")
    model = next((node for node in surfaces if node.GetAttribute(LEVEL) == one.level), None)
    model = model or hierarchy.newPart(radiographNode, "ctSurface", name)
    model.SetAttribute(LEVEL, one.level)
    _showSurface(model, one.mesh.moved(toCamera.inverse), COLOURS[one.judgement.word])
    model.SetAndObserveTransformNodeID(pose.GetID())
    outlines = answer.outlines_px[0][one.level]
    beam.showSilhouette(model, outlines, answer.geometry, view, taken.sliceIndex, taken.turn)
    for kind in ("silhouette", "outline"):
        hierarchy.part(model, kind).GetDisplayNode().SetColor(COLOURS[one.judgement.word])
    return pose


def _showOnSecond(radiographNode, answer, second):
    """The outlines on the second radiograph, in its slice view."""
    words = {one.level: one.judgement.word for one in answer.registration.vertebrae}
    for model in hierarchy.parts(radiographNode, "ctSurface"):
        level = model.GetAttribute(LEVEL)
        found = answer.outlines_px[1][level]
        node = beam.showInSlice(model, "secondSilhouette", second.node, found, second.sliceIndex, second.turn)
        node.GetDisplayNode().SetColor(COLOURS[words[level]])


def _showSurface(modelNode, mesh, colour):
    """mesh: RAS of the CT."""
    polydata, normals = to_polydata(mesh), numpy_to_vtk(np.asarray(vertex_normals(mesh), np.float32), deep=True)
    normals.SetName("Normals")
    polydata.GetPointData().SetNormals(normals)
    modelNode.SetAndObservePolyData(polydata)
    display = modelNode.GetDisplayNode()
    with slicer.util.NodeModify(display):
        display.SetColor(colour)
        display.SetOpacity(OPACITY)
        display.SetInterpolation(display.GouraudInterpolation)
