"""Surfaces in files: STL, PLY, OBJ, VTP and VTK, mm."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ReVertLib import __version__
from ReVertLib.errors import InputError
from ReVertLib.files import existing_file, whole_file
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.geometry.views import LPS_FROM_RAS

from .mesh import Mesh
from .obj import obj_bytes, read_obj
from .ply import ply_bytes, read_ply
from .polygons import Damaged
from .solid import as_solid
from .stl import read_stl, stl_bytes
from .vtk_legacy import read_vtk
from .vtp import read_vtp, vtp_bytes

_READERS: dict[str, Callable[[bytes], Mesh]] = {".stl": read_stl, ".ply": read_ply, ".obj": read_obj, ".vtk": read_vtk}

MESH_SUFFIXES = (".stl", ".ply", ".obj", ".vtp")
"""What `write_mesh` writes; `read_mesh` reads these and `.vtk`."""
_READ_SUFFIXES = (*MESH_SUFFIXES, ".vtk")

_SPACE = re.compile(rb"SPACE=(RAS|LPS)\b")
"""How Slicer says, in the header of every format, in which frame a surface is."""
_HEADER_LINES, _HEADER_BYTES = 40, 4096


def read_mesh(path: str | Path) -> Mesh:
    """A mesh from .stl, .ply, .obj, .vtp or .vtk: vertices at one place are one where the surface is open without,
    doubled faces are left out with a warning (see `solid`), and a file that says SPACE=RAS, as Slicer does, is turned
    to LPS.

    Raises InputError when it is damaged or holds no triangle.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in _READ_SUFFIXES:
        expected = ", ".join(_READ_SUFFIXES)
        raise InputError(f"mesh {path.name}: expected one of {expected}, got {path.suffix or 'no suffix'!r}")
    content, what = existing_file(path, "mesh").read_bytes(), f"mesh {path.name}"
    try:
        mesh, space = _read(suffix, content)
        _check(mesh)
    except Damaged as error:
        raise InputError(f"{what}: expected {error.expected}, got {error.got}") from None
    mesh = as_solid(mesh, what)
    return mesh.moved(RigidTransform.turn(LPS_FROM_RAS)) if space == "RAS" else mesh


def _read(suffix: str, content: bytes) -> tuple[Mesh, str]:
    """The mesh and the frame that its file names, or ""."""
    named = _SPACE.search(b"\n".join(content[:_HEADER_BYTES].splitlines()[:_HEADER_LINES]))
    space = named[1].decode() if named else ""
    if suffix == ".vtp":
        mesh, in_file = read_vtp(content)
        return mesh, in_file or space
    return _READERS[suffix](content), space


def _check(mesh: Mesh) -> None:
    faces, count = mesh.faces, len(mesh.vertices)
    if len(faces) == 0:
        raise Damaged
    if not 0 <= faces.min() <= faces.max() < count:
        raise Damaged(f"faces of the vertices 0 to {count - 1}", f"{faces.min()} to {faces.max()}")
    if not np.isfinite(mesh.vertices).all():
        raise Damaged("finite coordinates", "NaN or infinity")


def write_mesh(
    mesh: Mesh, path: str | Path, arrays: dict[str, np.ndarray] | None = None, frame: str | None = None
) -> None:
    """Writes .stl, .ply, .obj or .vtp, whole or not at all, with unit, frame and version in its header.

    arrays: by name, one value for each vertex; kept by .ply and .vtp. frame: "camera", "LPS" or "RAS"; None where it is
    not known.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in MESH_SUFFIXES:
        expected = ", ".join(MESH_SUFFIXES)
        raise InputError(f"mesh {path.name}: expected one of {expected}, got {path.suffix or 'no suffix'!r}")
    space = frame if frame in ("LPS", "RAS") else ""
    header = f"ReVert {__version__}, unit mm, frame {frame or 'not stated'}" + f", SPACE={space}" * bool(space)
    with whole_file(path) as temporary:
        if suffix == ".stl":
            temporary.write_bytes(stl_bytes(mesh, header))
        elif suffix == ".ply":
            temporary.write_bytes(ply_bytes(mesh, header, arrays or {}))
        elif suffix == ".obj":
            temporary.write_bytes(obj_bytes(mesh, header))
        else:
            temporary.write_bytes(vtp_bytes(mesh, header, space, arrays or {}))
