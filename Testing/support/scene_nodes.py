"""Nodes and a predictor for the tests of the module."""

import importlib
from dataclasses import dataclass, field, replace

import numpy as np
import slicer
import slicer_host
import vtk
from vtk.util.numpy_support import vtk_to_numpy

from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.inference.results import About, Outcome, Reconstruction
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.mesh.polydata import from_polydata
from ReVertLib.mesh.silhouette import outlines
from ReVertLib.metrics.records import Comparison, SurfaceMetrics

LENGTHS = {"sdd_mm": 1000.0, "sod_mm": 700.0}
CORNERS = np.array([[1.0, 2.0, 700.0], [2.0, 2.0, 700.0], [1.0, 3.0, 700.0], [1.0, 2.0, 701.0]])
FACES = np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [2, 0, 3]])
BOX_SIZE_MM = np.array([40.0, 30.0, 20.0])
AP = {"yaw_deg": 0.0, "pitch_deg": 0.0, "roll_deg": 0.0}
CAMERA = Geometry(1000.0, 700.0, (0.5, 0.25), (39.5, 29.5), "L3")
"""Of the radiograph that radiograph_node() makes; 1 mm at 700 mm depth is 20/7 columns or 40/7 rows."""
ABOUT = About("0" * 64, "template", "CPU (2 threads)", {"revert": "0.1.0", "torch": "2.13.0"})
METRICS = SurfaceMetrics(0.9, 2.0, 0.7, 0.95, 1.5, 24000.0, 23000.0)
BASELINE = SurfaceMetrics(0.87, 3.3, 1.1, 0.86, 3.0, 22000.0, 23000.0)


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

    def reconstruct_all(self, pixels, geometries):
        return [self.reconstruct(pixels, geometry) for geometry in geometries]


def fresh(*names):
    """Files of ReVertSlicer by their names, such as "scene.beam", in a fresh scene."""
    slicer_host.load()
    parts = [importlib.import_module(f"ReVertSlicer.{name}") for name in names]
    return parts[0] if len(parts) == 1 else parts


def outcome(level="L3", centre_mm=(0.0, 0.0, 700.0), half_mm=4.0, expected_error_mm=None, warnings=()):
    """A cube before CAMERA, its silhouette, and the same expected error at all its eight corners, if any."""
    corners = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
    quads = np.array([(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)])
    mesh = Mesh(half_mm * corners + centre_mm, np.vstack([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]))
    error = None if expected_error_mm is None else np.full(8, expected_error_mm)
    geometry = replace(CAMERA, level=level)
    return Outcome(Reconstruction(mesh, geometry, 0.125, warnings, error), outlines(mesh, geometry, (80, 60)))


def comparison_of(
    model_node, mode="rigid", motion_mm=(0.0, 0.0, 0.0), distances_mm=None, baseline=BASELINE, rotation=None
):
    """Invented figures for a model node, and a rotation and a shift of the world as its alignment."""
    count = model_node.GetPolyData().GetNumberOfPoints()
    alignment = RigidTransform(np.eye(3) if rotation is None else rotation, np.array(motion_mm, float))
    distances = np.linspace(-1, 1, count) if distances_mm is None else np.asarray(distances_mm, float)
    level = model_node.GetAttribute("ReVert.Level")
    return Comparison(mode, level, alignment, METRICS, distances, baseline, "rigid" if baseline else None)


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
