"""Whether a crop is like those the weights were trained on: input warnings. Without torch.

The limits are measured on the training images (`revert calibrate`) and lie in the metadata of the weights: four
statistics of a crop, each with a name and so with a reason, and beside them the out-of-distribution score of the
network's own features, which detects more and explains less.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

import numpy as np

from ReVertLib.errors import InputError
from ReVertLib.geometry.crop_camera import CROP_FIELD_MM

UNLIKE = "unlike the training images: "
"""How every input warning begins, wherever warnings are shown."""

QUANTILE = 0.001
BONE = 0.12
FULL = 0.98
BORDER_PX = 4
METADATA_KEY = "domain"


@dataclass(frozen=True)
class CropStatistics:
    """Of a normalised crop. bone_cm2: area of what the network takes for the vertebra or, where it does not say, of
    what is brighter than BONE, at the vertebra's depth. border: mean of the outermost BORDER_PX pixels. full: share
    brighter than FULL. noise: median difference of a pixel from the mean of its four neighbours. Grey values are those
    of the crop, 0..1. The names are also the keys in the metadata of weights."""

    bone_cm2: float
    border: float
    full: float
    noise: float


@dataclass(frozen=True)
class TrainingRange:
    """The least and the most of each statistic among the training images."""

    lowest: CropStatistics
    highest: CropStatistics


def crop_statistics(pixels: np.ndarray, silhouette: np.ndarray | None = None) -> CropStatistics:
    """Of a normalised crop (S, S), S even. silhouette: (S, S) bool, what the network takes for the vertebra."""
    size = len(pixels)
    halved = pixels.reshape(size // 2, 2, size // 2, 2).mean((1, 3))  # so that noise is not taken for bone
    bone = halved > BONE if silhouette is None else silhouette
    inner = pixels[BORDER_PX:-BORDER_PX, BORDER_PX:-BORDER_PX]
    neighbours = (pixels[:-2, 1:-1] + pixels[2:, 1:-1] + pixels[1:-1, :-2] + pixels[1:-1, 2:]) / 4
    return CropStatistics(
        bone_cm2=float(bone.mean() * (CROP_FIELD_MM / 10) ** 2),
        border=float((pixels.sum() - inner.sum()) / (pixels.size - inner.size)),
        full=float((pixels > FULL).mean()),
        noise=float(np.median(np.abs(pixels[1:-1, 1:-1] - neighbours))),
    )


def training_range(statistics: Iterable[CropStatistics]) -> TrainingRange:
    """The limits within which all but QUANTILE of the crops lie at each end."""
    table = np.array([list(asdict(one).values()) for one in statistics])
    lowest, highest = np.quantile(table, [QUANTILE, 1 - QUANTILE], axis=0)
    return TrainingRange(CropStatistics(*map(float, lowest)), CropStatistics(*map(float, highest)))


def range_metadata(limits: TrainingRange) -> dict[str, str]:
    """The entry for the metadata of weights."""
    return {METADATA_KEY: json.dumps(asdict(limits))}


def read_training_range(metadata: dict[str, str]) -> TrainingRange | None:
    """The limits in the metadata of weights; None where there are none. Raises InputError for a damaged text."""
    if METADATA_KEY not in metadata:
        return None
    try:
        found = json.loads(metadata[METADATA_KEY])
        return TrainingRange(CropStatistics(**found["lowest"]), CropStatistics(**found["highest"]))
    except (ValueError, TypeError, KeyError) as error:
        raise InputError("weights: expected the limits of their training images as JSON, got others") from error


def input_warnings(
    pixels: np.ndarray, out_of_distribution: float, limits: TrainingRange, silhouette: np.ndarray | None = None
) -> tuple[str, ...]:
    """Why a normalised crop (S, S) may be unlike the training images, a line for each reason.

    out_of_distribution: the network's score, 1 at its limit; given as the reason only where no other is found.
    silhouette: as for `crop_statistics`.
    """
    found = [*_grey_value_reasons(crop_statistics(pixels, silhouette), limits)]
    if out_of_distribution > 1 and not found:
        found.append(f"the network has seen nothing like it, {out_of_distribution:.2f} times as far off as it allows")
    return tuple(UNLIKE + reason for reason in found)


def _grey_value_reasons(crop: CropStatistics, limits: TrainingRange) -> Iterable[str]:
    low, high = limits.lowest, limits.highest
    if crop.bone_cm2 == 0:
        yield "nothing is seen in the box"
    elif crop.bone_cm2 < low.bone_cm2:
        yield (
            f"what is seen is too small for a lumbar vertebra, {crop.bone_cm2:.0f} cm² where {low.bone_cm2:.0f} is the "
            "least; are pixel spacing, distances and box right?"
        )
    if crop.full > high.full:
        yield f"{100 * crop.full:.0f} % of it is as bright as its brightest place; inverted, or is there metal?"
    if crop.noise > high.noise:
        yield f"its noise is {100 * crop.noise:.1f} % of the grey range where {100 * high.noise:.1f} is the most"
    if crop.border > high.border:
        yield "its edge is brighter than that of any; inverted, or more than the weights know around the vertebra?"
    elif crop.bone_cm2 > high.bone_cm2:
        yield (
            f"what is seen is too large for a lumbar vertebra, {crop.bone_cm2:.0f} cm² where {high.bone_cm2:.0f} is "
            "the most; are pixel spacing and distances right?"
        )
