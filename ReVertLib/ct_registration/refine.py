"""One bone's pose by steps that make its projection more alike to the film: Levenberg and Marquardt's on the local
normalised correlation, with the derivative of the projection by the pose.

Steps are in the first view's camera: across the beam, along the ray through the bone's middle, which only changes its
size on the film, and rotations about its middle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from ReVertLib.geometry.transform import RigidTransform

from .bone import CtBone
from .patches import Patch
from .similarity import locally_normalised, normalised_derivative

UNITS = np.array([1.0, 1.0, 20.0, 0.03, 0.03, 0.02])
"""Steps of about equal effect on a film: mm across, mm along, radians out of the plane, radians in it."""
_ALONG = 2
_LONGEST = 4.0
_SHORTEST, _LEAST_GAIN = 0.02, 1e-4
_FIRST_DAMPING, _LEAST_DAMPING, _MOST_DAMPING = 1e-2, 1e-4, 1e3
NOISE = 2.0
"""Of the normal equations: the variance of a residual, some 0.08, times the pixels that differ together, some 25. It
weighs what is known of the distance, and makes expected errors of the information: chosen so that rotations on films of
verse014's bones were off by what was expected."""
ROBUST = 0.7
"""A residual beyond this, in deviations, counts in proportion and not by its square: metal is on the film alone."""


@dataclass(frozen=True)
class Distance:
    """What is known of a bone's distance beforehand: its middle's depth in the first view, and standard deviation."""

    depth_mm: float
    sd_mm: float


@dataclass(frozen=True, eq=False)
class Fit:
    """pose: camera of the first view from LPS. similarity: mean local correlation, at most 1. cost: what is made least,
    the squares of all residuals and of what is known beforehand. information: (6, 6) of the normal equations by steps
    of UNITS. seen: the share of the bone that is on each film, the least. restarts: of starts nearby, the share that
    ended there, where some were made."""

    pose: RigidTransform
    similarity: float
    cost: float
    information: np.ndarray
    seen: float = 1.0
    restarts: float = 0.0


def refined(
    bone: CtBone,
    pose: RigidTransform,
    patches: Sequence[Patch],
    rounds: int,
    distance: Distance | None = None,
    along: bool = True,
) -> Fit:
    """The pose from a start, in so many rounds at most; 0 rounds tell how alike the start is. along: whether it may
    move along the beam, which a coarse picture hardly tells."""
    free = np.flatnonzero(np.arange(6) != _ALONG) if not along else np.arange(6)
    damping, fit, wanted = _FIRST_DAMPING, *_linearised(bone, pose, patches, distance)
    for _ in range(rounds):
        normal = fit.information[np.ix_(free, free)]
        diagonal = np.diag(normal)
        if not diagonal.any():  # nothing of the bone is on the film
            break
        step = np.zeros(6)
        step[free] = np.linalg.solve(normal + damping * np.diag(diagonal + 1e-6 * diagonal.max()), wanted[free])
        step = np.clip(step, -_LONGEST, _LONGEST)
        trial, trial_wanted = _linearised(bone, stepped(fit.pose, bone.centre_lps, step), patches, distance)
        if trial.cost < fit.cost:
            gain, fit, wanted = 1 - trial.cost / fit.cost, trial, trial_wanted
            damping = max(damping / 5, _LEAST_DAMPING)
            if np.abs(step).max() < _SHORTEST or gain < _LEAST_GAIN:
                break
        else:
            damping *= 8
            if damping > _MOST_DAMPING:
                break
    return fit


def stepped(pose: RigidTransform, centre_lps: np.ndarray, step: np.ndarray) -> RigidTransform:
    """A pose after a step (6,) in UNITS; centre_lps: (3,) the bone's middle."""
    centre = pose.apply(centre_lps[None])[0]
    x, y, along, *turn = step * UNITS
    shift = np.array([x, y, 0.0]) + along * centre / centre[2]
    return RigidTransform.about(centre, Rotation.from_rotvec(turn).as_matrix(), centre + shift) @ pose


def _linearised(
    bone: CtBone, pose: RigidTransform, patches: Sequence[Patch], distance: Distance | None
) -> tuple[Fit, np.ndarray]:
    """How alike all patches are at a pose, and (6,) the right side of the normal equations for the next step."""
    centre = pose.apply(bone.centre_lps[None])[0]
    information, wanted, cost, misfit, pixels = np.zeros((6, 6)), np.zeros(6), 0.0, 0.0, 0.0
    for patch in patches:
        own, scale = patch.camera_from_first @ pose, patch.scale
        projector = bone.projector(scale.blur_mm)
        moved = projector.moved_image(own, own.apply(bone.centre_lps[None])[0], patch.geometry, patch.size_px)
        image = moved.integrals + patch.beside
        weight, window = patch.weight, scale.window_px
        normal = locally_normalised(image, weight, window, float(image.max()))
        residual = (patch.normal.values - normal.values) * weight
        kept = (patch.told * ROBUST / residual.abs().clamp(min=ROBUST)).sqrt()
        by_pose = normalised_derivative(image, moved.by_pose, weight, window, normal) * weight * kept
        jacobian = by_pose.reshape(6, -1).double().numpy().T @ _steps_in(patch.camera_from_first, centre)
        information += jacobian.T @ jacobian
        wanted += jacobian.T @ (kept * residual).reshape(-1).double().numpy()
        misfit += float((residual**2).sum())
        cost += float(((kept * residual) ** 2).sum())
        pixels += float(weight.sum())
    similarity = 1 - misfit / (2 * pixels) if pixels else 0.0
    if distance is not None:
        off, weight = (distance.depth_mm - centre[2]) / distance.sd_mm, UNITS[_ALONG] / distance.sd_mm
        information[_ALONG, _ALONG] += NOISE * weight**2
        wanted[_ALONG] += NOISE * weight * off
        cost += NOISE * off**2
    seen = min(patch.seen for patch in patches)
    return Fit(pose, similarity, cost, information, seen), wanted


def _steps_in(camera_from_first: RigidTransform, centre: np.ndarray) -> np.ndarray:
    """(6, 6) from steps in UNITS to the motion in another view's camera frame: translation, mm, and rotation, radians,
    about the bone's middle. centre: (3,) the middle, first view's frame."""
    turn = np.asarray(camera_from_first.rotation)
    motion = np.zeros((6, 6))
    motion[:3, 0], motion[:3, 1], motion[:3, 2] = turn[:, 0], turn[:, 1], turn @ (centre / centre[2])
    motion[3:, 3:] = turn
    return motion * UNITS
