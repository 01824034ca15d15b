"""Triangle surfaces in mm: reading, writing, checking, and cutting them from fields."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import vtk
from vtk.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray, vtk_to_numpy

from .errors import InputError
from .files import whole_file

_READERS = {
    ".stl": vtk.vtkSTLReader,
    ".ply": vtk.vtkPLYReader,
    ".obj": vtk.vtkOBJReader,
    ".vtp": vtk.vtkXMLPolyDataReader,
    ".vtk": vtk.vtkPolyDataReader,
}
_WRITERS = {
    ".stl": vtk.vtkSTLWriter,
    ".ply": vtk.vtkPLYWriter,
    ".obj": vtk.vtkOBJWriter,
    ".vtp": vtk.vtkXMLPolyDataWriter,
}
MESH_SUFFIXES = tuple(_WRITERS)
"""What `write_mesh` writes; `read_mesh` reads these and `.vtk`."""

SLAB_SLICES = 8
"""Slices that `inside_voxels` fills at once."""


@dataclass(frozen=True)
class Mesh:
    """A triangle surface. vertices: (n, 3) float64, mm. faces: (m, 3) int64, counter-clockwise seen from outside."""

    vertices: np.ndarray
    faces: np.ndarray

    def __post_init__(self) -> None:
        object.__setattr__(self, "vertices", np.ascontiguousarray(self.vertices, np.float64))
        object.__setattr__(self, "faces", np.ascontiguousarray(self.faces, np.int64))

    def moved(self, rotation: np.ndarray, translation_mm: np.ndarray, scale: float = 1.0) -> Mesh:
        """The mesh with vertices scale * rotation @ v + translation_mm."""
        return Mesh(scale * self.vertices @ np.asarray(rotation).T + translation_mm, self.faces)


@dataclass(frozen=True)
class MeshQuality:
    """What makes a surface trustworthy. volume_mm3 is signed: positive when the faces are wound outward."""

    closed: bool
    consistently_wound: bool
    euler_number: int
    volume_mm3: float


def mesh_quality(mesh: Mesh) -> MeshQuality:
    """Closed: every edge has exactly two faces. Wound: no directed edge occurs twice. Euler: V - E + F (0 for a
    vertebra, which has one foramen; 2 for a sphere). Volume by the divergence theorem."""
    faces = mesh.faces
    directed = np.vstack([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    _, counts = np.unique(np.sort(directed, 1), axis=0, return_counts=True)
    directed_counts = np.unique(directed, axis=0, return_counts=True)[1]
    return MeshQuality(
        closed=bool(len(faces)) and bool((counts == 2).all()),
        consistently_wound=bool((directed_counts == 1).all()),
        euler_number=len(np.unique(faces)) - len(counts) + len(faces),
        volume_mm3=mesh_volume_mm3(mesh),
    )


def mesh_volume_mm3(mesh: Mesh) -> float:
    """Signed volume enclosed by a closed mesh, mm^3."""
    a, b, c = (mesh.vertices[mesh.faces[:, i]] - mesh.vertices.mean(0) for i in range(3))
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)


def volume_centroid(mesh: Mesh) -> np.ndarray:
    """(3,) centroid of the volume a closed mesh encloses, mm."""
    origin = mesh.vertices.mean(0)
    a, b, c = (mesh.vertices[mesh.faces[:, i]] - origin for i in range(3))
    six_volumes = np.einsum("ij,ij->i", a, np.cross(b, c))
    return origin + (six_volumes[:, None] * (a + b + c)).sum(0) / 4 / six_volumes.sum()


def vertex_normals(mesh: Mesh) -> np.ndarray:
    """(n, 3) outward unit normals, the mean over a vertex's faces weighted by area."""
    a, b, c = (mesh.vertices[mesh.faces[:, i]] for i in range(3))
    normals = np.zeros_like(mesh.vertices)
    for i in range(3):
        np.add.at(normals, mesh.faces[:, i], np.cross(b - a, c - a))
    return normals / (np.linalg.norm(normals, axis=1, keepdims=True) + 1e-12)


def to_polydata(mesh: Mesh) -> vtk.vtkPolyData:
    """The mesh as vtkPolyData; the arrays are copied."""
    points = vtk.vtkPoints()
    points.SetData(numpy_to_vtk(mesh.vertices, deep=True))
    cells = vtk.vtkCellArray()
    cells.SetData(3, numpy_to_vtkIdTypeArray(mesh.faces.ravel(), deep=True))
    polydata = vtk.vtkPolyData()
    polydata.SetPoints(points)
    polydata.SetPolys(cells)
    return polydata


def from_polydata(polydata: vtk.vtkPolyData) -> Mesh:
    """The triangles of a vtkPolyData; other polygons are triangulated, points and lines dropped."""
    triangles = vtk.vtkTriangleFilter()
    triangles.SetInputData(polydata)
    triangles.PassVertsOff()
    triangles.PassLinesOff()
    triangles.Update()
    output = triangles.GetOutput()
    if output.GetNumberOfCells() == 0:
        return Mesh(np.zeros((0, 3)), np.zeros((0, 3)))
    faces = vtk_to_numpy(output.GetPolys().GetConnectivityArray()).reshape(-1, 3)
    return Mesh(vtk_to_numpy(output.GetPoints().GetData()), faces)


def read_mesh(path: str | Path) -> Mesh:
    """A mesh from .stl, .ply, .obj, .vtp or .vtk. Raises InputError when it cannot be read or holds no triangle."""
    path = Path(path)
    reader_class = _READERS.get(path.suffix.lower())
    if reader_class is None:
        raise InputError(f"mesh {path.name}: expected one of {', '.join(_READERS)}, got {path.suffix or 'no suffix'!r}")
    if not path.is_file():
        raise InputError(f"mesh {path.name}: expected an existing file, got none")
    reader = reader_class()
    messages = vtk.vtkStringOutputWindow()
    before = vtk.vtkOutputWindow.GetInstance()
    vtk.vtkOutputWindow.SetInstance(messages)
    try:
        reader.SetFileName(str(path))
        reader.Update()
        mesh = from_polydata(reader.GetOutput())
    finally:
        vtk.vtkOutputWindow.SetInstance(before)
    if len(mesh.faces) == 0:
        raise InputError(f"mesh {path.name}: expected a surface with triangles, got none")
    if not np.isfinite(mesh.vertices).all():
        raise InputError(f"mesh {path.name}: expected finite coordinates, got NaN or infinity")
    return mesh


def write_mesh(mesh: Mesh, path: str | Path, arrays: dict[str, np.ndarray] | None = None) -> None:
    """Writes .stl, .ply, .obj or .vtp, whole or not at all. arrays: per-vertex values, kept by .vtp only."""
    path = Path(path)
    writer_class = _WRITERS.get(path.suffix.lower())
    if writer_class is None:
        raise InputError(f"mesh {path.name}: expected one of {', '.join(_WRITERS)}, got {path.suffix or 'no suffix'!r}")
    polydata = to_polydata(mesh)
    for name, values in (arrays or {}).items():
        array = numpy_to_vtk(np.ascontiguousarray(values, np.float32), deep=True)
        array.SetName(name)
        polydata.GetPointData().AddArray(array)
    with whole_file(path) as temporary:
        writer = writer_class()
        writer.SetInputData(polydata)
        writer.SetFileName(str(temporary))
        if path.suffix.lower() in (".stl", ".ply"):
            writer.SetFileTypeToBinary()
        writer.Write()


def isosurface(field: np.ndarray, level: float, index_to_world: np.ndarray) -> Mesh:
    """The largest closed surface on which field (k, j, i) float32 equals level, higher values inside, wound outward.

    index_to_world: (4, 4) from index (i, j, k) to mm. The field must be below level all along its border.
    """
    image = vtk.vtkImageData()
    image.SetDimensions(*field.shape[::-1])
    image.GetPointData().SetScalars(numpy_to_vtk(np.ascontiguousarray(field).ravel(), deep=True))
    surface = vtk.vtkFlyingEdges3D()
    surface.SetInputData(image)
    surface.SetValue(0, level)
    surface.ComputeNormalsOff()
    surface.ComputeGradientsOff()
    largest = vtk.vtkPolyDataConnectivityFilter()
    largest.SetInputConnection(surface.GetOutputPort())
    largest.SetExtractionModeToLargestRegion()
    clean = vtk.vtkCleanPolyData()
    clean.SetInputConnection(largest.GetOutputPort())
    clean.PointMergingOff()  # the vertices are shared already; merging near ones would pinch the surface
    clean.Update()
    mesh = from_polydata(clean.GetOutput()).moved(index_to_world[:3, :3], index_to_world[:3, 3])
    return mesh if mesh_volume_mm3(mesh) > 0 else Mesh(mesh.vertices, mesh.faces[:, ::-1])


def mesh_area_mm2(mesh: Mesh) -> float:
    """Area of the surface, mm^2."""
    a, b, c = (mesh.vertices[mesh.faces[:, i]] for i in range(3))
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)


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
    stencil = vtk.vtkPolyDataToImageStencil()
    stencil.SetInputData(to_polydata(mesh))
    stencil.SetOutputOrigin(*origin_mm)
    stencil.SetOutputSpacing(*spacing_mm)
    stencil.SetOutputWholeExtent(*extent)
    image = vtk.vtkImageStencilToImage()
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
    decimate = vtk.vtkQuadricDecimation()
    decimate.SetInputData(to_polydata(mesh))
    decimate.SetTargetReduction(max(0.0, 1.0 - vertex_count / len(mesh.vertices)))
    decimate.VolumePreservationOn()
    decimate.Update()
    return from_polydata(decimate.GetOutput())
