"""What two radiographs of one vertebra are fused into: plain data."""

from __future__ import annotations

from dataclasses import dataclass

from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.inference.results import Reconstruction
from ReVertLib.inference.verdict import Verdict


@dataclass(frozen=True)
class RelativePose:
    """second_from_first: from the first camera's frame to the second's, as found in the end. given: whether it was
    told. turned_deg, moved_mm: what the two answers by themselves say of it against the one given, or found from all
    levels of two films, the latter of the vertebra's centre; where there is neither, turned_deg is against the views,
    None where these are not known, and moved_mm is None."""

    second_from_first: RigidTransform
    given: bool
    turned_deg: float | None
    moved_mm: float | None


@dataclass(frozen=True)
class Agreement:
    """How alike what the two images show is. shape_ratio: what the two shapes differ by over what their expected errors
    let expect, None where an answer does not say. size_ratio: of the second over the first. outline_mm: the median
    distance of the fused silhouette from the outline that was seen in each image, None where none was."""

    shape_ratio: float | None
    size_ratio: float
    outline_mm: tuple[float | None, ...]


@dataclass(frozen=True)
class Fused:
    """reconstruction: the vertebra in the first image's camera frame, mm, with the expected errors that are left, and
    what is to be warned of. verdict: what it is worth; "do not use" where the two images show different vertebrae.
    alone: the two answers by themselves, each in its own camera frame. gain_mm: by how much the mean error to be
    expected is below that of the better answer alone, None from weights that do not say."""

    reconstruction: Reconstruction
    verdict: Verdict
    relative_pose: RelativePose
    agreement: Agreement
    alone: tuple[Reconstruction, Reconstruction]
    gain_mm: float | None
