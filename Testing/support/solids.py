"""Solids whose silhouettes and volumes can be told by hand."""

import numpy as np
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


def cube(side=2.0, low=(0.0, 0.0, 0.0)):
    corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], float)
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    return Mesh(side * corners + low, [t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))])


def torus(ring=30.0, tube=10.0, n=48, m=24):
    u, v = (2 * np.pi * i.ravel() / k for i, k in zip(np.indices((n, m)), (n, m), strict=True))
    radius = ring + tube * np.cos(v)
    i, j = (x.ravel() for x in np.indices((n, m)))
    a, b, c, d = i * m + j, (i + 1) % n * m + j, (i + 1) % n * m + (j + 1) % m, i * m + (j + 1) % m
    faces = np.vstack([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
    return Mesh(np.stack([radius * np.cos(u), radius * np.sin(u), tube * np.sin(v)], 1), faces)


def same_triangles(a, b, tolerance):
    """Whether both hold the same triangles in space with the same winding, whatever the order of vertices."""

    def corners(mesh):
        rolled = [np.roll(t, -np.lexsort(np.round(t, 2).T)[0], axis=0) for t in mesh.vertices[mesh.faces]]
        flat = np.array(rolled).reshape(-1, 9)
        return flat[np.lexsort(np.round(flat, 2).T)]

    return len(a.faces) == len(b.faces) and np.allclose(corners(a), corners(b), atol=tolerance, rtol=0)
