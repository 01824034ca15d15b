"""Surfaces and volumes in every form that the library's functions take."""

from __future__ import annotations

import os
from typing import TypeAlias

import numpy as np

from ReVertLib.errors import InputError
from ReVertLib.imaging.ct import in_hounsfield, read_ct
from ReVertLib.imaging.labels import read_label_map
from ReVertLib.imaging.volume import Volume
from ReVertLib.mesh.io import read_mesh
from ReVertLib.mesh.mesh import Mesh

from .reconstruct import FilePath, Result

MeshLike: TypeAlias = "FilePath | Mesh | Result | tuple[np.ndarray, np.ndarray]"
VolumeLike: TypeAlias = "FilePath | Volume | tuple[np.ndarray, np.ndarray]"


def mesh_of(surface: MeshLike, name: str) -> Mesh:
    """A surface in any accepted form. Raises InputError for others, and for arrays that make no mesh."""
    if isinstance(surface, Mesh):
        return surface
    if isinstance(surface, Result):
        return surface.mesh
    if isinstance(surface, str | os.PathLike):
        return read_mesh(surface)
    vertices, faces = _pair(surface, name, "a Mesh, a file or (vertices, faces)")
    if vertices.ndim != 2 or vertices.shape[1] != 3 or faces.ndim != 2 or faces.shape[1] != 3:
        raise InputError(f"{name}: expected vertices (n, 3) and faces (m, 3), got {vertices.shape} and {faces.shape}")
    if not np.isfinite(vertices).all():
        raise InputError(f"{name}: expected finite vertices, got NaN or infinity")
    if faces.dtype.kind not in "iu" or faces.min(initial=0) < 0 or faces.max(initial=0) >= len(vertices):
        raise InputError(f"{name}: expected faces as whole numbers from 0 to {len(vertices) - 1}, got others")
    return Mesh(vertices, faces)


def volume_of(volume: VolumeLike, name: str) -> Volume:
    """A volume in any accepted form. Raises InputError for others, and for arrays that make no volume."""
    if isinstance(volume, Volume):
        return in_hounsfield(volume, "CT") if name == "CT" else volume
    if isinstance(volume, str | os.PathLike):
        return read_ct(volume) if name == "CT" else read_label_map(volume)
    array, matrix = _pair(volume, name, "a Volume, a file or (array, ijk_to_lps)")
    if array.ndim != 3 or matrix.shape != (4, 4):
        raise InputError(f"{name}: expected an array (k, j, i) and a matrix (4, 4), got {array.shape}, {matrix.shape}")
    if array.dtype.kind not in ("biuf" if name == "CT" else "biu"):
        expected = "numbers" if name == "CT" else "whole numbers"
        raise InputError(f"{name}: expected {expected} as voxels, got {array.dtype}")
    if not np.isfinite(array).all() or not np.isfinite(matrix).all():
        raise InputError(f"{name}: expected finite values, got NaN or infinity")
    found = Volume(array, matrix.astype(float))
    return in_hounsfield(found, "CT") if name == "CT" else found


def _pair(value: object, name: str, expected: str) -> tuple[np.ndarray, np.ndarray]:
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise InputError(f"{name}: expected {expected}, got a {type(value).__name__}")
    return np.asarray(value[0]), np.asarray(value[1])
