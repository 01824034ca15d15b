"""Surfaces in files: STL, PLY, OBJ, VTP and VTK, mm."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from vtkmodules.util.numpy_support import numpy_to_vtk
from vtkmodules.vtkCommonCore import vtkOutputWindow, vtkStringOutputWindow
from vtkmodules.vtkIOGeometry import vtkOBJReader, vtkOBJWriter, vtkSTLReader, vtkSTLWriter
from vtkmodules.vtkIOLegacy import vtkPolyDataReader
from vtkmodules.vtkIOPLY import vtkPLYReader, vtkPLYWriter
from vtkmodules.vtkIOXML import vtkXMLPolyDataReader, vtkXMLPolyDataWriter

from ReVertLib.errors import InputError
from ReVertLib.files import existing_file, whole_file

from .mesh import Mesh
from .polydata import from_polydata, to_polydata

_READERS = {
    ".stl": vtkSTLReader,
    ".ply": vtkPLYReader,
    ".obj": vtkOBJReader,
    ".vtp": vtkXMLPolyDataReader,
    ".vtk": vtkPolyDataReader,
}

_WRITERS = {
    ".stl": vtkSTLWriter,
    ".ply": vtkPLYWriter,
    ".obj": vtkOBJWriter,
    ".vtp": vtkXMLPolyDataWriter,
}

MESH_SUFFIXES = tuple(_WRITERS)
"""What `write_mesh` writes; `read_mesh` reads these and `.vtk`."""


def read_mesh(path: str | Path) -> Mesh:
    """A mesh from .stl, .ply, .obj, .vtp or .vtk. Raises InputError when it cannot be read or holds no triangle."""
    path = Path(path)
    reader_class = _READERS.get(path.suffix.lower())
    if reader_class is None:
        raise InputError(f"mesh {path.name}: expected one of {', '.join(_READERS)}, got {path.suffix or 'no suffix'!r}")
    existing_file(path, "mesh")
    reader = reader_class()
    messages = vtkStringOutputWindow()
    before = vtkOutputWindow.GetInstance()
    vtkOutputWindow.SetInstance(messages)
    try:
        reader.SetFileName(str(path))
        reader.Update()
        mesh = from_polydata(reader.GetOutput())
    finally:
        vtkOutputWindow.SetInstance(before)
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
