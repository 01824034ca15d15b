"""What goes into the work and what comes out of it: plain data, for a process that holds neither torch nor scipy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .geometry import Geometry
from .mesh import Mesh


@dataclass(frozen=True)
class Reconstruction:
    """mesh: camera frame, mm. geometry: as given, with the box that was used. warnings: one line each.
    expected_error_mm: (n,) per vertex, the distance to the true surface to be expected; None from weights that were
    not trained to say."""

    mesh: Mesh
    geometry: Geometry
    seconds: float
    warnings: tuple[str, ...]
    expected_error_mm: np.ndarray | None = None


@dataclass(frozen=True)
class Mask:
    """One segment. array: (k, j, i) bool. to_mm: (4, 4) from voxel indices (i, j, k) to mm, in RAS or LPS."""

    array: np.ndarray
    to_mm: np.ndarray


@dataclass(frozen=True)
class About:
    """Who answers. weights_sha256: of the weights file. architecture: of its network. device: in words. versions: of
    every package that has a say in the result, by name."""

    weights_sha256: str
    architecture: str
    device: str
    versions: dict[str, str]


@dataclass(frozen=True)
class Outcome:
    """One vertebra that was reconstructed. outlines_px: the closed polylines (k, 2), (u, v), around what its surface
    covers of the radiograph."""

    reconstruction: Reconstruction
    outlines_px: tuple[np.ndarray, ...]


@dataclass(frozen=True)
class Refusal:
    """One vertebra that could not be reconstructed, as asked for, and why, in one line."""

    geometry: Geometry
    reason: str


@dataclass(frozen=True)
class Alignment:
    """A motion v -> scale * rotation @ v + translation_mm. rotation: (3, 3). translation_mm: (3,)."""

    rotation: np.ndarray
    translation_mm: np.ndarray
    scale: float

    def apply(self, mesh: Mesh) -> Mesh:
        """The mesh moved by this alignment."""
        return mesh.moved(self.rotation, self.translation_mm, self.scale)


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


@dataclass(frozen=True)
class Comparison:
    """One mesh against its target.

    mode: one of `align.ALIGNMENTS`. alignment: the motion that was found; metrics are of the mesh so moved.
    signed_distance_mm: (n,) per vertex of the moved mesh, positive outside the target.
    control, control_mode: the same metrics of the mean vertebra and how it was aligned, None without one.
    """

    mode: str
    level: str | None
    alignment: Alignment
    metrics: SurfaceMetrics
    signed_distance_mm: np.ndarray
    control: SurfaceMetrics | None
    control_mode: str | None
