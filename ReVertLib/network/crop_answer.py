"""What a network answers to one crop of a radiograph."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ReVertLib.anatomy.template import load_template
from ReVertLib.imaging.crop import Crop
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.metrics.records import ErrorParts


@dataclass(frozen=True)
class CropAnswer:
    """mesh: the radiograph's camera frame, mm. expected_error_mm: (n,) predicted distance of each vertex to the true
    surface, error_parts, its parts, and out_of_distribution, the score of the crop, 1 at its limit; None from a network
    without the heads that say so.

    yaw_deg, probability: where no view was given, the one that this is the answer for, and how likely it is. other: the
    answer for another view, where that is about as likely. silhouette: (S, S) bool, what of the crop the network took
    for the vertebra, None from a network that does not say."""

    mesh: Mesh
    expected_error_mm: np.ndarray | None = None
    out_of_distribution: float | None = None
    yaw_deg: float | None = None
    probability: float | None = None
    other: CropAnswer | None = None
    silhouette: np.ndarray | None = None
    error_parts: ErrorParts | None = None


@dataclass(frozen=True)
class Judged:
    """What a network answers to a batch. vertices: (B, n, 3) crop cameras, mm. expected_error_mm: (B, n).
    error_parts_mm: (B, 3, n) `ErrorParts`. out_of_distribution: (B,). All but the first are None from a network without
    the heads that say so."""

    vertices: np.ndarray
    expected_error_mm: np.ndarray | None = None
    error_parts_mm: np.ndarray | None = None
    out_of_distribution: np.ndarray | None = None


def crop_answer(found: Judged, index: int, crop: Crop) -> CropAnswer:
    """The one at an index of a batch as what is answered to a crop."""
    mesh = Mesh(found.vertices[index].astype(float), load_template().faces).moved(crop.camera_from_crop)
    if found.expected_error_mm is None:
        return CropAnswer(mesh)
    error_mm = found.expected_error_mm[index].astype(float)
    answer = CropAnswer(mesh, error_mm, float(found.out_of_distribution[index]))
    if found.error_parts_mm is None:
        return answer
    return replace(answer, error_parts=ErrorParts(*found.error_parts_mm[index].astype(float)))
