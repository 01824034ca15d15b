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
from functools import cached_property

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
from .evidence import Changes, Evidence

TURN_SD_DEG = np.array([3.0, 3.0, 1.5])
"""Of the rotation vector that is read, about the camera's axes, where the expected error is USUAL_ERROR_MM: less about
the beam. These and the next grow with the expected error."""
SHIFT_SD_MM, GROWTH_SD = 0.7, 0.02
DEPTH_SD = 0.08
"""Of the logarithm of the distance before anything is known, for a person of any size."""
OUTLIER = 2.0
"""Residuals beyond so many deviations count less (soft L1)."""
_UNKNOWNS = 7
"""Of a vertebra."""
_STEP = 1e-4
"""In which derivatives are taken, in deviations."""


@dataclass(frozen=True)
class Chained:
    """By vertebra: motions, in the camera frame, from what was read to what holds for all together. depth_sd: deviation
    of the logarithm of the distance, 0 at an anchor whose distance is taken as given. unknowns: the solution."""

    motions: tuple[SimilarityTransform, ...]
    depth_sd: tuple[float, ...]
    unknowns: np.ndarray


def chained(
    vertebrae: Sequence[Evidence], anchor: int, depth_mm: float | None, since: Chained | None = None
) -> Chained:
    """What becomes of each of the vertebrae, from head to feet and without gaps. depth_mm: of the centre of that at
    `anchor`; None: where it lies is only a first guess, and the usual size of vertebrae has the say. since: what
    became of them in another frame, where the search begins."""
    problem = _Problem(tuple(vertebrae), anchor, depth_mm)
    start = np.zeros(_UNKNOWNS * len(vertebrae) + 1) if since is None else since.unknowns
    found = least_squares(problem.residuals, start, jac=problem.jacobian, loss="soft_l1", f_scale=OUTLIER)
    covariance = np.linalg.inv(found.jac.T @ found.jac)[:-1:_UNKNOWNS, :-1:_UNKNOWNS]
    spread = DEPTH_SD * np.sqrt(np.einsum("ij,jk,ik->i", problem.depths, covariance, problem.depths))
    return Chained(tuple(problem.changes(found.x).motions(problem.centres_mm)), tuple(spread.tolist()), found.x)


@dataclass(frozen=True)
class _Problem:
    """Unknowns x, in units of their deviations: by vertebra logarithm of depth, of growth, turn (3), shift (2); last
    the logarithm of the person's size. The depth of the anchor is that of all, sought only where depth_mm does not give
    it; the others' are against it. A stack of them, with more axes before, goes, too."""

    vertebrae: tuple[Evidence, ...]
    anchor: int
    depth_mm: float | None

    @property
    def depths(self) -> np.ndarray:
        """(k, k) by which the depths follow from those among the unknowns."""
        of_all = np.eye(len(self.vertebrae))
        of_all[:, self.anchor] = float(self.depth_mm is None)
        return of_all

    @cached_property
    def _first_ratio(self) -> float:
        """By how much all of the chain lies farther away than it was read, before anything is sought."""
        return 1.0 if self.depth_mm is None else self.depth_mm / float(self.centres_mm[self.anchor, 2])

    @cached_property
    def centres_mm(self) -> np.ndarray:
        """(k, 3) in the camera frame."""
        return np.stack([one.centre_mm for one in self.vertebrae])

    @cached_property
    def _endplates(self) -> tuple[RigidTransform, RigidTransform]:
        """The upper and the lower ones, stacks of k."""
        pairs = zip(*((one.upper, one.lower) for one in self.vertebrae), strict=True)
        return tuple(_stacked(endplates) for endplates in pairs)

    @cached_property
    def _deviations(self) -> np.ndarray:
        """(k, 7) of the unknowns."""
        usual = np.array([GROWTH_SD, *np.radians(TURN_SD_DEG), SHIFT_SD_MM, SHIFT_SD_MM])
        return np.array([[DEPTH_SD, *(one.worse * usual)] for one in self.vertebrae])

    @cached_property
    def _larger(self) -> np.ndarray:
        """(k,) logarithms of how large the vertebrae are against the usual size of their level."""
        return np.array([np.log(one.size) - SIZE[one.level] for one in self.vertebrae])

    @cached_property
    def _bends_deg(self) -> np.ndarray:
        """(k - 1, 3) that are usual."""
        return BEND_DEG[[LEVELS.index(one.level) for one in self.vertebrae[:-1]]]

    def changes(self, x: np.ndarray) -> Changes:
        rows = x[..., :-1].reshape(*x.shape[:-1], -1, _UNKNOWNS) * self._deviations
        turns = Rotation.from_rotvec(rows[..., 2:5].reshape(-1, 3)).as_matrix().reshape(*rows.shape[:-1], 3, 3)
        depth_ratio = self._first_ratio * np.exp(rows[..., 0] @ self.depths.T)
        return Changes(depth_ratio, np.exp(rows[..., 1]), turns, rows[..., 5:])

    def residuals(self, x: np.ndarray) -> np.ndarray:
        """The unknowns themselves, the sizes, and six of each disc: how far its height, slip and bend are from the
        usual ones. All in deviations."""
        changes = self.changes(x)
        grown = np.log(changes.depth_ratio * changes.growth)
        sizes = (self._larger + grown - PERSON_SIZE_SD * x[..., -1:]) / OWN_SIZE_SD
        discs = self._of_discs(changes) if len(self.vertebrae) > 1 else np.zeros((*x.shape[:-1], 0))
        return np.concatenate([x, sizes, discs], -1)

    def _of_discs(self, changes: Changes) -> np.ndarray:
        """(6 (k - 1),)."""
        height_mm, slip_mm, bend_deg = disc_between(*self._around_discs(changes))
        heights = (height_mm[..., None] - DISC_HEIGHT_MM) / DISC_HEIGHT_SD_MM
        discs = [heights, (slip_mm - SLIP_MM) / SLIP_SD_MM, (bend_deg - self._bends_deg) / BEND_SD_DEG]
        return np.concatenate(discs, -1).reshape(*height_mm.shape[:-1], -1)

    def _around_discs(self, changes: Changes) -> tuple[RigidTransform, RigidTransform]:
        """The lower endplates above the discs and the upper ones below, stacks of k - 1, as changed."""
        upper, lower = (
            (changes.turn @ one.rotation, changes.moved(one.translation_mm, self.centres_mm)) for one in self._endplates
        )
        above = RigidTransform(lower[0][..., :-1, :, :], lower[1][..., :-1, :])
        return above, RigidTransform(upper[0][..., 1:, :, :], upper[1][..., 1:, :])

    def jacobian(self, x: np.ndarray) -> np.ndarray:
        """(residuals, unknowns)."""
        steps = _STEP * np.eye(len(x))
        ahead, back = self.residuals(np.stack([x + steps, x - steps]))
        return (ahead - back).T / (2 * _STEP)


def disc_between(lower: RigidTransform, upper: RigidTransform) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Height along the disc's axis, mm; slip (2,) of the one above to the left and backward, mm; bend (3,), degrees, as
    a rotation vector in axes of the upper endplate below. lower, upper: from the axes of the endplates on both sides to
    one frame, the lower one of the vertebra above first; stacks of rotations (..., 3, 3) and translations (..., 3) give
    stacks."""
    axis = _unit(lower.rotation[..., 2] + upper.rotation[..., 2])
    back = lower.rotation[..., 1] + upper.rotation[..., 1]
    back = _unit(back - _dot(back, axis)[..., None] * axis)
    apart = lower.translation_mm - upper.translation_mm
    turn = np.swapaxes(upper.rotation, -1, -2) @ lower.rotation
    bend = Rotation.from_matrix(turn.reshape(-1, 3, 3)).as_rotvec(degrees=True).reshape(apart.shape)
    return _dot(apart, axis), np.stack([_dot(apart, np.cross(back, axis)), _dot(apart, back)], -1), bend


def _dot(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return (one * other).sum(-1)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def _stacked(poses: Sequence[RigidTransform]) -> RigidTransform:
    return RigidTransform(np.stack([one.rotation for one in poses]), np.stack([one.translation_mm for one in poses]))
