"""Surfaces through VTK: conversion, isosurfaces, voxels inside, decimation."""

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
from vtkmodules.vtkImagingStencil import vtkImageStencilToImage, vtkPolyDataToImageStencil

from .mesh import Mesh, mesh_volume_mm3

SLAB_SLICES = 8
"""Slices that `inside_voxels` fills at once."""


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


def inside_voxels(
    mesh: Mesh, origin_mm: np.ndarray, spacing_mm: np.ndarray, first_ijk: np.ndarray, last_ijk: np.ndarray
) -> np.ndarray:
    """(k, j, i) bool: whether the centre origin_mm + spacing_mm * (i, j, k) of each voxel from first_ijk to last_ijk,
    both included, lies inside a closed mesh.

    Slab by slab, with the triangles that reach into it, as VTK looks at all of them for every slice.
    """
    heights = (mesh.vertices[mesh.faces, 2] - origin_mm[2]) / spacing_mm[2]
    low, high = heights.min(1, initial=np.inf), heights.max(1, initial=-np.inf)
    slabs = []
    for first in range(int(first_ijk[2]), int(last_ijk[2]) + 1, SLAB_SLICES):
        last = min(first + SLAB_SLICES - 1, int(last_ijk[2]))
        near = Mesh(mesh.vertices, mesh.faces[(high >= first - 1) & (low <= last + 1)])
        extent = [*np.stack([first_ijk, last_ijk], 1)[:2].ravel().tolist(), first, last]
        slabs.append(_inside_slab(near, origin_mm, spacing_mm, extent))
    return np.concatenate(slabs)


def _inside_slab(mesh: Mesh, origin_mm: np.ndarray, spacing_mm: np.ndarray, extent: list[int]) -> np.ndarray:
    """The same by VTK. extent: first and last index along i, j and k in turn."""
    stencil = vtkPolyDataToImageStencil()
    stencil.SetInputData(to_polydata(mesh))
    stencil.SetOutputOrigin(*origin_mm)
    stencil.SetOutputSpacing(*spacing_mm)
    stencil.SetOutputWholeExtent(*extent)
    image = vtkImageStencilToImage()
    image.SetInputConnection(stencil.GetOutputPort())
    image.SetInsideValue(1)
    image.SetOutsideValue(0)
    image.SetOutputScalarTypeToUnsignedChar()
    image.Update()
    values = vtk_to_numpy(image.GetOutput().GetPointData().GetScalars())
    first, last = np.reshape(extent, (3, 2)).T
    return values.reshape((last - first + 1)[::-1]).astype(bool)


def decimated(mesh: Mesh, vertex_count: int) -> Mesh:
    """The mesh reduced to about vertex_count vertices by quadric decimation; topology and volume are kept."""
    decimate = vtkQuadricDecimation()
    decimate.SetInputData(to_polydata(mesh))
    decimate.SetTargetReduction(max(0.0, 1.0 - vertex_count / len(mesh.vertices)))
    decimate.VolumePreservationOn()
    decimate.Update()
    return from_polydata(decimate.GetOutput())
