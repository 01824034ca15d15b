"""The shapes among which two answers are fused: the directions of greatest variance of the shape model at the
template's control points, which move all vertices as the network's do."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.linalg import eigh

from ReVertLib.anatomy.template import load_template
from ReVertLib.resources import SHAPE_MODEL_FILE
from ReVertLib.shape.model import covariance, load_model

DIRECTIONS = 150


@dataclass(frozen=True)
class ShapeSpace:
    """means: (5, n, 3) mm, canonical frame, L1..L5. axes: (3 c, k) orthonormal, displacements of the control points.
    deviations_mm: (k,) of each axis, falling. spread: (n, c) what each vertex takes of each control point's
    displacement. at_vertices: (n, 3, k) mm, of every vertex by one deviation of each axis."""

    means: np.ndarray
    axes: np.ndarray
    deviations_mm: np.ndarray
    spread: np.ndarray
    at_vertices: np.ndarray

    def coefficients(self, displacement: np.ndarray) -> np.ndarray:
        """(k,) of a displacement (c, 3) mm of the control points from their mean, in deviations."""
        return displacement.ravel() @ self.axes / self.deviations_mm

    def displacement(self, coefficients: np.ndarray) -> np.ndarray:
        """(c, 3) mm, of the control points, by coefficients (k,)."""
        return (self.axes @ (self.deviations_mm * coefficients)).reshape(-1, 3)

    def shape(self, level: int, displacement: np.ndarray) -> np.ndarray:
        """(n, 3) the vertices, canonical frame, mm, of a level 0..4 whose control points are displaced by (c, 3)."""
        return self.means[level] + self.spread @ displacement


@cache
def shape_space() -> ShapeSpace:
    """Of the shipped shape model; takes a third of a second once."""
    model, template = load_model(SHAPE_MODEL_FILE), load_template()
    at = template.control_points.astype(int)
    modes = model.modes[:, at].reshape(len(model.modes), -1).T
    count = 3 * len(at)
    variances, axes = eigh(
        covariance(model.widths, model.points[at], modes), subset_by_index=[count - DIRECTIONS, count - 1]
    )
    axes, deviations_mm = axes[:, ::-1], np.sqrt(variances[::-1])
    means = template.means.astype(float)
    spread = np.zeros((means.shape[1], len(at)))
    points = template.interpolation_points.astype(int)
    np.put_along_axis(spread, points, template.interpolation_weights.astype(float), 1)
    at_vertices = np.einsum("nc,cdk->ndk", spread, (axes * deviations_mm).reshape(len(at), 3, -1))
    return ShapeSpace(means, axes, deviations_mm, spread, at_vertices)
