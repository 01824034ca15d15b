"""How a network in context answers to the crops of a radiograph, whatever computes it: a look that needs no view, the
views to answer for where none is known, and the surfaces for them. Without torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from scipy.special import softmax

from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.levels import LEVELS
from ReVertLib.geometry.views import view_rotation
from ReVertLib.imaging.crop import Crop

from .crop_answer import CropAnswer, Judged, crop_answer
from .template_constants import UNKNOWN_LEVEL

YAWS_DEG = tuple(range(-180, 180, 15))
"""The views among which an unknown one is sought."""
NEAR_DEG = 30
"""Views so near to each other are answered alike."""
LEAST_PROBABILITY = 0.15
"""Of a second view, for it to be answered, too."""


@dataclass(frozen=True)
class Look:
    """What is seen in a batch of crops, whatever the view. inside: (B, S, S) logits of the silhouettes. yaw: (B,
    views) logits of YAWS_DEG. kept: what the network needs to answer."""

    inside: np.ndarray
    yaw: np.ndarray
    kept: object


class TwoSteps(Protocol):
    """A network in context that can be asked."""

    def look(self, image: np.ndarray) -> Look:
        """What is seen in crops (B, 1, S, S) float32, 0..1."""

    def surfaces(
        self, look: Look, index: np.ndarray, level: np.ndarray, sod_mm: np.ndarray, view: np.ndarray
    ) -> Judged:
        """The surfaces of the crops at index (n,) of a look. level: (n,) int64, 0..4 for L1..L5, 5 unknown. sod_mm:
        (n,) float32 depths of the vertebrae's centres in the crop cameras. view: (n, 3, 3) float32 coarse rotations of
        these from LPS."""


def reconstructed(
    network: TwoSteps, crops: Sequence[Crop], geometries: Sequence[Geometry], draft: bool
) -> list[CropAnswer]:
    """The vertebrae of crops, each cut from a radiograph by its geometry, in one batch. Those whose view is not known
    are answered for the one that is likeliest for all of them together and, unless it is a draft, for a second one if
    that is likely, too: they must be of one radiograph."""
    image, level, sod_mm = inputs(crops, geometries)
    look = network.look(image)
    asked = _asked(look, geometries, draft)
    index = np.array([i for i, _, _ in asked])
    views = [crops[i].camera_from_crop.inverse.rotation @ view_rotation(*angles) for i, angles, _ in asked]
    found = network.surfaces(look, index, level[index], sod_mm[index], np.stack(views).astype(np.float32))
    answers: list[list[CropAnswer]] = [[] for _ in crops]
    for k, (i, angles, probability) in enumerate(asked):
        answer = replace(crop_answer(found, k, crops[i]), silhouette=look.inside[i] > 0)
        if geometries[i].view_deg is None:
            answer = replace(answer, yaw_deg=angles[0], probability=probability)
        answers[i].append(answer)
    return [replace(one[0], other=one[1]) if len(one) > 1 else one[0] for one in answers]


def inputs(crops: Sequence[Crop], geometries: Sequence[Geometry]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Images (B, 1, S, S), levels (B,) and depths (B,), mm, of crops."""
    levels = [UNKNOWN_LEVEL if one.level is None else LEVELS.index(one.level) for one in geometries]
    return (
        np.stack([crop.pixels for crop in crops])[:, None],
        np.array(levels, np.int64),
        np.array([crop.geometry.sod_mm for crop in crops], np.float32),
    )


Angles = tuple[float, float, float]


def _asked(look: Look, geometries: Sequence[Geometry], draft: bool) -> list[tuple[int, Angles, float | None]]:
    """What is answered: which crop, for what yaw, pitch and roll, in degrees, and how likely that is, None where it was
    given."""
    unknown = [i for i, geometry in enumerate(geometries) if geometry.view_deg is None]
    likely = likely_views(softmax(look.yaw[unknown].mean(0)).tolist()) if unknown else []
    answered = likely[:1] if draft else likely
    return [
        (i, *view)
        for i, geometry in enumerate(geometries)
        for view in (answered if i in unknown else [(geometry.view_deg, None)])
    ]


def likely_views(probabilities: list[float]) -> list[tuple[Angles, float]]:
    """One view or two, (yaw, pitch, roll) in degrees, with what probability the patient is seen from about there, by
    that of each of YAWS_DEG: the likeliest, and the likeliest of those far from it unless that can be left out."""
    count, near = len(YAWS_DEG), NEAR_DEG // (YAWS_DEG[1] - YAWS_DEG[0])
    around = [sum(probabilities[(i + k) % count] for k in range(-near, near + 1)) for i in range(count)]
    first = max(range(count), key=probabilities.__getitem__)
    others = [i for i in range(count) if min((i - first) % count, (first - i) % count) > 2 * near]
    second = max(others, key=probabilities.__getitem__)
    chosen = [first, second] if around[second] > LEAST_PROBABILITY else [first]
    return [((float(YAWS_DEG[i]), 0.0, 0.0), around[i]) for i in chosen]
