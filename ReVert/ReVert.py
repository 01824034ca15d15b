"""ReVert in 3D Slicer: one radiograph of the lumbar spine in, the surface of the vertebra out, in the scene.

This file holds what Slicer looks for by name: the module, its panel, its logic and its self test. The parts they are
made of lie in ReVertSlicer/, what needs no Slicer in ReVertLib/. Nothing heavy is imported at file scope.
"""

import sys
from pathlib import Path

import slicer
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import ScriptedLoadableModule, ScriptedLoadableModuleLogic

# Installed, ReVertLib lies beside this file; in a checkout, one folder up.
_HERE = Path(__file__).resolve().parent
for _home in (_HERE, _HERE if (_HERE / "ReVertLib").is_dir() else _HERE.parent):
    if str(_home) not in sys.path:
        sys.path.append(str(_home))

from ReVertLib.errors import InputError  # noqa: E402
from ReVertLib.service.service import Service  # noqa: E402
from ReVertSlicer.input import found_boxes, placement, radiograph_check  # noqa: E402
from ReVertSlicer.input.found_film import foundOn  # noqa: E402
from ReVertSlicer.panel.panel import Panel  # noqa: E402
from ReVertSlicer.scene import (  # noqa: E402
    comparison_nodes,
    ct_alignment_nodes,
    ct_report,
    export,
    measurement_nodes,
    reconstruction_nodes,
    report,
    results_table,
    sample,
    segmentation_nodes,
)
from ReVertSlicer.scene.parameters import parameterNode  # noqa: E402
from ReVertSlicer.work import ct_jobs, film_jobs, jobs, self_test  # noqa: E402
from ReVertSlicer.work.live_follower import LiveFollower  # noqa: E402


class ReVert(ScriptedLoadableModule):
    """What Slicer shows of the module before it is opened."""

    def __init__(self, parent):
        super().__init__(parent)
        parent.title = "ReVert"
        parent.categories = [translate("qSlicerAbstractCoreModule", "Surface Models")]
        parent.dependencies = []
        parent.contributors = ["ReVert contributors"]
        parent.helpText = _(
            "Reconstructs the surface of a lumbar vertebra, in mm, from a single radiograph, and compares it with a CT"
            " segmentation where there is one. Research software, not a medical device."
            ' See the <a href="https://github.com/revert-spine/SlicerReVert">documentation</a>.'
        )
        parent.acknowledgementText = _(
            "Built on VerSe (Sekuboyina et al. 2021), the morphable lumbar model (Clouthier et al. 2023),"
            " TotalSegmentator (Wasserthal et al. 2023) and the lumbosacral spine model (Remus et al. 2021);"
            " their licences lie beside the data in the extension's Resources."
        )
        slicer.app.connect("startupCompleted()", sample.registerSampleData)


class ReVertLogic(ScriptedLoadableModuleLogic):
    """Everything the panel can do, one call each, without widgets; every call works headless and returns when done.

    predictor: a ReVertLib Predictor or anything with its `reconstruct`, and `reconstruct_all` for films; finder: a
    ReVertLib Finder or anything with its `find`; by default the shipped weights, loaded on first use and kept. Every
    call raises InputError, one line, for input that cannot be used.
    """

    def __init__(self, predictor=None, finder=None):
        super().__init__()
        self._service = Service(predictor=predictor, finder=finder)

    def getParameterNode(self):
        return parameterNode(super().getParameterNode())

    def loadSampleData(self, view="ap"):
        """What comes with the extension: .radiograph and .segmentation. view: ap, oblique or lateral of one vertebra,
        or film."""
        return sample.loadSample(view)

    def checkRadiograph(self, radiographNode, sliceIndex=None):
        """A RadiographCheck: what is known about a radiograph and from where, what is missing, and warnings."""
        return radiograph_check.checkRadiograph(radiographNode, sliceIndex)

    def setGeometry(self, radiographNode, **geometry):
        """Keeps lengths and angles (sdd_mm, sod_mm, pixel_spacing_mm, yaw_deg, ...) with a radiograph; None forgets."""
        radiograph_check.enter(radiographNode, **geometry)

    def findVertebrae(self, radiographNode, sliceIndex=0):
        """Finds and names the vertebrae of a film and places a box on each of L1 to L5; returns what was found, a
        ReVertLib FoundSpine in the volume's pixels. What is placed is reconstructed together from then on."""
        job = film_jobs.findJob(radiographNode, sliceIndex)
        film_jobs.showFound(job, self._service.answer("find", job.message.content))
        return foundOn(radiographNode, sliceIndex).spine

    def moveNames(self, radiographNode, steps, sliceIndex=0):
        """Moves all names that were found by so many vertebrae: with 1, what is called L3 becomes L4."""
        found_boxes.rename(radiographNode, sliceIndex, steps=steps)

    def addVertebra(self, radiographNode, level, box=None, point=None, sliceIndex=0):
        """Places a vertebra: box (u0, v0, u1, v1) or point (u, v), pixels; returns its markups node."""
        if (box is None) == (point is None):
            raise InputError("vertebra: expected either a box or a point, got both or neither")
        if point is not None:
            return placement.addPoint(radiographNode, level, point, sliceIndex)
        return placement.addBox(radiographNode, level, box, sliceIndex)

    def vertebrae(self, radiographNode, sliceIndex=0):
        """The vertebrae placed on a radiograph: a list of placement.Placement, by level."""
        return placement.placements(radiographNode, sliceIndex)

    def relabelVertebra(self, vertebra, level):
        """Gives a vertebra of `vertebrae` another level."""
        placement.setLevel(vertebra, level)

    def reconstruct(self, radiographNode, level="L3", box=None, geometry=None, sliceIndex=None):
        """The vertebra in radiographNode as a vtkMRMLModelNode: the existing one, updated, or a new one.

        box: (u0, v0, u1, v1) in pixels around the vertebra; without it the image must show one isolated vertebra.
        geometry: keys of the JSON sidecar (sdd_mm, sod_mm, pixel_spacing_mm, principal_point_px), and yaw_deg,
        pitch_deg, roll_deg of the view. They come before what was entered for the radiograph, that before a sidecar
        beside the image's file, that before DICOM; without angles the view is not known, which the verdict says, and
        the model is placed as of an AP view.

        The model is in RAS, mm, the X-ray source at the origin: of an AP view (camera +X patient left, +Y inferior,
        +Z posterior) RAS = (-X, -Z, -Y), so the vertebra stands upright where it lies before the source.
        """
        job = jobs.reconstructionJob(radiographNode, sliceIndex, level, box, geometry)
        return self._reconstructed(job)[0]

    def reconstructAll(self, radiographNode, sliceIndex=None, level="L3"):
        """Every vertebra placed on a radiograph as a model node, those of a film that was searched together; when none
        is placed, the only one in the image, of level."""
        return self._reconstructed(film_jobs.radiographJob(radiographNode, sliceIndex, level))

    def reconstructFolder(self, folder, output):
        """Every radiograph in a folder into numbered files: {"done": how many, "failed": reasons by name}."""
        return self._service.answer("folder", jobs.folderJob(folder, output).message.content)

    def colourBy(self, modelNode, arrayName):
        """Colours a model by "expected_error_mm" or "signed_distance_mm", with a legend; None: bone."""
        reconstruction_nodes.colourBy(modelNode, arrayName)

    def compare(self, modelNode, segmentationNode, segmentId, align="rigid"):
        """The figures of modelNode against one segment, beside the constant baseline's, as a vtkMRMLTableNode.

        Columns: metric, reconstruction, baseline. align: one of ReVertLib.registration.icp.ALIGNMENTS; the motion
        becomes a transform node of the model. Both are measured in RAS after their own linear transforms; with "none"
        a level of `acceptCt` where it was laid. The figures also join the table of all results of the scene.
        """
        job = jobs.comparisonJob(modelNode, segmentationNode, segmentId, align)
        return jobs.showComparison(job, self._service.compare(job.mesh, job.mask, job.mode, job.level))

    def compareAll(self, segmentationNode, align="rigid"):
        """Every reconstructed level against the segment of its name; the table of all results of the scene."""
        for modelNode, segmentId in results_table.pairs(segmentationNode):
            self.compare(modelNode, segmentationNode, segmentId, align)
        return results_table.resultsTable()

    def removeAlignment(self, modelNode):
        """Puts a model back where it was reconstructed; the user's own transforms stay."""
        comparison_nodes.removeAlignment(modelNode)

    def alignCt(self, radiographNode, ctNode, labelsNode, secondNode=None, sliceIndex=None, level="L3"):
        """Lays every vertebra of a CT that a radiograph shows into its beam; returns their vtkMRMLLinearTransformNodes,
        from the CT to the beam, whose attributes say what they are worth. CT and segmentation stay as they are.

        labelsNode: its segmentation, or label map. secondNode: another radiograph of the same person. level: of the
        only vertebra in an image on which none is placed.
        """
        job = ct_jobs.alignJob(radiographNode, ctNode, labelsNode, secondNode, sliceIndex, level)
        return ct_jobs.showAlignment(job, self._service.answer("register", job.message.content), self._service.about)

    def acceptCt(self, radiographNode):
        """Keeps what was aligned and not refused: `compare` without alignment measures there; returns the levels."""
        return ct_alignment_nodes.accept(radiographNode)

    def removeCt(self, radiographNode):
        """Takes away all that `alignCt` has made for a radiograph."""
        ct_alignment_nodes.remove(radiographNode)

    def exportCt(self, radiographNode, folder):
        """Writes transforms (.tfm), surfaces (.stl, camera frame) and a report (.json) of what was aligned."""
        ct_report.exportAlignment(radiographNode, folder)

    def toSegmentation(self, modelNode):
        """All surfaces made from the radiograph of modelNode as a vtkMRMLSegmentationNode, made or updated: a segment
        for each level, with DICOM's terms, where the models lie now."""
        return segmentation_nodes.toSegmentation(modelNode)

    def showMeasurements(self, modelNode, shown=True):
        """Puts points, pedicle axes and a table of what was measured on the radiograph of modelNode into the scene and
        returns the vtkMRMLTableNode; shown=False takes them away."""
        return measurement_nodes.showMeasurements(modelNode, shown)

    def exportMesh(self, modelNode, path, frame="LPS"):
        """Writes a model as STL, PLY, OBJ or VTP, in LPS or RAS, mm."""
        export.exportMesh(modelNode, path, frame)

    def exportReport(self, modelNode, path):
        """Writes all surfaces of the radiograph of modelNode as an HTML page with pictures, without any name."""
        report.exportReport(modelNode, path)

    def exportTable(self, tableNode, path):
        """Writes a table as CSV."""
        export.exportTable(tableNode, path)

    def follow(self, radiographNode, level="L3", sliceIndex=None, onRate=lambda _rate: None):
        """Reconstructs again whenever the radiograph's image changes, until `.stop()` of what is returned is called."""

        def send(finished):
            job = film_jobs.frameJob(radiographNode, sliceIndex, level)
            jobs.updateReconstructions(job, self._outcomes(job), self._service.about)
            finished()

        follower = LiveFollower(radiographNode, send, onRate)
        follower.begin()
        return follower

    def _outcomes(self, job):
        return job.outcomes(self._service.answer(job.message.kind, job.message.content))

    def _reconstructed(self, job):
        """The models of a job; what was refused among several is raised when the others are shown."""
        outcomes = self._outcomes(job)
        models = jobs.showReconstructions(job, outcomes, self._service.about)
        if refused := jobs.refusals(outcomes):
            raise InputError(refused)
        return models


class ReVertWidget(Panel):
    """The panel; see ReVertSlicer/panel.py."""

    makeLogic = ReVertLogic


class ReVertTest(self_test.SelfTest):
    """What a user does, from loading to comparison; see `ReVertSlicer.work.self_test`."""

    makeLogic = ReVertLogic
