"""Nodes and a predictor for the tests of the module."""

from dataclasses import dataclass, field

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy

from ReVertLib.mesh import Mesh, from_polydata
from ReVertLib.reconstruction import Reconstruction

LENGTHS = {"sdd_mm": 1000.0, "sod_mm": 700.0}
CORNERS = np.array([[1.0, 2.0, 700.0], [2.0, 2.0, 700.0], [1.0, 3.0, 700.0], [1.0, 2.0, 701.0]])
FACES = np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [2, 0, 3]])
BOX_SIZE_MM = np.array([40.0, 30.0, 20.0])


@dataclass
class OneTetrahedron:
    """A predictor that always answers with the same four corners in the camera frame, and keeps what it was asked."""

    weights_sha256: str = "0" * 64
    architecture: str = "tetrahedron"
    device: str = "cpu"
    asked: list = field(default_factory=list)

    def reconstruct(self, pixels, geometry):
        self.asked.append((pixels, geometry))
        return Reconstruction(Mesh(CORNERS, FACES), geometry, 0.1, ("a warning",))


def radiograph_node(spacing=(0.5, 0.25, 1.0), slices=1, name="DOE^JANE"):
    """A ramp of 60 rows and 80 columns, brighter to the right."""
    array = np.tile(np.arange(80, dtype=np.int16), (slices, 60, 1))
    node = slicer.util.addVolumeFromArray(array, name=name)
    node.SetSpacing(spacing)
    return node


def vertices(model_node):
    return from_polydata(model_node.GetPolyData()).vertices


def box_model():
    """A closed box of BOX_SIZE_MM with its lowest corner at the origin of RAS, as an L3 model."""
    source = vtk.vtkCubeSource()
    source.SetBounds(*np.ravel(np.column_stack([np.zeros(3), BOX_SIZE_MM])))
    clean = vtk.vtkCleanPolyData()
    clean.SetInputConnection(source.GetOutputPort())
    clean.Update()
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLModelNode")
    node.SetAndObservePolyData(clean.GetOutput())
    node.SetAttribute("ReVert.Level", "L3")
    return node


def box_segmentation(first_voxel=(3, 4, 5)):
    """The same box as a segment of 1 mm voxels whose extent does not begin at 0, and an empty segment."""
    first = np.array(first_voxel)
    image = slicer.vtkOrientedImageData()
    image.SetExtent(*np.ravel(np.column_stack([first - 2, first + BOX_SIZE_MM + 1])).astype(int))
    image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
    image.SetOrigin(*(0.5 - first))  # voxel first has its lowest corner at the origin
    array = vtk_to_numpy(image.GetPointData().GetScalars())
    array[:] = np.pad(np.ones(BOX_SIZE_MM[::-1].astype(int), np.uint8), 2).ravel()
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    node.AddSegmentFromBinaryLabelmapRepresentation(image, "box")
    node.GetSegmentation().AddEmptySegment("empty", "empty")
    return node, node.GetSegmentation().GetNthSegmentID(0)


def shift(node, translation_mm):
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    matrix = np.eye(4)
    matrix[:3, 3] = translation_mm
    slicer.util.updateTransformMatrixFromArray(transform, matrix)
    node.SetAndObserveTransformNodeID(transform.GetID())
