"""The work on a CT: it is aligned to a radiograph, and projected as one piece. As in jobs.py, no job holds a node."""

from dataclasses import dataclass

import numpy as np
import slicer
from slicer.i18n import tr as _

from ReVertLib.errors import InputError
from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.sidecar import complete_geometry
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.imaging.orientation import UPRIGHT, shown_box, shown_size
from ReVertLib.service.messages import Message
from ReVertLib.service.registration import CtGiven, FilmGiven
from ReVertSlicer.input import placement, radiograph_check
from ReVertSlicer.input.sources import sourcesOf
from ReVertSlicer.scene import ct_alignment_nodes, ct_over_film, ct_report
from ReVertSlicer.scene.ct_in_beam import CT, LABELS, poseOf
from ReVertSlicer.scene.ct_voxels import ctGiven
from ReVertSlicer.scene.reconstruction_nodes import Taken
from ReVertSlicer.scene.result_state import SLICE, imageSha256, turnOf

from . import jobs


@dataclass(frozen=True)
class AlignJob:
    """films: one or two ReVertLib FilmGiven, the first of the radiograph. taken, view: of that one. secondId: of the
    second radiograph, whose only slice is used; secondTurn: from its pixels to those of the shown picture."""

    radiographId: str
    ctId: str
    labelsId: str
    given: CtGiven
    films: tuple
    taken: Taken
    view: dict
    secondId: str | None = None
    secondTurn: int = UPRIGHT

    @property
    def message(self):
        return Message("register", {"given": self.given, "films": list(self.films)})


@dataclass(frozen=True)
class WholeDrrJob:
    """The whole CT as level was laid. size: (columns, rows) of the shown picture."""

    radiographId: str
    level: str
    given: CtGiven
    pose: RigidTransform
    geometry: Geometry
    size: tuple
    taken: Taken

    @property
    def message(self):
        content = {"camera_from_lps": self.pose, "geometry": self.geometry, "size_px": self.size}
        return Message("ct_drr", {"given": self.given, **content})


def alignJob(radiographNode, ctNode, labelsNode, secondNode=None, sliceIndex=None, level="L3"):
    """A CT and its segmentation, or label map, to be aligned to a radiograph, or to two of the same person. level: of
    the only vertebra in an image on which none is placed. Raises InputError before any work."""
    if secondNode is radiographNode:
        raise InputError(_("second radiograph: expected another one, got the same"))
    index, sources = sliceIndex or 0, sourcesOf(radiographNode, sliceIndex or 0)
    films, second = [_filmGiven(radiographNode, sliceIndex, sources, level)], ()
    if secondNode is not None:
        ofSecond = sourcesOf(secondNode)
        films.append(_filmGiven(secondNode, None, ofSecond, level))
        second = secondNode.GetID(), ofSecond.turn
    boneDark = radiograph_check.isBoneDark(radiographNode, sliceIndex, sources)
    taken = Taken(index, imageSha256(radiographNode, index), sources.turn, boneDark, bool(sources.doubts))
    ids = (node.GetID() for node in (radiographNode, ctNode, labelsNode))
    return AlignJob(*ids, ctGiven(ctNode, labelsNode), tuple(films), taken, sources.geometry.view, *second)


def wholeDrrJob(radiographNode, level):
    """The whole CT, laid as a level that was aligned. Raises InputError when it is not there any more."""
    pose = poseOf(radiographNode, level)
    ctNode, labelsNode = (pose.GetNodeReference(role) for role in (CT, LABELS))
    if ctNode is None or labelsNode is None:
        raise InputError(_("CT: expected the one that was aligned in the scene, got none"))
    report, taken = ct_report.reportOf(radiographNode), Taken(int(pose.GetAttribute(SLICE)), None, turnOf(pose))
    size = shown_size(radiographNode.GetImageData().GetDimensions()[:2], taken.turn)
    camera = RigidTransform.from_matrix(np.array(report["vertebrae"][level]["camera_from_ct"]))
    geometry = complete_geometry(report["geometries"][0], size)
    return WholeDrrJob(radiographNode.GetID(), level, ctGiven(ctNode, labelsNode), camera, geometry, tuple(size), taken)


def showAlignment(job, answer, about):
    """The pose nodes of an AlignJob. Raises InputError when radiograph, CT or segmentation is no longer there."""
    radiograph, ct = jobs.existingNode(job.radiographId, _("radiograph")), jobs.existingNode(job.ctId, _("CT"))
    labels = jobs.existingNode(job.labelsId, _("segmentation"))
    node = slicer.mrmlScene.GetNodeByID(job.secondId) if job.secondId else None
    second = ct_alignment_nodes.Second(node, 0, job.secondTurn) if node is not None else None
    return ct_alignment_nodes.showAlignment(radiograph, ct, labels, answer, about, job.taken, job.view, second)


def keepWholeDrr(job, drr):
    """Keeps the picture of a WholeDrrJob, unless its alignment was taken away meanwhile."""
    node = slicer.mrmlScene.GetNodeByID(job.radiographId)
    if node is not None and poseOf(node, job.level) is not None:
        ct_over_film.keepDrr(node, "ctWholeDrr", drr, job.taken, job.level)


def _filmGiven(node, sliceIndex, sources, level):
    """What the library needs of a radiograph: pixels, all that is known, and what is placed on it."""
    pixels = radiograph_check.pixelsOf(node, sliceIndex, sources)
    placed = placement.placements(node, sliceIndex or 0, sources.geometry.values, sources.turn)
    for problem in filter(None, (vertebra.problem for vertebra in placed)):
        raise InputError(problem)
    size = node.GetImageData().GetDimensions()[:2]
    boxes = {vertebra.level: shown_box(vertebra.boxPx, size, sources.turn) for vertebra in placed}
    return FilmGiven(pixels, sources.geometry, boxes, level)
