"""What goes into the work and what comes out of it: plain data, for a process that holds neither torch nor scipy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ReVertLib.geometry.camera import Geometry
from ReVertLib.measurement.records import Measurements
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.metrics.records import ErrorParts

EXPECTED_ERROR = "expected_error_mm"
ERROR_PARTS = ("expected_error_across_mm", "expected_error_along_mm", "error_bound_mm")
"""Names of point arrays: of the error to be expected, and of `ErrorParts`."""
EXTRAS = MEASUREMENTS, SECOND_VIEW = "measurements", "second view"
"""What may be wanted beside a surface; of the frames of a stream only what somebody looks at is."""


@dataclass(frozen=True)
class Reconstruction:
    """mesh: camera frame, mm. geometry: as given, with the box that was used. warnings: one line each.
    expected_error_mm: (n,) per vertex, the distance to the true surface to be expected; None from weights that were
    not trained to say. error_parts: its parts across and along the beam, and a bound; None from weights of before.
    geometry's view is the one that was taken where none was given. probability: that it is the
    right one then, None where it was given or weights do not ask for it. other: the reconstruction for a second view
    that is likely, too. seen_px: the closed polylines (k, 2), (u, v), around what of the radiograph the network took
    for the vertebra; none from weights that do not say."""

    mesh: Mesh
    geometry: Geometry
    seconds: float
    warnings: tuple[str, ...]
    expected_error_mm: np.ndarray | None = None
    probability: float | None = None
    seen_px: tuple[np.ndarray, ...] = ()
    other: Reconstruction | None = None
    error_parts: ErrorParts | None = None

    @property
    def point_arrays(self) -> dict[str, np.ndarray]:
        """What there is to say of each vertex, (n,) mm, by its name in files of surfaces; empty from weights that say
        nothing."""
        if self.expected_error_mm is None:
            return {}
        found, parts = {EXPECTED_ERROR: self.expected_error_mm}, self.error_parts
        if parts is not None:
            found |= zip(ERROR_PARTS, (parts.across_mm, parts.along_mm, parts.bound_mm), strict=True)
        return found


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
    covers of the radiograph. measurements: of it, and of all that was made together with it; None where there are
    none, or none were wanted. second: the same for a second view that is likely, too, where that was wanted."""

    reconstruction: Reconstruction
    outlines_px: tuple[np.ndarray, ...]
    measurements: Measurements | None = None
    second: Outcome | None = None


@dataclass(frozen=True)
class Refusal:
    """One vertebra that could not be reconstructed, as asked for, and why, in one line."""

    geometry: Geometry
    reason: str
