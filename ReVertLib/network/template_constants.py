"""What the template says to a network, as arrays: constants that no weights file holds. Without torch."""

from __future__ import annotations

import numpy as np

from ReVertLib.anatomy.template import Template, load_template
from ReVertLib.geometry.levels import LEVELS
from ReVertLib.geometry.views import view_rotation
from ReVertLib.mesh.mesh import Mesh, vertex_normals

UNKNOWN_LEVEL = len(LEVELS)
"""The index of a level that is not known; the mean of L3 stands for it."""


def template_constants(neighbours: int) -> dict[str, np.ndarray]:
    """By name. means: (6, n, 3) mm, L1..L5 and unknown. control_points: (c,) which vertices are moved. neighbours: (c,
    neighbours) their nearest ones. normals: (6, c, 3) theirs. interpolation: (n, c) how much each vertex takes of each
    one's displacement. ap: (3, 3) the rotation of the AP view."""
    template = load_template()
    means = np.concatenate([template.means, template.means[2:3]])
    control_points = template.control_points.astype(np.int64)
    return {
        "means": means,
        "control_points": control_points,
        "neighbours": template.control_point_neighbours[:, 1 : 1 + neighbours].astype(np.int64),
        "normals": np.ascontiguousarray(_mean_normals(template)[:, control_points]),
        "interpolation": spread_over(template.interpolation_points, template.interpolation_weights),
        "ap": view_rotation().astype(np.float32),
    }


def spread_over(points: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(n, c) float32, the matrix of n sums of c values each: of those at points (n, k), times weights (n, k)."""
    matrix = np.zeros((len(points), int(points.max()) + 1), np.float32)
    np.add.at(matrix, (np.arange(len(points))[:, None], points), weights)
    return matrix


def mean_over(points: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """`spread_over` with weights below 0 left out and the rest summing to 1: what has none stays positive."""
    shares = np.clip(weights, 0.0, None)
    return spread_over(points, shares / np.maximum(shares.sum(1, keepdims=True), 1e-12))


def _mean_normals(template: Template) -> np.ndarray:
    """(6, n, 3) float32 unit normals of the means, L3's for an unknown level."""
    normals = [vertex_normals(Mesh(mean.astype(float), template.faces)) for mean in template.means]
    return np.stack([*normals, normals[2]]).astype(np.float32)
