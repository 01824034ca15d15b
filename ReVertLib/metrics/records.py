"""What goes into a comparison and what comes out: plain data, for a process without torch or scipy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ReVertLib.geometry.transform import RigidTransform


@dataclass(frozen=True)
class Mask:
    """One segment. array: (k, j, i) bool. to_mm: (4, 4) from voxel indices (i, j, k) to mm, in RAS or LPS."""

    array: np.ndarray
    to_mm: np.ndarray


@dataclass(frozen=True)
class ErrorParts:
    """Of the distance of each vertex to the true surface, (n,) mm. across_mm, along_mm: to be expected across and along
    the beam, which sees nothing of the latter. bound_mm: nine in ten distances are below it."""

    across_mm: np.ndarray
    along_mm: np.ndarray
    bound_mm: np.ndarray


@dataclass(frozen=True)
class SurfaceMetrics:
    """One mesh against its target; `metrics.py` defines them. dice and nsd_2mm are in 0..1."""

    dice: float
    hd95_mm: float
    assd_mm: float
    nsd_2mm: float
    chamfer_mm2: float
    volume_mm3: float
    target_volume_mm3: float


FIGURES = {
    "dice": ("Dice, 0.5 mm grid", "", "{:.3f}"),
    "hd95_mm": ("HD95", "mm", "{:.2f}"),
    "assd_mm": ("ASSD", "mm", "{:.2f}"),
    "nsd_2mm": ("NSD at 2 mm", "", "{:.3f}"),
    "chamfer_mm2": ("Chamfer, squared", "mm2", "{:.2f}"),
    "volume_mm3": ("Volume", "mm3", "{:.0f}"),
    "target_volume_mm3": ("Volume of the target", "mm3", "{:.0f}"),
}
"""Title, unit and form of each field of SurfaceMetrics, wherever they are shown."""


@dataclass(frozen=True)
class Comparison:
    """One mesh against its target.

    mode: one of `align.ALIGNMENTS`. alignment: the motion that was found; metrics are of the mesh so moved.
    signed_distance_mm: (n,) per vertex of the moved mesh, positive outside the target.
    baseline, baseline_mode: the same metrics of the mean vertebra and how it was aligned, None without one.
    warnings: why the figures may not mean what they seem to, one line each.
    """

    mode: str
    level: str | None
    alignment: RigidTransform
    metrics: SurfaceMetrics
    signed_distance_mm: np.ndarray
    baseline: SurfaceMetrics | None
    baseline_mode: str | None
    warnings: tuple[str, ...] = ()
