"""Reconstructed surfaces as a segmentation, for Segment Editor and DICOM SEG: a segment for each level, with its terms.

The segments are closed surfaces in RAS, mm, where the models lie when it is made; it does not follow them.
"""

import slicer
import vtk
from slicer.i18n import tr as _

from ReVertLib.errors import InputError
from ReVertSlicer.input.transforms import toWorld

from . import hierarchy
from .colours import BONE
from .result_state import SLICE
from .undo import saveForUndo

VERTEBRA = ("51282000", "Vertebra")
VERTEBRAE = {
    "L1": ("66794005", "L1 vertebra"),
    "L2": ("14293000", "L2 vertebra"),
    "L3": ("36470004", "L3 vertebra"),
    "L4": ("11994002", "L4 vertebra"),
    "L5": ("49668003", "L5 vertebra"),
}
"""SNOMED CT code and meaning, as in DICOM's CID 7603."""
_TERMS = (
    "Segmentation category and type - DICOM master list~SCT^123037004^Anatomical Structure"
    "~SCT^{code}^{meaning}~^^~Anatomic codes - DICOM master list~^^~^^"
)
"""Context, category, type, its modifier, context of the region, region, its modifier: as Slicer writes them."""


def toSegmentation(modelNode):
    """The vtkMRMLSegmentationNode of all surfaces made from the radiograph of modelNode, made or updated in one
    step of undo. A segment that is there keeps its colour. Raises InputError for a model without a radiograph or
    under a transform that is not linear."""
    radiographNode = modelNode.GetNodeReference(hierarchy.RADIOGRAPH)
    if radiographNode is None:
        raise InputError(_("model: expected one whose radiograph is in the scene, got one without"))
    surfaces = {node: _inWorld(node) for node in hierarchy.parts(radiographNode, "surface") if node.GetPolyData()}
    node = hierarchy.part(radiographNode, "segmentation")
    saveForUndo(node)
    if node is None:
        node = hierarchy.newPart(radiographNode, "segmentation", _("ReVert segmentation"))
        node.GetDisplayNode().SetVisibility3D(False)  # there the models are, with their colours
    node.CreateClosedSurfaceRepresentation()  # of what Segment Editor has made voxels of
    node.SetSourceRepresentationToClosedSurface()
    slices = {model.GetAttribute(SLICE) for model in surfaces}
    for model, polydata in surfaces.items():
        _putSegment(node, model, polydata, len(slices) > 1)
    return node


def _inWorld(modelNode):
    """A model's surface alone, in RAS."""
    bare = vtk.vtkPolyData()
    bare.SetPoints(modelNode.GetPolyData().GetPoints())
    bare.SetPolys(modelNode.GetPolyData().GetPolys())
    mover, transform = vtk.vtkTransformPolyDataFilter(), vtk.vtkTransform()
    transform.SetMatrix(slicer.util.vtkMatrixFromArray(toWorld(modelNode)))
    mover.SetTransform(transform)
    mover.SetInputData(bare)
    mover.Update()
    return mover.GetOutput()


def _putSegment(segmentationNode, modelNode, polydata, namesSlice):
    level = modelNode.GetAttribute("ReVert.Level")
    code, meaning = VERTEBRAE.get(level, VERTEBRA)
    name = level or _("vertebra")
    if namesSlice:
        name = _("{name}, slice {index}").format(name=name, index=modelNode.GetAttribute(SLICE))
    key = f"ReVert_{level or 'vertebra'}_{modelNode.GetAttribute(SLICE)}"
    segmentation = segmentationNode.GetSegmentation()
    old = segmentation.GetSegment(key)
    segment = slicer.vtkSegment()
    segment.SetColor(old.GetColor() if old else BONE)
    segment.SetName(name)
    segment.SetTag(segment.GetTerminologyEntryTagName(), _TERMS.format(code=code, meaning=meaning))
    segment.AddRepresentation(slicer.vtkSegmentationConverter.GetClosedSurfaceRepresentationName(), polydata)
    if old:
        segmentation.RemoveSegment(key)
    segmentation.AddSegment(segment, key)
