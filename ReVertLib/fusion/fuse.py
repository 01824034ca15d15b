"""Two answers to two radiographs of one vertebra, made into one."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from ReVertLib.anatomy.template import load_template
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.geometry.views import view_rotation
from ReVertLib.inference.results import Reconstruction
from ReVertLib.inference.verdict import verdict
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.registration.icp import best_motion

from .agreement import disagreements
from .answer import Answer, answer_of, level_of
from .expected import fused_errors
from .records import Agreement, Fused, RelativePose
from .shape_space import shape_space
from .solve import Solution, solved


def fused(
    first: Reconstruction,
    second: Reconstruction,
    second_from_first: RigidTransform | None = None,
    was_found: bool = False,
) -> Fused:
    """The vertebra of both, in the first one's camera frame. second_from_first: from the first camera's frame to the
    second's where that is known, to about a degree and a mm. was_found: whether it was not given but found from this
    vertebra and its neighbours. Raises InputError for two levels, and for surfaces that are not the template's."""
    started = time.perf_counter()
    given = second_from_first is not None and not was_found
    level, space, pair = level_of(first, second), shape_space(), (first, second)
    answers = tuple(answer_of(one, level, space) for one in pair)
    solution = solved(answers, level, space, second_from_first)
    relative = _relative_pose(pair, answers, solution, second_from_first, given)
    agreement = _agreement(pair, answers, solution)
    expected_mm, parts = fused_errors(pair, solution.poses, solution.shape, given)
    mesh = Mesh(solution.poses[0].apply(solution.shape), load_template().faces)
    reconstruction = replace(
        first,
        mesh=mesh,
        geometry=replace(first.geometry, level=first.geometry.level or second.geometry.level),
        seconds=first.seconds + second.seconds + time.perf_counter() - started,
        warnings=(*disagreements(relative, agreement), *_warnings(pair)),
        expected_error_mm=expected_mm,
        error_parts=parts,
        other=None,
    )
    return Fused(reconstruction, verdict(reconstruction), relative, agreement, pair, _gain_mm(pair, expected_mm))


def _relative_pose(
    pair: tuple[Reconstruction, Reconstruction],
    answers: tuple[Answer, Answer],
    solution: Solution,
    known: RigidTransform | None,
    given: bool,
) -> RelativePose:
    found = solution.poses[1] @ solution.poses[0].inverse
    alone = answers[1].pose @ answers[0].pose.inverse
    if known is not None:
        off = known @ answers[0].pose
        moved_mm = float(np.linalg.norm(off.translation_mm - answers[1].pose.translation_mm))
        return RelativePose(found, given, (alone @ known.inverse).angle_deg, moved_mm)
    views = [one.geometry.view_deg for one in pair]
    if None in views or any(one.probability is not None for one in pair):
        return RelativePose(found, False, None, None)
    by_views = RigidTransform.turn(view_rotation(*views[1]) @ view_rotation(*views[0]).T)
    return RelativePose(found, False, RigidTransform.turn(alone.rotation @ by_views.rotation.T).angle_deg, None)


def _agreement(
    pair: tuple[Reconstruction, Reconstruction], answers: tuple[Answer, Answer], solution: Solution
) -> Agreement:
    first, second = (answer.shape for answer in answers)
    apart = best_motion(second, first, "rigid").apply(second) - first
    expected, ratio = [one.expected_error_mm for one in pair], None
    if all(error is not None for error in expected):
        ratio = float(np.sqrt((apart**2).sum(1).mean() / sum(np.mean(error**2) for error in expected)))
    sizes = [np.linalg.norm(shape - shape.mean(0)) for shape in (first, second)]
    return Agreement(ratio, float(sizes[1] / sizes[0]), solution.residual_mm)


def _warnings(pair: tuple[Reconstruction, Reconstruction]) -> tuple[str, ...]:
    """Those of both; where only one image has them, it is said which."""
    first, second = pair
    own = [f"first image: {line}" for line in first.warnings if line not in second.warnings]
    others = [f"second image: {line}" for line in second.warnings if line not in first.warnings]
    return (*(line for line in first.warnings if line in second.warnings), *own, *others)


def _gain_mm(pair: tuple[Reconstruction, Reconstruction], expected_mm: np.ndarray | None) -> float | None:
    if expected_mm is None:
        return None
    return float(min(np.mean(one.expected_error_mm) for one in pair) - np.mean(expected_mm))
