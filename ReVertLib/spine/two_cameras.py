"""How the cameras of two films of one person lie to each other, and how far every vertebra is from each.

One relative pose holds for all levels. Each level tells it by where both films have its centre, how both have it turned
and how large; a distance that one film hardly tells lies across the other one's beam. What is sought, by robust least
squares, is the relative pose and for each film the distances of its levels, each weighed by what is known of it before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from ReVertLib.fusion.solve import DEPTH_MM, GIVEN_DEG, GIVEN_MM
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.registration.icp import best_motion

from .chain import GROWTH_SD, OUTLIER, SHIFT_SD_MM, TURN_SD_DEG
from .evidence import Evidence
from .records import FilmLevel, FilmResult
from .together import evidence_of

NEAR = 0.05
"""Standard deviation of the distances of a film, as a share, where the relative pose is given: as `revert fuse` has it,
they need only be near then."""
_POSE = 6


@dataclass(frozen=True)
class TwoCameras:
    """second_from_first: from the first camera's frame to the second's. growths: for each film, by how much farther the
    levels of both lie than it says alone, by level. rest: the same for all levels that are on one film alone.
    depth_sd: standard deviation of the distance from the first camera, as a share, by level. strained: by how many
    deviations the distance of a level had to be moved, in the film where that is more, by level."""

    second_from_first: RigidTransform
    growths: tuple[Mapping[str, float], Mapping[str, float]]
    rest: tuple[float, float]
    depth_sd: Mapping[str, float]
    strained: Mapping[str, float]


def two_cameras(films: Sequence[FilmResult], levels: Sequence[str], given: RigidTransform | None) -> TwoCameras:
    """Of two films that both show the levels. given: from the first camera's frame to the second's, where it is told,
    to about a degree and a mm."""
    sides = tuple(_Side.of(film, levels, given is not None) for film in films)
    problem = _Problem(*sides, given)
    count = len(levels)
    found = least_squares(problem.residuals, np.zeros(_POSE + 2 * (count + 1)), loss="soft_l1", f_scale=OUTLIER)
    pose, farther = problem.pose_and_distances(found.x)
    covariance = np.linalg.inv(found.jac.T @ found.jac)[_POSE : _POSE + count + 1, _POSE : _POSE + count + 1]
    by_unknown = sides[0].by_unknown
    depth_sd = np.sqrt(np.einsum("ij,jk,ik->i", by_unknown, covariance, by_unknown))
    growths = tuple(dict(zip(levels, np.exp(one).tolist(), strict=True)) for one in farther)
    rest = tuple(
        float(np.exp(side.common * of_all)) for side, of_all in zip(sides, problem.common(found.x), strict=True)
    )
    strained = np.abs(found.x[_POSE:].reshape(2, -1)[:, 1:]).max(0)
    by_level = (dict(zip(levels, values.tolist(), strict=True)) for values in (depth_sd, strained))
    return TwoCameras(pose, growths, rest, *by_level)


@dataclass(frozen=True)
class _Side:
    """What one film says of k levels. common: standard deviation, as a share, of what all its distances are off by.
    own: (k,) of each beside that."""

    evidence: tuple[Evidence, ...]
    common: float
    own: np.ndarray

    @classmethod
    def of(cls, film: FilmResult, levels: Sequence[str], is_near: bool) -> _Side:
        found = {one.level: one for one in film.levels}
        common = max(film.scale.depth_sd, NEAR if is_near else 0.0)
        own = [_own_sd(found[level], film.scale.depth_sd) for level in levels]
        return cls(tuple(evidence_of(found[level].reconstruction) for level in levels), common, np.array(own))

    @cached_property
    def centres_mm(self) -> np.ndarray:
        """(k, 3) in the camera frame."""
        return np.stack([one.centre_mm for one in self.evidence])

    @property
    def worse(self) -> np.ndarray:
        """(k,) times the usual error."""
        return np.array([one.worse for one in self.evidence])

    @property
    def by_unknown(self) -> np.ndarray:
        """(k, k + 1) the logarithms of what the levels lie farther, of the unknowns: that of all, then each one's."""
        return np.column_stack([np.full(len(self.own), self.common), np.diag(self.own)])


@dataclass(frozen=True)
class _Problem:
    """Unknowns, in units of their deviations: turn (3) and shift (3) of the relative pose from where it starts, about
    the middle of the levels, then for each film what all distances are off by and each beside that."""

    first: _Side
    second: _Side
    given: RigidTransform | None

    @cached_property
    def start(self) -> RigidTransform:
        if self.given is not None:
            return self.given
        pairs = zip(self.first.evidence, self.second.evidence, strict=True)
        vertices = [(one.mesh.vertices, other.mesh.vertices) for one, other in pairs]
        return best_motion(*(np.concatenate(side) for side in zip(*vertices, strict=True)), "rigid")

    def common(self, x: np.ndarray) -> tuple[float, float]:
        """Of each film, the unknown of all distances."""
        return float(x[_POSE]), float(x[_POSE + len(self.first.own) + 1])

    def pose_and_distances(self, x: np.ndarray) -> tuple[RigidTransform, tuple[np.ndarray, np.ndarray]]:
        """From the first camera's frame to the second's; the logarithms (k,) of how much farther the levels are."""
        turn = Rotation.from_rotvec(np.radians(GIVEN_DEG) * x[:3]).as_matrix()
        middle = self.start.apply(self.first.centres_mm).mean(0)
        pose = RigidTransform.about(middle, turn, middle + GIVEN_MM * x[3:_POSE]) @ self.start
        of_first, of_second = x[_POSE:].reshape(2, -1)
        return pose, (self.first.by_unknown @ of_first, self.second.by_unknown @ of_second)

    def residuals(self, x: np.ndarray) -> np.ndarray:
        pose, farther = self.pose_and_distances(x)
        before = x if self.given is not None else x[_POSE:]
        centres = [side.centres_mm * np.exp(one)[:, None] for side, one in zip(self._sides, farther, strict=True)]
        worse = np.hypot(self.first.worse, self.second.worse)
        apart = (pose.apply(centres[0]) - centres[1]) / (SHIFT_SD_MM * worse)[:, None]
        turned = self._turns(pose) / (TURN_SD_DEG.max() * worse)[:, None]
        sizes = [np.log([one.size for one in side.evidence]) for side in self._sides]
        grown = (sizes[0] + farther[0] - sizes[1] - farther[1]) / (GROWTH_SD * worse)
        return np.concatenate([before, apart.ravel(), turned.ravel(), grown])

    @property
    def _sides(self) -> tuple[_Side, _Side]:
        return self.first, self.second

    def _turns(self, pose: RigidTransform) -> np.ndarray:
        """(k, 3) degrees, from how the second film has each level to how the first one has it."""
        first, second = (np.stack([one.camera_from_mean.rotation for one in side.evidence]) for side in self._sides)
        return Rotation.from_matrix(pose.rotation @ first @ second.transpose(0, 2, 1)).as_rotvec(degrees=True)


def _own_sd(one: FilmLevel, common: float) -> float:
    """Of the distance of a level, as a share, beside what all have in common."""
    sod_mm = one.reconstruction.geometry.sod_mm
    own_2 = (one.depth_sd_mm / sod_mm) ** 2 - common**2
    return float(np.sqrt(max(own_2, (DEPTH_MM / sod_mm) ** 2)))
