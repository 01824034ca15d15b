"""ReVert in 3D Slicer: the line of ReVertLib run on nodes. The only file that knows Slicer.

Nothing heavy is imported at file scope: torch and the library's steps load on the first click.
"""

import json
import logging
import sys
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import numpy as np
import slicer
import vtk
from slicer import vtkMRMLModelNode, vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.parameterNodeWrapper import Choice, WithinRange, parameterNodeWrapper
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

# Installed, ReVertLib lies beside this file; in a checkout, one folder up.
_HERE = Path(__file__).resolve().parent
_LIBRARY_HOME = str(_HERE if (_HERE / "ReVertLib").is_dir() else _HERE.parent)
if _LIBRARY_HOME not in sys.path:
    sys.path.append(_LIBRARY_HOME)

from ReVertLib.errors import InputError  # noqa: E402
from ReVertLib.geometry import (  # noqa: E402
    LEVELS,
    LPS_FROM_RAS,
    camera_from_lps,
    complete_geometry,
    read_sidecar,
    sidecar_path,
    sidecar_text,
)

BONE_COLOUR = (0.95, 0.84, 0.57)
VIEW_ANGLES = ("yaw_deg", "pitch_deg", "roll_deg")


class ReVert(ScriptedLoadableModule):
    """What Slicer shows of the module before it is opened."""

    def __init__(self, parent):
        super().__init__(parent)
        parent.title = "ReVert"
        parent.categories = [translate("qSlicerAbstractCoreModule", "Surface Models")]
        parent.contributors = ["ReVert contributors"]
        parent.helpText = _("Reconstructs the surface of a lumbar vertebra, in mm, from a single radiograph.")
        parent.acknowledgementText = _("Derived from public data; see the licences in the extension's Resources.")


@parameterNodeWrapper
class ReVertParameterNode:
    """The module's state, saved with the scene. A length of 0 means: as in the file."""

    radiograph: vtkMRMLScalarVolumeNode
    level: Annotated[str, Choice(list(LEVELS))] = "L3"
    sddMm: Annotated[float, WithinRange(0, 5000)] = 0.0
    sodMm: Annotated[float, WithinRange(0, 5000)] = 0.0
    spacingMm: Annotated[float, WithinRange(0, 10)] = 0.0
    model: vtkMRMLModelNode
    segmentation: vtkMRMLSegmentationNode
    segmentId: str


class ReVertWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The module's panel: keeps the parameter node and the widgets in agreement and calls the logic."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)

    def setup(self):
        super().setup()
        self.logic = ReVertLogic()
        self._parameterNode = None
        self._guiTag = None
        self._segmentIds = []
        self._noticeShown = False
        uiWidget = slicer.util.loadUI(self.resourcePath("UI/ReVert.ui"))
        self.layout.addWidget(uiWidget)
        self.ui = slicer.util.childWidgetVariables(uiWidget)
        uiWidget.setMRMLScene(slicer.mrmlScene)
        self.ui.reconstructButton.clicked.connect(self.onReconstruct)
        self.ui.compareButton.clicked.connect(self.onCompare)
        self.ui.segmentSelector.currentIndexChanged.connect(self.onSegment)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.onSceneEndClose)
        self.enter()

    def cleanup(self):
        self.removeObservers()

    def enter(self):
        """Connects to the scene's parameter node; called by Slicer whenever the module is opened."""
        self._follow(self.logic.getParameterNode())

    def exit(self):
        self._follow(None)

    def onSceneStartClose(self, _caller, _event):
        self._follow(None)

    def onSceneEndClose(self, _caller, _event):
        if self.parent.isEntered:
            self.enter()

    def _follow(self, parameterNode):
        """Shows parameterNode, and nothing any more of the one before; None shows none."""
        if self._parameterNode is not None:
            self._parameterNode.disconnectGui(self._guiTag)
            self.removeObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self.onModified)
        self._parameterNode = parameterNode
        if parameterNode is not None:
            self._guiTag = parameterNode.connectGui(self.ui)
            self.addObserver(parameterNode, vtk.vtkCommand.ModifiedEvent, self.onModified)
            self.onModified()

    def onModified(self, _caller=None, _event=None):
        """Brings what no single parameter decides up to date: the segments listed and the buttons."""
        state = self._parameterNode
        self._listSegments(state.segmentation)
        canReconstruct = state.radiograph is not None
        canCompare = state.model is not None and state.segmentation is not None and bool(state.segmentId)
        self._enable(self.ui.reconstructButton, canReconstruct, _("Select a radiograph first."))
        self._enable(self.ui.compareButton, canCompare, _("Select a model and a segment first."))

    @staticmethod
    def _enable(button, enabled, reason):
        button.setEnabled(enabled)
        button.setToolTip("" if enabled else reason)

    def _listSegments(self, segmentationNode):
        segmentation = segmentationNode.GetSegmentation() if segmentationNode else None
        ids = list(segmentation.GetSegmentIDs()) if segmentation else []
        selector = self.ui.segmentSelector
        if ids != self._segmentIds:
            self._segmentIds = ids
            selector.blockSignals(True)
            selector.clear()
            for segmentId in ids:
                selector.addItem(segmentation.GetSegment(segmentId).GetName())
            selector.blockSignals(False)
        if self._parameterNode.segmentId not in ids:
            self._parameterNode.segmentId = ids[0] if ids else ""
        elif ids:
            selector.setCurrentIndex(ids.index(self._parameterNode.segmentId))

    def onSegment(self, index):
        if self._parameterNode is not None and 0 <= index < len(self._segmentIds):
            self._parameterNode.segmentId = self._segmentIds[index]

    def onReconstruct(self, *_args):
        """Runs the line on the selected radiograph and selects the new model."""
        state = self._parameterNode
        lengths = {"sdd_mm": state.sddMm, "sod_mm": state.sodMm, "pixel_spacing_mm": [state.spacingMm] * 2}
        known = {key: value for key, value in lengths.items() if value not in (0.0, [0.0, 0.0])}
        self._showNoticeOnce()
        with self._running(_("Reconstruction failed.")):
            state.model = self.logic.reconstruct(state.radiograph, state.level, geometry=known)
            slicer.util.resetThreeDViews()

    def onCompare(self, *_args):
        """Measures the selected model against the selected segment."""
        state = self._parameterNode
        with self._running(_("Comparison failed.")):
            table = self.logic.compare(state.model, state.segmentation, state.segmentId).GetTable()
            rows = ([table.GetValue(row, column).ToString() for column in range(3)] for row in range(3))
            self.ui.resultLabel.setText("\n".join(f"{name}: {float(a):.3f}   ({float(b):.3f})" for name, a, b in rows))

    def _showNoticeOnce(self):
        if not self._noticeShown:
            self._noticeShown = True
            slicer.util.infoDisplay(
                _("ReVert is for research only. It is not a medical device: do not use it for diagnosis or treatment."),
                dontShowAgainSettingsKey="ReVert/HideResearchNotice",
            )

    @contextmanager
    def _running(self, failure):
        """The progress bar moves while the block runs; what the user can mend is said without a traceback."""
        self.ui.progressBar.setRange(0, 0)
        slicer.app.processEvents()
        try:
            yield
        except InputError as error:
            slicer.util.errorDisplay(str(error))
        except Exception as error:
            logging.exception(failure)
            slicer.util.errorDisplay(f"{failure}\n\n{error}")
        finally:
            self.ui.progressBar.setRange(0, 1)
            self.ui.progressBar.setValue(0)


class ReVertLogic(ScriptedLoadableModuleLogic):
    """The line on nodes, without widgets.

    predictor: a ReVertLib Predictor or anything with its `reconstruct`; by default the shipped weights, loaded on
    first use and kept.
    """

    def __init__(self, predictor=None):
        super().__init__()
        self._predictor = predictor

    def getParameterNode(self):
        return ReVertParameterNode(super().getParameterNode())

    def reconstruct(self, radiographNode, level="L3", box=None, geometry=None):
        """The vertebra in radiographNode as a new vtkMRMLModelNode.

        box: (u0, v0, u1, v1) in pixels around the vertebra; without it the image must show one isolated vertebra.
        geometry: keys of the JSON sidecar (sdd_mm, sod_mm, pixel_spacing_mm, principal_point_px), and yaw_deg,
        pitch_deg, roll_deg of the view. They come before those of a sidecar beside the image's file; without angles
        the view is taken to be AP.

        The model is in RAS, mm, the X-ray source at the origin: of an AP view (camera +X patient left, +Y inferior,
        +Z posterior) RAS = (-X, -Z, -Y), so the vertebra stands upright where it lies before the source.
        Raises InputError for what is missing or impossible, and when a Python package is missing.
        """
        known = {**self._sidecar(radiographNode), **(geometry or {}), "level": level}
        if box is not None:
            known["box_px"] = list(box)
        view = {angle: float(known.pop(angle, 0.0)) for angle in VIEW_ANGLES}
        pixels = self._pixels(radiographNode)
        if "pixel_spacing_mm" not in known:
            known["pixel_spacing_mm"] = self._detectorSpacing(radiographNode)
        complete = complete_geometry(known, pixels.shape[::-1])
        result = self._loadedPredictor().reconstruct(pixels, complete)
        for warning in result.warnings:
            logging.warning("ReVert: %s", warning)
        node = self._modelNode(result.mesh.moved(LPS_FROM_RAS @ camera_from_lps(**view).T, np.zeros(3)), level)
        node.SetAttribute("ReVert.Geometry", sidecar_text(result.geometry))
        node.SetAttribute("ReVert.View", json.dumps(view))
        node.SetAttribute("ReVert.WeightsSha256", self._predictor.weights_sha256)
        node.SetAttribute("ReVert.Warnings", "\n".join(result.warnings))
        node.SetNodeReferenceID("ReVert.Radiograph", radiographNode.GetID())
        return node

    def compare(self, modelNode, segmentationNode, segmentId, align="rigid"):
        """The figures of modelNode against one segment, beside the constant control's, as a new vtkMRMLTableNode.

        Columns: metric, reconstruction, control. align: one of ReVertLib.align.ALIGNMENTS. Both are measured in RAS
        after their linear transforms. Raises InputError for an empty or unknown segment or a non-linear transform.
        """
        from ReVertLib.compare import compare
        from ReVertLib.mesh import from_polydata
        from ReVertLib.template import control_mesh

        toWorld = self._toWorld(modelNode)
        mesh = from_polydata(modelNode.GetPolyData()).moved(toWorld[:3, :3], toWorld[:3, 3])
        target = self._segmentMesh(segmentationNode, segmentId)
        level = modelNode.GetAttribute("ReVert.Level") or None
        return self._tableNode(compare(mesh, target, align, level, control_mesh(level)))

    def _loadedPredictor(self):
        if self._predictor is None:
            try:
                from ReVertLib.predict import Predictor
            except ImportError as error:
                raise InputError(
                    _(
                        "Python package {name}: expected to be installed (torch: by the PyTorch extension), got none"
                    ).format(name=error.name)
                ) from error
            self._predictor = Predictor()
        return self._predictor

    @staticmethod
    def _pixels(radiographNode):
        """The grey values (rows, columns), bone bright; messages never name the node: it may carry a patient's name."""
        from ReVertLib.radiograph import radiograph_from_array

        array = slicer.util.arrayFromVolume(radiographNode)
        if array.shape[0] != 1:
            raise InputError(f"radiograph: expected a volume with one slice, got {array.shape[0]}")
        return radiograph_from_array(array[0], name="radiograph").pixels

    @staticmethod
    def _sidecar(radiographNode):
        storage = radiographNode.GetStorageNode()
        path = sidecar_path(storage.GetFileName()) if storage and storage.GetFileName() else None
        return read_sidecar(path) if path and path.is_file() else {}

    @staticmethod
    def _detectorSpacing(radiographNode):
        """The volume's spacing; Slicer gives 1 mm to an image that has none, so exactly that counts as unknown."""
        spacing = list(radiographNode.GetSpacing()[:2])
        if spacing == [1.0, 1.0]:
            raise InputError("pixel_spacing_mm: expected the detector's, got Slicer's 1 mm for an unknown spacing")
        return spacing

    @staticmethod
    def _modelNode(mesh, level):
        from ReVertLib.mesh import to_polydata

        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLModelNode", f"ReVert {level}")
        node.SetAndObservePolyData(to_polydata(mesh))
        node.CreateDefaultDisplayNodes()
        node.GetDisplayNode().SetColor(BONE_COLOUR)
        node.SetAttribute("ReVert.Level", level)
        return node

    @staticmethod
    def _toWorld(node):
        """(4, 4) from the node's coordinates to RAS."""
        matrix = vtk.vtkMatrix4x4()
        transform = node.GetParentTransformNode()
        if transform and not transform.GetMatrixTransformToWorld(matrix):
            raise InputError("transform: expected a linear one, got a deformation; harden it first")
        return slicer.util.arrayFromVTKMatrix(matrix)

    @classmethod
    def _segmentMesh(cls, segmentationNode, segmentId):
        """The surface of one segment in RAS, mm."""
        from ReVertLib.volume import mesh_from_mask

        image = slicer.vtkOrientedImageData()
        if segmentationNode.GetSegmentation().GetSegment(segmentId) is None:
            raise InputError("segment: expected one of the segmentation, got an unknown id")
        segmentationNode.GetBinaryLabelmapRepresentation(segmentId, image)
        scalars = image.GetPointData().GetScalars()
        mask = vtk_to_numpy(scalars).reshape(image.GetDimensions()[::-1]) > 0 if scalars else np.zeros(0, bool)
        if not mask.any():
            raise InputError("segment: expected a filled one, got an empty segment")
        matrix, first = vtk.vtkMatrix4x4(), np.eye(4)
        image.GetImageToWorldMatrix(matrix)
        first[:3, 3] = image.GetExtent()[::2]
        return mesh_from_mask(mask, cls._toWorld(segmentationNode) @ slicer.util.arrayFromVTKMatrix(matrix) @ first)

    @staticmethod
    def _tableNode(comparison):
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", f"ReVert comparison, {comparison.mode}")
        found, control = asdict(comparison.metrics), asdict(comparison.control)
        names = vtk.vtkStringArray()
        for name in found:
            names.InsertNextValue(name)
        values = [numpy_to_vtk(np.array(list(figures.values())), deep=True) for figures in (found, control)]
        for title, column in zip(("metric", "reconstruction", "control"), (names, *values), strict=True):
            column.SetName(title)
            node.AddColumn(column)
        return node


class ReVertTest(ScriptedLoadableModuleTest):
    """The self test, on a synthetic radiograph: what needs neither torch nor weights."""

    def runTest(self):
        slicer.mrmlScene.Clear(0)
        self.test_unknown_spacing_is_refused()

    def test_unknown_spacing_is_refused(self):
        image = np.zeros((1, 64, 64))
        image[:, 16:48, 16:48] = 1
        node = slicer.util.addVolumeFromArray(image)
        with self.assertRaisesRegex(InputError, "pixel_spacing_mm"):
            ReVertLogic().reconstruct(node, geometry={"sdd_mm": 1020, "sod_mm": 700})
