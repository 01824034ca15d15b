"""What a network answers to one crop of a radiograph."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ReVertLib.anatomy.template import load_template
from ReVertLib.imaging.crop import Crop
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.metrics.records import ErrorParts

from .posed_shape import PosedShape


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


def crop_answer(estimate: PosedShape, index: int, crop: Crop) -> CropAnswer:
    """The estimate at an index of a batch as what is answered to a crop."""
    vertices = estimate.vertices[index].cpu().double().numpy()
    mesh = Mesh(vertices, load_template().faces).moved(crop.camera_from_crop)
    if estimate.expected_error_mm is None:
        return CropAnswer(mesh)
    error_mm = estimate.expected_error_mm[index].cpu().double().numpy()
    answer = CropAnswer(mesh, error_mm, float(estimate.out_of_distribution[index]))
    if estimate.error_parts_mm is None:
        return answer
    return replace(answer, error_parts=ErrorParts(*estimate.error_parts_mm[index].cpu().double().numpy()))
