"""The vertebra-shaped template: fixed faces, one mean shape per level, and the control points that move it.

Canonical frame: patient axes as LPS (+X left, +Y posterior, +Z superior), origin at the centroid of the volume, mm.
The shapes come from the mean lumbar vertebrae of 87 patients (Clouthier et al., J. Biomech. 2023, 146:111421; MIT),
which know L2-L5; L1 is L2 moved by the mean difference of the training people. `shape.template_builder` builds it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from ReVertLib.geometry.levels import LEVELS
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.resources import TEMPLATE_FILE

KEYS = {
    "faces": "faces",
    "means": "means",
    "control_points": "controls",
    "control_point_neighbours": "neighbours",
    "interpolation_weights": "weights",
    "interpolation_points": "weight_controls",
}
"""By field of `Template`, the name of its array in the file."""


@dataclass(frozen=True)
class Template:
    """faces: (m, 3). means: (5, n, 3) mm, canonical frame, L1..L5. control_points: (c,) which vertices the
    network moves. control_point_neighbours: (c, k) which control points are nearest along the surface, the point itself
    first. interpolation_weights and interpolation_points: (n, w), how much of the displacement of which control point
    each vertex takes. sha256: of the file."""

    faces: np.ndarray
    means: np.ndarray
    control_points: np.ndarray
    control_point_neighbours: np.ndarray
    interpolation_weights: np.ndarray
    interpolation_points: np.ndarray
    sha256: str

    def mean(self, level: str | None) -> Mesh:
        """The mean vertebra of a level in the canonical frame; L3 when the level is unknown."""
        return Mesh(self.means[LEVELS.index(level or "L3")], self.faces)


@cache
def load_template(path: Path = TEMPLATE_FILE) -> Template:
    """The shipped template, read once."""
    content = path.read_bytes()
    with np.load(path, allow_pickle=False) as arrays:
        fields = {field: arrays[key] for field, key in KEYS.items()}
    fields["faces"] = fields["faces"].astype(np.int64)
    fields["interpolation_weights"] = fields["interpolation_weights"].astype(np.float32)
    return Template(**fields, sha256=hashlib.sha256(content).hexdigest())


def baseline_mesh(level: str | None) -> Mesh:
    """The constant answer that every figure is held against: the mean vertebra of 87 patients, no image used.

    The 87 know no L1; their L2 answers for it.
    """
    return load_template().mean("L2" if level == "L1" else level)
