"""Solids whose silhouettes and volumes can be told by hand."""

import vtk

from ReVertLib.mesh.mesh import Mesh
from ReVertLib.mesh.polydata import from_polydata


def ball(radius, centre, resolution=64) -> Mesh:
    """A closed ball, mm."""
    source = vtk.vtkSphereSource()
    source.SetRadius(radius)
    source.SetCenter(*centre)
    source.SetThetaResolution(resolution)
    source.SetPhiResolution(resolution)
    source.Update()
    return from_polydata(source.GetOutput())
