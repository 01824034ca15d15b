"""The bundled sample, L3 of VerSe case verse008, as tests ask for it."""

import numpy as np

from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.sidecar import complete_geometry, read_sidecar, sidecar_path
from ReVertLib.imaging.radiograph import read_radiograph
from ReVertLib.resources import SAMPLE_FOLDER

SAMPLE_LABEL = 22
SAMPLE_VIEWS = {"ap": 0.0, "oblique": 25.0, "lateral": 90.0}
"""Yaw in degrees of `verse008_L3_<view>.png`."""


def sample_radiograph(view: str) -> tuple[np.ndarray, Geometry]:
    """Pixels (rows, columns) and geometry of one of the computed radiographs."""
    path = SAMPLE_FOLDER / f"verse008_L3_{view}.png"
    radiograph = read_radiograph(path)
    return radiograph.pixels, complete_geometry(read_sidecar(sidecar_path(path)), radiograph.pixels.shape[::-1])
