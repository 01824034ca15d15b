"""What is to be computed, taken from the scene, and what was computed, put back into it.

In between lies ReVertLib's service: in this process for the logic, in a child process for the panel. A job holds no
node, only ids: while it runs, the user may delete what it came from.
"""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import slicer
from slicer.i18n import tr as _

from ReVertLib.errors import InputError
from ReVertLib.files import check_folder
from ReVertLib.geometry.camera import Geometry
from ReVertLib.inference.results import EXTRAS, Refusal
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.metrics.records import Mask
from ReVertLib.service.messages import Message
from ReVertSlicer.input import placement, radiograph_check
from ReVertSlicer.input.sources import sourcesOf
from ReVertSlicer.scene import comparison_nodes, ct_alignment_nodes, reconstruction_nodes, results_table

UNFINISHED = ".revert-unfinished"


@dataclass(frozen=True)
class ReconstructionJob:
    """pixels: (rows, columns) as they are shown, bone bright. geometries: one per vertebra. view: yaw_deg, pitch_deg,
    roll_deg, or empty when it is not known. imageTime: VTK's, of the image they are from. turn: from the volume's
    pixels to these. boneDark: whether bone is dark in the volume. doubted: whether its file states an orientation that
    is not applied. extras: which of ReVertLib's `results.EXTRAS` are wanted."""

    radiographId: str
    sliceIndex: int
    pixels: np.ndarray
    view: dict
    imageTime: int
    turn: int
    boneDark: bool
    doubted: bool
    geometries: tuple[Geometry, ...] = ()
    extras: tuple[str, ...] = EXTRAS

    @property
    def message(self):
        content = {"pixels": self.pixels, "geometries": list(self.geometries), "extras": self.extras}
        return Message("reconstruct", content)

    def ofFrame(self, extras):
        """The same of one frame of many, with what is wanted of it."""
        return replace(self, extras=extras)

    def outcomes(self, answer):
        """ReVertLib's Outcomes and Refusals in what the service has answered."""
        return answer

    def secondOutcomes(self, answer):
        """The same for a second view that is likely; None where there is none for every vertebra."""
        seconds = [None if isinstance(one, Refusal) else one.second for one in answer]
        return seconds if all(seconds) else None

    def seconds(self, reconstructions):
        """How long all of them took."""
        return sum(one.seconds for one in reconstructions)

    @property
    def asked(self):
        """What the surfaces were made with where that is more than their own geometry, as `Taken.asked`."""
        return None


@dataclass(frozen=True)
class ComparisonJob:
    """mesh and mask are in RAS, mm. mode: one of ReVertLib.registration.icp.ALIGNMENTS. note: where the mask lies,
    if it is not where the user has it."""

    modelId: str
    segmentationId: str
    segmentId: str
    mesh: Mesh
    mask: Mask
    mode: str
    level: str | None
    note: str = ""

    @property
    def message(self):
        return Message("compare", {"mesh": self.mesh, "target": self.mask, "mode": self.mode, "level": self.level})


@dataclass(frozen=True)
class FolderJob:
    """Every radiograph in a folder to an output folder. unfinished: a folder in that for what is being written."""

    folder: str
    output: str
    unfinished: str

    @property
    def message(self):
        return Message("folder", {"folder": self.folder, "output": self.output, "unfinished": self.unfinished})


def folderJob(folder, output):
    """Raises InputError for folders that cannot be read and written."""
    if not Path(folder).is_dir():
        raise InputError(_("Radiographs: expected an existing folder, got none of that name"))
    output = check_folder(output, _("Results"))
    return FolderJob(str(folder), str(output), str(output / UNFINISHED))


def reconstructionJob(radiographNode, sliceIndex=None, level="L3", box=None, geometry=None):
    """One vertebra: the one in box, pixels, or the only one in the image. Raises InputError before any work."""
    sources = sourcesOf(radiographNode, sliceIndex or 0, geometry)
    return _reconstructionJob(radiographNode, sliceIndex, sources, [(level, box)])


def placedJob(radiographNode, sliceIndex=None, level="L3"):
    """Every vertebra placed on the radiograph; when none is, the only one in the image, of that level."""
    sources = sourcesOf(radiographNode, sliceIndex or 0)
    placed = placement.placements(radiographNode, sliceIndex or 0, sources.geometry.values, sources.turn)
    for problem in filter(None, (vertebra.problem for vertebra in placed)):
        raise InputError(problem)
    boxes = [(vertebra.level, vertebra.boxPx) for vertebra in placed] or [(level, None)]
    return _reconstructionJob(radiographNode, sliceIndex, sources, boxes)


def _reconstructionJob(node, sliceIndex, sources, boxes):
    """boxes: (level, box in pixels or None) of each vertebra."""
    geometries = tuple(radiograph_check.geometryOf(node, sources, level, box) for level, box in boxes)
    return ReconstructionJob(**pictured(node, sliceIndex, sources), geometries=geometries)


def pictured(node, sliceIndex, sources):
    """The fields of a ReconstructionJob that say which picture it is of, and how that was read."""
    pixels = radiograph_check.pixelsOf(node, sliceIndex, sources)
    time = node.GetImageData().GetMTime()
    boneDark = radiograph_check.isBoneDark(node, sliceIndex, sources)
    view, turn, doubted = sources.geometry.view, sources.turn, bool(sources.doubts)
    return {
        "radiographId": node.GetID(),
        "sliceIndex": sliceIndex,
        "pixels": pixels,
        "view": view,
        "imageTime": time,
        "turn": turn,
        "boneDark": boneDark,
        "doubted": doubted,
    }


def comparisonJob(modelNode, segmentationNode, segmentId, mode):
    """Without an alignment, mode "none", the segment of a level whose place in the beam was accepted is measured there.
    Raises InputError for a segment that is unknown or empty and for a transform that is not linear."""
    place, note = ct_alignment_nodes.acceptedPlace(modelNode, segmentationNode, segmentId, mode)
    return ComparisonJob(
        modelNode.GetID(),
        segmentationNode.GetID(),
        segmentId,
        comparison_nodes.worldMesh(modelNode),
        comparison_nodes.segmentMask(segmentationNode, segmentId, place),
        mode,
        modelNode.GetAttribute("ReVert.Level") or None,
        note,
    )


def showReconstructions(job, outcomes, about):
    """The model nodes, made or updated; nothing for what was refused. Raises InputError when the radiograph is no
    longer there."""
    node = existingNode(job.radiographId, _("radiograph"))
    shown = [outcome for outcome in outcomes if not isinstance(outcome, Refusal)]
    how = (job.turn, job.boneDark, job.doubted, job.asked)
    taken = reconstruction_nodes.Taken(job.sliceIndex or 0, _replacedImage(job), *how)
    return reconstruction_nodes.showReconstructions(node, shown, job.view, about, taken)


def updateReconstructions(job, outcomes, about):
    """The same for one frame of many: cheap where the model is there already, and without an undo step."""
    node = existingNode(job.radiographId, _("radiograph"))
    models, known = [], {}
    for outcome in (outcome for outcome in outcomes if not isinstance(outcome, Refusal)):
        model = reconstruction_nodes.modelOf(node, outcome.reconstruction.geometry.level, job.sliceIndex)
        if model is None:
            models += showReconstructions(job, [outcome], about)
        else:
            known[model] = outcome
            models.append(model)
    if known:
        reconstruction_nodes.updateLive(known)
    return models


def refusals(outcomes):
    """One line for each vertebra that could not be reconstructed while others could."""
    refused = (outcome for outcome in outcomes if isinstance(outcome, Refusal))
    return "\n".join(f"{refusal.geometry.level}: {refusal.reason}" for refusal in refused)


def showComparison(job, found):
    """The comparison's table node; the figures also join the table of all results."""
    model = existingNode(job.modelId, _("model"))
    segmentation = existingNode(job.segmentationId, _("segmentation"))
    found = replace(found, warnings=(*found.warnings, job.note)) if job.note else found
    table = comparison_nodes.showComparison(model, segmentation, job.segmentId, found)
    results_table.appendResult(model, found)
    return table


def _replacedImage(job):
    """SHA-256 of a job's pixels if another image, as the next frame, has taken their place meanwhile, else None. So
    the result is known to be of the image before."""
    image = slicer.mrmlScene.GetNodeByID(job.radiographId).GetImageData()
    if image is not None and image.GetMTime() == job.imageTime:
        return None
    return hashlib.sha256(job.pixels).hexdigest()


def existingNode(nodeId, what):
    """The node of an id. Raises InputError, in words for the user, where it is no longer there."""
    node = slicer.mrmlScene.GetNodeByID(nodeId)
    if node is None:
        raise InputError(
            _("The {what} was deleted while it was being worked on, so the result cannot be shown.").format(what=what)
        )
    return node
