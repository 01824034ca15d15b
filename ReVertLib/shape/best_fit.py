"""The best a shape model can do when it is fitted to the truth itself: what its directions leave to be said.

A reconstruction that stays within the model cannot be better than this, whatever it sees.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from ReVertLib.anatomy.template import load_template
from ReVertLib.geometry.levels import LEVELS
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.registration.icp import align, best_motion
from ReVertLib.registration.nonrigid import Target, matched
from ReVertLib.resources import SHAPE_MODEL_FILE

from .model import load_model

RANK = 120
"""Directions of the shape model that are fitted: those of greatest variance."""

_NOISES_MM = np.repeat((3.0, 2.0, 1.0, 0.7, 0.5, 0.4, 0.3), 3)


def best_fit(mean: Mesh, basis: np.ndarray, target: Mesh, start: RigidTransform) -> Mesh:
    """The surface mean + basis @ c, moved rigidly, that is nearest to target: matches and ridge regression of c in
    turn, from stiff to soft. basis: (n, 3, k) mm, times its standard deviations. start: a rigid motion onto target."""
    goal = Target.of(target, 10_000, 0)
    flat = basis.reshape(3 * len(basis), -1)
    shape, motion = mean.vertices, start
    for noise_mm in _NOISES_MM:
        placed = Mesh(shape, mean.faces).moved(motion)
        matches = matched(placed, goal, sliding=0.1)
        wanted = placed.vertices + matches.pull
        motion = best_motion(shape, wanted, "rigid")
        residual = (wanted - motion.translation_mm) @ motion.rotation - mean.vertices
        weighted = np.repeat(matches.weight, 3)[:, None] * flat
        system = flat.T @ weighted + noise_mm**2 * np.eye(flat.shape[1])
        shape = mean.vertices + (basis @ cho_solve(cho_factor(system), weighted.T @ residual.ravel()))
    return Mesh(shape, mean.faces).moved(motion)


@dataclass(frozen=True)
class BestFit:
    """A shape model that may see the truth. means: (5, n, 3) mm, canonical frame, L1..L5. basis: (n, 3, k) mm, its
    directions of greatest variance, each times its standard deviation."""

    means: np.ndarray
    basis: np.ndarray

    @classmethod
    def of(cls, rank: int = RANK, path: Path = SHAPE_MODEL_FILE) -> BestFit:
        """The first directions of a shape model on disk (default: the shipped one). Takes seconds."""
        model = load_model(path)
        return cls(model.means, model.basis(rank))

    def fit(self, level: str, truth: Mesh) -> Mesh:
        """The vertebra of the model that is nearest to a true surface, in its frame, mm."""
        mean = Mesh(self.means[LEVELS.index(level)], load_template().faces)
        return best_fit(mean, self.basis, truth, align(mean, truth, "rigid"))
