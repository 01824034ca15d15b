"""Where on the template anatomical structures lie. Vertex i means the same place on every vertebra that the template is
registered to, so the same indices find them there."""

from __future__ import annotations

from functools import cache

import numpy as np

from ReVertLib.mesh.mesh import vertex_normals

from .template import load_template


@cache
def endplate_vertices() -> tuple[np.ndarray, np.ndarray]:
    """Indices of the vertices on the upper and on the lower endplate: those of mean L3 that face up or down in front of
    the vertebral canal."""
    mesh = load_template().mean("L3")
    x, y, z = mesh.vertices.T
    up = vertex_normals(mesh)[:, 2]
    body = (y < 0) & (np.abs(x) < 26)
    return np.nonzero(body & (up > 0.85) & (z > 8))[0], np.nonzero(body & (up < -0.85) & (z < -8))[0]


@cache
def pedicle_vertices() -> tuple[np.ndarray, np.ndarray]:
    """Indices of the vertices around the left and around the right pedicle of mean L3."""
    x, y, z = load_template().mean("L3").vertices.T
    pedicle = (y > 3) & (y < 9) & (z > -1)
    return np.nonzero(pedicle & (x > 10) & (x < 24))[0], np.nonzero(pedicle & (x < -10) & (x > -24))[0]
