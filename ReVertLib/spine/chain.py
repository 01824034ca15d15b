"""The vertebrae of a film put together: from one known distance the depth of every level.

Each vertebra comes with its orientation, its shape and its place on the film, all read at a distance that was taken for
it. A vertebra that is farther away is as much larger: all of it grows about the source. What is sought, by robust least
squares, is for each level its distance and small corrections of what was read (turn, shift across the beam, size on the
film), each weighed by the error that is to be expected of it; against what is known of spines (`anatomy_prior`): the
endplates on both sides of a disc face each other across its usual height, neighbours bend as they usually do, and the
vertebrae of one person are alike in size. The distance of one level, the anchor, stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from ReVertLib.geometry.levels import LEVELS
from ReVertLib.geometry.transform import RigidTransform, SimilarityTransform

from .anatomy_prior import (
    BEND_DEG,
    BEND_SD_DEG,
    DISC_HEIGHT_MM,
    DISC_HEIGHT_SD_MM,
    OWN_SIZE_SD,
    PERSON_SIZE_SD,
    SIZE,
    SLIP_MM,
    SLIP_SD_MM,
)
from .evidence import Change, Evidence

TURN_SD_DEG = np.array([3.0, 3.0, 1.5])
"""Of the rotation vector that is read, about the camera's axes, where the expected error is USUAL_ERROR_MM: less about
the beam. These and the next grow with the expected error."""
SHIFT_SD_MM, GROWTH_SD = 0.7, 0.02
DEPTH_SD = 0.08
"""Of the logarithm of the distance before anything is known, for a person of any size."""
OUTLIER = 2.0
"""Residuals beyond so many deviations count less (soft L1)."""
_UNKNOWNS, _DISC_RESIDUALS = 7, 6
"""Of a vertebra, and of a disc."""


@dataclass(frozen=True)
class Chained:
    """By vertebra: motions, in the camera frame, from what was read to what holds for all together. depth_sd: deviation
    of the logarithm of the distance, 0 at an anchor whose distance is taken as given."""

    motions: tuple[SimilarityTransform, ...]
    depth_sd: tuple[float, ...]


def chained(vertebrae: Sequence[Evidence], anchor: int, free: bool = False) -> Chained:
    """What becomes of each of the vertebrae, from head to feet and without gaps, the distance at `anchor` given. free:
    whether that is only a first guess, and the usual size of vertebrae has the say."""
    problem = _Problem(tuple(vertebrae), anchor, free)
    start = np.zeros(_UNKNOWNS * len(vertebrae) + 1)
    found = least_squares(problem.residuals, start, loss="soft_l1", f_scale=OUTLIER, jac_sparsity=problem.depend)
    jacobian = found.jac.toarray()
    covariance = np.linalg.inv(jacobian.T @ jacobian)[:-1:_UNKNOWNS, :-1:_UNKNOWNS]
    spread = DEPTH_SD * np.sqrt(np.einsum("ij,jk,ik->i", problem.depths, covariance, problem.depths))
    changes = problem.changes(found.x)
    motions = tuple(change.motion(one.centre_mm) for one, change in zip(vertebrae, changes, strict=True))
    return Chained(motions, tuple(spread.tolist()))


@dataclass(frozen=True)
class _Problem:
    """Unknowns, in units of their deviations: by vertebra logarithm of depth, of growth, turn (3), shift (2); last the
    logarithm of the person's size. The depth of the anchor is that of all, which stays unless it is free; the others'
    are against it."""

    vertebrae: tuple[Evidence, ...]
    anchor: int
    free: bool

    @property
    def depths(self) -> np.ndarray:
        """(k, k) by which the depths follow from those among the unknowns."""
        of_all = np.eye(len(self.vertebrae))
        of_all[:, self.anchor] = float(self.free)
        return of_all

    @property
    def depend(self) -> np.ndarray:
        """(residuals, unknowns) bool: which residual depends on which unknown."""
        k = len(self.vertebrae)
        own = np.kron(np.eye(k), np.ones(_UNKNOWNS))
        own[:, ::_UNKNOWNS] += self.depths
        own = np.hstack([own, np.zeros((k, 1))])
        sizes, discs = own.copy(), np.repeat(own[:-1] + own[1:], _DISC_RESIDUALS, 0)
        sizes[:, -1] = 1.0
        return np.vstack([np.eye(_UNKNOWNS * k + 1), sizes, discs]) > 0

    def changes(self, x: np.ndarray) -> list[Change]:
        rows = x[:-1].reshape(-1, _UNKNOWNS) * self._deviations
        rows[:, 0] = self.depths @ rows[:, 0]
        return [
            Change(float(np.exp(depth)), float(np.exp(growth)), Rotation.from_rotvec(turn).as_matrix(), shift)
            for depth, growth, turn, shift in ((row[0], row[1], row[2:5], row[5:]) for row in rows)
        ]

    @property
    def _deviations(self) -> np.ndarray:
        """(k, 7) of the unknowns."""
        usual = np.array([GROWTH_SD, *np.radians(TURN_SD_DEG), SHIFT_SD_MM, SHIFT_SD_MM])
        return np.array([[DEPTH_SD, *(one.worse * usual)] for one in self.vertebrae])

    def residuals(self, x: np.ndarray) -> np.ndarray:
        changes, person = self.changes(x), PERSON_SIZE_SD * x[-1]
        pairs = list(zip(self.vertebrae, changes, strict=True))
        sizes = [
            (np.log(one.size * change.depth_ratio * change.growth) - SIZE[one.level] - person) / OWN_SIZE_SD
            for one, change in pairs
        ]
        discs = [disc_residuals(*above, *below) for above, below in pairwise(pairs)]
        return np.concatenate([x, sizes, *discs])


def disc_residuals(above: Evidence, above_change: Change, below: Evidence, below_change: Change) -> np.ndarray:
    """(6,) in deviations: how far height, slip and bend of the disc between two neighbours are from the usual ones."""
    lower, upper = _moved(above.lower, above, above_change), _moved(below.upper, below, below_change)
    height_mm, slip_mm, bend_deg = disc_between(lower, upper)
    return np.concatenate(
        [
            [(height_mm - DISC_HEIGHT_MM) / DISC_HEIGHT_SD_MM],
            (slip_mm - SLIP_MM) / SLIP_SD_MM,
            (bend_deg - BEND_DEG[LEVELS.index(above.level)]) / BEND_SD_DEG,
        ]
    )


def disc_between(lower: RigidTransform, upper: RigidTransform) -> tuple[float, np.ndarray, np.ndarray]:
    """Height along the disc's axis, mm; slip (2,) of the one above to the left and backward, mm; bend (3,), degrees, as
    a rotation vector in axes of the upper endplate below. lower, upper: from the axes of the endplates on both sides to
    one frame, the lower one of the vertebra above first."""
    axis = lower.rotation[:, 2] + upper.rotation[:, 2]
    axis /= np.linalg.norm(axis)
    back = lower.rotation[:, 1] + upper.rotation[:, 1]
    back -= back @ axis * axis
    back /= np.linalg.norm(back)
    apart = lower.translation_mm - upper.translation_mm
    bend = Rotation.from_matrix(upper.rotation.T @ lower.rotation).as_rotvec(degrees=True)
    return float(apart @ axis), np.array([apart @ np.cross(back, axis), apart @ back]), bend


def _moved(endplate: RigidTransform, of: Evidence, change: Change) -> RigidTransform:
    middle = change.motion(of.centre_mm).apply(endplate.translation_mm[None])[0]
    return RigidTransform(change.turn @ endplate.rotation, middle)
