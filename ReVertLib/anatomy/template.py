"""The vertebra-shaped template: fixed faces, one mean shape per level, and the control points that move it.

Canonical frame: patient axes as LPS (+X left, +Y posterior, +Z superior), origin at the centroid of the volume, mm.
The shapes come from the mean lumbar vertebrae of 87 patients (Clouthier et al., J. Biomech. 2023, 146:111421; MIT),
which know L2-L5; L1 is L2 moved by the mean difference of the training people. `shapes.py` builds the file.
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


@dataclass(frozen=True)
class Template:
    """faces: (m, 3). means: (5, n, 3) mm, canonical frame, L1..L5. controls: (c,) vertices that carry the decoder's
    nodes. neighbours: (c, k) nearest controls along the surface, the node itself first. weights: (n, w) and
    weight_controls: (n, w), how much of which control's displacement each vertex takes."""

    faces: np.ndarray
    means: np.ndarray
    controls: np.ndarray
    neighbours: np.ndarray
    weights: np.ndarray
    weight_controls: np.ndarray
    sha256: str

    def mean(self, level: str | None) -> Mesh:
        """The mean vertebra of a level in the canonical frame; L3 when the level is unknown."""
        return Mesh(self.means[LEVELS.index(level or "L3")], self.faces)


@cache
def load_template(path: Path = TEMPLATE_FILE) -> Template:
    """The shipped template, read once."""
    content = path.read_bytes()
    with np.load(path, allow_pickle=False) as arrays:
        fields = {name: arrays[name] for name in arrays.files}
    fields["faces"] = fields["faces"].astype(np.int64)
    fields["weights"] = fields["weights"].astype(np.float32)
    return Template(**fields, sha256=hashlib.sha256(content).hexdigest())


def baseline_mesh(level: str | None) -> Mesh:
    """The constant answer that every figure is held against: the mean vertebra of 87 patients, no image used.

    The 87 know no L1; their L2 answers for it.
    """
    return load_template().mean("L2" if level == "L1" else level)
