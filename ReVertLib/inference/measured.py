"""Lengths and angles of one vertebra that was reconstructed by itself."""

from __future__ import annotations

import numpy as np

from ReVertLib.anatomy.template import load_template
from ReVertLib.measurement.measure import Measured, measure
from ReVertLib.measurement.records import Measurements

from .results import Reconstruction


def measured(found: Reconstruction) -> Measurements | None:
    """Of its level, in the camera's frame; None without a level, and of surfaces that are not over the template."""
    level, mesh = found.geometry.level, found.mesh
    if level is None or not np.array_equal(mesh.faces, load_template().faces):
        return None
    return measure({level: Measured(mesh.vertices, found.expected_error_mm, found.error_parts)}, in_camera=True)
