"""3D-ReVert's own protocol: shapes in the unit ball, which the truth then lends its centre and its size.

The published network says neither where a vertebra is nor how large. Its targets are centred on the middle of their
bounding box and divided by the largest distance from it, so that a figure in mm takes both from the truth. No surface
is turned.
"""

from __future__ import annotations

import numpy as np

from ReVertLib.geometry.transform import RigidTransform, SimilarityTransform
from ReVertLib.mesh.mesh import Mesh


def onto_ball(mesh: Mesh, truth: Mesh) -> RigidTransform:
    """The motion that brings a mesh from its own ball to the truth's: scale and shift, no turn. Both in axes that mean
    the same; the ball depends on them, as a bounding box does."""
    (middle, radius_mm), (true_middle, true_radius_mm) = _ball(mesh), _ball(truth)
    scale = true_radius_mm / radius_mm
    return SimilarityTransform(np.eye(3), true_middle - scale * middle, scale)


def _ball(mesh: Mesh) -> tuple[np.ndarray, float]:
    """Middle (3,) of the bounding box, and the largest distance of a vertex from it, mm."""
    middle = (mesh.vertices.min(0) + mesh.vertices.max(0)) / 2
    return middle, float(np.linalg.norm(mesh.vertices - middle, axis=1).max())
