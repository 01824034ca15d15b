"""`revert.compare`: a surface against the truth, and the mean vertebra beside it."""

from __future__ import annotations

import os

import numpy as np

from ReVertLib.anatomy.template import baseline_mesh
from ReVertLib.errors import InputError
from ReVertLib.geometry.levels import LEVELS
from ReVertLib.imaging.volume import Volume
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.metrics.compare import compare as compare_meshes
from ReVertLib.metrics.compare import labelled_target, read_target
from ReVertLib.metrics.records import Comparison

from .forms import MeshLike, VolumeLike, mesh_of, volume_of


def compare(
    mesh: MeshLike,
    target: MeshLike | VolumeLike,
    align: str = "rigid",
    *,
    label: int | None = None,
    level: str | None = None,
    scheme: str | None = None,
) -> Comparison:
    """How far a surface is from the true one, and how far the mean vertebra is, which needs no radiograph.

    mesh: a surface as a file (.stl .ply .obj .vtp .vtk), a `Mesh`, a `Result`, or (vertices (n, 3), faces (m, 3)), mm.
    target: the same, or a label map as a file (.nii.gz .nii .nrrd .mha .mhd), a `Volume`, or (array (k, j, i),
    ijk_to_lps (4, 4)). label: which one of a label map (VerSe: L1..L5 = 20..24); may be left out where it has only one.
    align: how mesh is laid onto target first: "none", "translation", "rigid", "similarity". level: whose mean vertebra
    is the baseline; default the level of the label, else L3. scheme: whose numbers a label map has, "verse",
    "totalsegmentator-v1" or "totalsegmentator-v2"; default, as the map's order, distances and sizes tell.

    The result's `metrics` and `baseline` hold Dice on a 0.5 mm grid, HD95 (the larger directed 95th percentile), ASSD
    and NSD at 2 mm (Nikolov et al., arXiv:1809.04430), squared Chamfer distance (Fan et al., CVPR 2017) and volumes;
    `alignment` is the motion, by ICP (Besl and McKay, IEEE PAMI 1992), and `signed_distance_mm` (n,) is positive
    outside the target.

    Raises InputError for surfaces that are open, empty or not of a vertebra's size, and for an unknown label, level or
    alignment.
    """
    if level not in (None, *LEVELS):
        raise InputError(f"level: expected one of {', '.join(LEVELS)}, got {str(level)[:40]!r}")
    surface = mesh_of(mesh, "mesh")
    truth, found = _target(target, label, scheme)
    level = level or found
    return compare_meshes(surface, truth, align, level, baseline_mesh(level))


def _target(target: MeshLike | VolumeLike, label: int | None, scheme: str | None) -> tuple[Mesh, str | None]:
    """The true surface and, where a label says it, its level."""
    if isinstance(target, str | os.PathLike):
        return read_target(target, label, scheme)
    if isinstance(target, Volume) or (isinstance(target, tuple | list) and np.ndim(target[0]) == 3):
        return labelled_target(volume_of(target, "target"), label, "the label map", scheme)
    if label is not None:
        raise InputError(f"label: expected none with a mesh as target, got {label}")
    return mesh_of(target, "target"), None
