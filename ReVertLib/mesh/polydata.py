"""Surfaces through VTK: conversion, isosurfaces, decimation."""

from __future__ import annotations

import numpy as np
from vtkmodules.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray, vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkPoints
from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkImageData, vtkPolyData
from vtkmodules.vtkFiltersCore import (
    vtkCleanPolyData,
    vtkFlyingEdges3D,
    vtkPolyDataConnectivityFilter,
    vtkQuadricDecimation,
    vtkTriangleFilter,
)

from .mesh import Mesh, mesh_volume_mm3


def to_polydata(mesh: Mesh) -> vtkPolyData:
    """The mesh as vtkPolyData; the arrays are copied."""
    points = vtkPoints()
    points.SetData(numpy_to_vtk(mesh.vertices, deep=True))
    cells = vtkCellArray()
    cells.SetData(3, numpy_to_vtkIdTypeArray(mesh.faces.ravel(), deep=True))
    polydata = vtkPolyData()
    polydata.SetPoints(points)
    polydata.SetPolys(cells)
    return polydata


def from_polydata(polydata: vtkPolyData) -> Mesh:
    """The triangles of a vtkPolyData; other polygons are triangulated, points and lines dropped."""
    triangles = vtkTriangleFilter()
    triangles.SetInputData(polydata)
    triangles.PassVertsOff()
    triangles.PassLinesOff()
    triangles.Update()
    output = triangles.GetOutput()
    if output.GetNumberOfCells() == 0:
        return Mesh(np.zeros((0, 3)), np.zeros((0, 3)))
    faces = vtk_to_numpy(output.GetPolys().GetConnectivityArray()).reshape(-1, 3)
    return Mesh(vtk_to_numpy(output.GetPoints().GetData()), faces)


def isosurface(field: np.ndarray, isovalue: float, index_to_world: np.ndarray) -> Mesh:
    """The largest closed surface on which field (k, j, i) float32 equals isovalue, higher values inside, wound outward.

    index_to_world: (4, 4) from index (i, j, k) to mm. The field must be below isovalue all along its border.
    """
    image = vtkImageData()
    image.SetDimensions(*field.shape[::-1])
    image.GetPointData().SetScalars(numpy_to_vtk(np.ascontiguousarray(field).ravel(), deep=True))
    surface = vtkFlyingEdges3D()
    surface.SetInputData(image)
    surface.SetValue(0, isovalue)
    surface.ComputeNormalsOff()
    surface.ComputeGradientsOff()
    largest = vtkPolyDataConnectivityFilter()
    largest.SetInputConnection(surface.GetOutputPort())
    largest.SetExtractionModeToLargestRegion()
    clean = vtkCleanPolyData()
    clean.SetInputConnection(largest.GetOutputPort())
    clean.PointMergingOff()  # the vertices are shared already; merging near ones would pinch the surface
    clean.Update()
    mesh = from_polydata(clean.GetOutput()).mapped(index_to_world)
    return mesh if mesh_volume_mm3(mesh) > 0 else Mesh(mesh.vertices, mesh.faces[:, ::-1])


def decimated(mesh: Mesh, vertex_count: int) -> Mesh:
    """The mesh reduced to about vertex_count vertices by quadric decimation; topology and volume are kept."""
    decimate = vtkQuadricDecimation()
    decimate.SetInputData(to_polydata(mesh))
    decimate.SetTargetReduction(max(0.0, 1.0 - vertex_count / len(mesh.vertices)))
    decimate.VolumePreservationOn()
    decimate.Update()
    return from_polydata(decimate.GetOutput())
