"""The likeliest shape and poses of a vertebra that two radiographs show: Gauss and Newton in the space of shapes.

The shape starts at what both answers say together, each more across its beam than along it. About that, its
coefficients are as uncertain as vertebrae differ, but for the first ones, which the answers know well. Each pose is
that of its answer to within the usual error, and both are held together where the relative pose is given. What then
moves them are the outlines that were seen in both radiographs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.spatial.transform import Rotation

from ReVertLib.geometry.transform import RigidTransform

from .answer import Answer
from .outline import pulls
from .shape_space import ShapeSpace

ACROSS, ALONG = 1.2, 0.8
"""How much of the mean of the two answers' displacements is taken, across and along each beam: about what least squares
give on people not seen in training (answers alone are too near the mean vertebra)."""
FIRST_LEFT, LEFT = (0.12, 0.35, 0.35, 0.5), 0.85
"""The share of the variance that the answers leave: of the first coefficients, and of the others."""
TURN_DEG, SHIFT_MM = 3.0, 0.7
"""Standard deviations of an answer's pose: about each axis, and across the beam."""
DEPTH_MM = 1.0
"""Along the beam, where the distance is that of the radiograph or, the relative pose given, of the crossing beams: the
outlines hardly tell it. On new people 1 is better than 5 in context and as good alone, distances told 5 % off, too."""
GIVEN_DEG, GIVEN_MM = 1.0, 1.0
"""Of a relative pose that is given, about and along each axis."""
TOGETHER = 28.0
"""So many neighbouring points of an outline err together."""
ROUNDS = 5


@dataclass(frozen=True)
class Solution:
    """shape: (n, 3) mm, canonical frame. poses: cameras from canonical, in the order of the answers. residual_mm: the
    median distance of each silhouette from its outline, None where none was seen."""

    shape: np.ndarray
    poses: tuple[RigidTransform, ...]
    residual_mm: tuple[float | None, ...]


def solved(
    answers: Sequence[Answer], level: int, space: ShapeSpace, second_from_first: RigidTransform | None
) -> Solution:
    """The vertebra of a level 0..4. second_from_first: from the first camera's frame to the second's, None where it is
    not known."""
    start = blended(answers)
    wanted = space.coefficients(start)
    rest = start - space.displacement(wanted)
    coefficients, poses = wanted, [answer.pose for answer in answers]
    moved = np.zeros((len(answers), 6))
    for _ in range(ROUNDS):
        shape = space.shape(level, space.displacement(coefficients) + rest)
        system = _System.of(coefficients - wanted, moved)
        for i, (answer, pose) in enumerate(zip(answers, poses, strict=True)):
            system.add_outline(answer, i, pose, shape, space)
        if second_from_first is not None:
            system.add_relative_pose(poses, second_from_first)
        step = system.solution()
        coefficients, turns = coefficients + step[: len(wanted)], step[len(wanted) :].reshape(-1, 6)
        moved, poses = moved + turns, [_stepped(pose, turn) for pose, turn in zip(poses, turns, strict=True)]
    shape = space.shape(level, space.displacement(coefficients) + rest)
    residuals = [_residual_mm(answer, shape, pose, space) for answer, pose in zip(answers, poses, strict=True)]
    return Solution(shape, tuple(poses), tuple(residuals))


def blended(answers: Sequence[Answer]) -> np.ndarray:
    """(c, 3) mm, the displacement of the control points that the answers say together."""
    parts = []
    for answer in answers:
        along = np.outer(answer.displacement @ answer.beam, answer.beam)
        parts.append(ACROSS * (answer.displacement - along) + ALONG * along)
    return np.mean(parts, axis=0)


@dataclass(frozen=True)
class _System:
    """The normal equations: hessian (d, d) and pull (d,), of the coefficients, then six numbers of every pose."""

    hessian: np.ndarray
    pull: np.ndarray
    shapes: int

    @classmethod
    def of(cls, off: np.ndarray, moved: np.ndarray) -> _System:
        """What is known before any outline. off: (k,) of the coefficients from where they started. moved: (v, 6) of
        the poses from theirs."""
        left = np.full(len(off), LEFT)
        left[: len(FIRST_LEFT)] = FIRST_LEFT
        of_pose = np.array([np.radians(TURN_DEG)] * 3 + [SHIFT_MM] * 2 + [DEPTH_MM]) ** -2.0
        certain = np.concatenate([1.0 / left, np.tile(of_pose, len(moved))])
        return cls(np.diag(certain), -certain * np.concatenate([off, moved.ravel()]), len(off))

    def _add(self, rows: np.ndarray, wanted: np.ndarray, certain: np.ndarray | float) -> None:
        """Of rows (m, d) whose product with the step is to be wanted (m,). certain: (m,) or one for all."""
        weighted = rows * np.broadcast_to(certain, len(rows))[:, None]
        np.add(self.hessian, rows.T @ weighted, out=self.hessian)
        np.add(self.pull, weighted.T @ wanted, out=self.pull)

    def _of_pose(self, index: int) -> slice:
        first = self.shapes + 6 * index
        return slice(first, first + 6)

    def add_outline(
        self, answer: Answer, index: int, pose: RigidTransform, shape: np.ndarray, space: ShapeSpace
    ) -> None:
        """What was seen of the vertebra in the radiograph at an index."""
        if not len(answer.outline.points):
            return
        found = pulls(answer.outline, shape, pose, space.at_vertices)
        rows = np.zeros((len(found.off_mm), len(self.pull)))
        rows[:, : self.shapes], rows[:, self._of_pose(index)] = found.on_shape, found.on_pose
        self._add(rows, found.off_mm, found.trust / (TOGETHER * answer.outline_mm**2))

    def add_relative_pose(self, poses: Sequence[RigidTransform], second_from_first: RigidTransform) -> None:
        """That the second pose is the first one seen from the second camera."""
        first, second = poses
        wanted = second_from_first @ first
        turn = Rotation.from_matrix(wanted.rotation @ second.rotation.T).as_rotvec()
        shift = wanted.translation_mm - second.translation_mm
        rows = np.zeros((6, len(self.pull)))
        for part in (slice(0, 3), slice(3, 6)):
            rows[part, self._of_pose(0)][:, part] = -second_from_first.rotation
            rows[part, self._of_pose(1)][:, part] = np.eye(3)
        certain = np.repeat([np.radians(GIVEN_DEG) ** -2.0, GIVEN_MM**-2.0], 3)
        self._add(rows, np.concatenate([turn, shift]), certain)

    def solution(self) -> np.ndarray:
        """(d,) the step."""
        return cho_solve(cho_factor(self.hessian), self.pull)


def _stepped(pose: RigidTransform, step: np.ndarray) -> RigidTransform:
    """A pose turned by step[:3] (rad) about the vertebra's centre and shifted by step[3:] (mm), camera axes."""
    turn = Rotation.from_rotvec(step[:3]).as_matrix()
    return RigidTransform(turn @ pose.rotation, pose.translation_mm + step[3:])


def _residual_mm(answer: Answer, shape: np.ndarray, pose: RigidTransform, space: ShapeSpace) -> float | None:
    if not len(answer.outline.points):
        return None
    return float(np.median(np.abs(pulls(answer.outline, shape, pose, space.at_vertices, np.inf).off_mm)))
