"""Where on the template anatomical structures lie. Vertex i means the same place on every vertebra that the template is
registered to, so the same indices find them there."""

from __future__ import annotations

from functools import cache

import numpy as np

from ReVertLib.geometry.transform import RigidTransform
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


def endplate_through(points: np.ndarray) -> RigidTransform:
    """The plane nearest to points (n, 3) of an endplate: from its axes, x to the left, y behind, z up along the spine,
    the origin in the middle of the points, to the frame of the points."""
    middle = points.mean(0)
    up = np.linalg.svd(points - middle, full_matrices=False)[2][2]
    up = up * np.sign(up[2])
    left = np.array([1.0, 0.0, 0.0]) - up[0] * up
    left /= np.linalg.norm(left)
    return RigidTransform(np.stack([left, np.cross(up, left), up], 1), middle)


def endplate_ends(seen: np.ndarray, down: np.ndarray) -> np.ndarray:
    """(2, 2) px: of the points of an endplate as they are seen (n, 2), the leftmost and the rightmost where down (2,)
    points downward."""
    right = np.array([down[1], -down[0]])
    along = seen @ right
    return seen[[along.argmin(), along.argmax()]]


REGIONS = ("body", "pedicles", "laminae and facets", "transverse processes", "spinous process")


@cache
def vertex_regions() -> np.ndarray:
    """(n,) index in REGIONS of each vertex, by planes through mean L3.

    They follow the parts that were named by hand on 18 vertebrae of four people (Blomenkamp et al., EMBC 2025): 98 % of
    the vertices are told as by most of these, with which 98 % of the names by hand agree. Those make one part of
    pedicles and laminae, and parts of their own of the upper and of the lower articular processes.
    """
    x, y, z = load_template().mean("L3").vertices.T
    side = np.abs(x)
    found = np.full(len(x), REGIONS.index("laminae and facets"))
    found[(y < 13) & (z < 9)] = REGIONS.index("pedicles")
    found[(side > 24.5) | ((side > 21) & (z < 4.5))] = REGIONS.index("transverse processes")
    found[(side < 6.5) & (y > 27.5)] = REGIONS.index("spinous process")
    found[y < 7] = REGIONS.index("body")
    return found
