"""The vertebrae of a film measured, with the errors that reading, chain and scale leave."""

from __future__ import annotations

import numpy as np

from ReVertLib.measurement.measure import Measured, measure
from ReVertLib.measurement.records import Measurements
from ReVertLib.mesh.mesh import volume_centroid
from ReVertLib.metrics.records import ErrorParts

from .records import FilmLevel, FilmResult
from .scale import Scale


def film_measurements(result: FilmResult) -> Measurements:
    """All that can be measured on a film. Raises InputError for surfaces that are not the template's."""
    levels = {one.level: _measured(one, result.scale) for one in result.levels}
    return measure(levels, in_camera=True, scale_sd=result.scale.relative_sd)


def _measured(one: FilmLevel, scale: Scale) -> Measured:
    """A level with what is to be expected of it alone: the doubt of the scale, which all levels share and which its
    expected errors have grown by (`together`), is taken out of them and out of its depth."""
    found = one.reconstruction
    depth_sd = np.sqrt(max((one.depth_sd_mm / found.geometry.sod_mm) ** 2 - scale.depth_sd**2, 0.0))
    if found.error_parts is None:
        return Measured(found.mesh.vertices)
    off_mm = scale.relative_sd * np.abs(found.mesh.vertices - volume_centroid(found.mesh))
    parts = found.error_parts
    across_mm = _without(parts.across_mm, np.hypot(off_mm[:, 0], off_mm[:, 1]))
    along_mm = _without(parts.along_mm, off_mm[:, 2])
    mean_mm = _without(found.expected_error_mm, np.linalg.norm(off_mm, axis=1))
    return Measured(found.mesh.vertices, mean_mm, ErrorParts(across_mm, along_mm, parts.bound_mm), float(depth_sd))


def _without(grown_mm: np.ndarray, off_mm: np.ndarray) -> np.ndarray:
    return np.sqrt(np.maximum(grown_mm**2 - off_mm**2, 0.0))
