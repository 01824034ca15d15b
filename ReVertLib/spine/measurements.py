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
    """All that can be measured on a film, whose surfaces are the template's (`reconstructed_together` sees to it)."""
    levels = {one.level: _measured(one, result.scale) for one in result.levels}
    of_all = dict.fromkeys(levels, result.scale.relative_sd)
    return measure(levels, in_camera=True, growths=[of_all, *_steps(result)])


def _measured(one: FilmLevel, scale: Scale) -> Measured:
    """A level with what is to be expected of it alone: the doubt of the scale, which all levels share and which its
    expected errors have grown by (`together`), is taken out of them."""
    found = one.reconstruction
    if found.error_parts is None:
        return Measured(found.mesh.vertices)
    off_mm = scale.relative_sd * np.abs(found.mesh.vertices - volume_centroid(found.mesh))
    parts = found.error_parts
    across_mm = _without(parts.across_mm, np.hypot(off_mm[:, 0], off_mm[:, 1]))
    along_mm = _without(parts.along_mm, off_mm[:, 2])
    mean_mm = _without(found.expected_error_mm, np.linalg.norm(off_mm, axis=1))
    return Measured(found.mesh.vertices, mean_mm, ErrorParts(across_mm, along_mm, parts.bound_mm))


def _steps(result: FilmResult) -> list[dict[str, float]]:
    """The doubts of distances that the chain leaves: from each level to the next away from the anchor one of its own,
    which all levels beyond it share, so that together they make the deviation of each level."""
    names = [one.level for one in result.levels]
    shares = [one.depth_sd_mm / one.reconstruction.geometry.sod_mm for one in result.levels]
    own = [_without(share, result.scale.depth_sd) for share in shares]
    anchor, found = names.index(result.anchor), []
    for i in range(len(names)):
        toward = i + int(np.sign(anchor - i))
        beyond = names[: i + 1] if i < anchor else names[i:]
        if i != anchor:
            found.append(dict.fromkeys(beyond, float(_without(own[i], own[toward]))))
    return found


def _without(whole: np.ndarray | float, part: np.ndarray | float) -> np.ndarray:
    """The deviation that makes whole together with part."""
    return np.sqrt(np.maximum(np.square(whole) - np.square(part), 0.0))
