"""What a network answers to one crop of a radiograph."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ReVertLib.mesh.mesh import Mesh


@dataclass(frozen=True)
class CropAnswer:
    """mesh: the radiograph's camera frame, mm. expected_error_mm: (n,) predicted distance of each vertex to the true
    surface, and out_of_distribution, the score of the crop, 1 at its limit; None from a network without these heads."""

    mesh: Mesh
    expected_error_mm: np.ndarray | None = None
    out_of_distribution: float | None = None
