"""The vertebrae of a CT, each ready to be projected alone at any pose and sharpness."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from scipy import ndimage

from ReVertLib.imaging.labels import label_centre_lps, label_mesh, label_region
from ReVertLib.imaging.volume import Volume
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.projection.attenuation import MU_WATER_PER_MM, attenuation
from ReVertLib.projection.pose_projector import PoseProjector

SOFT_TISSUE_PER_MM = 1.04 * MU_WATER_PER_MM
"""Attenuation of muscle, which surrounds bone on a film: what the eye sees of bone is what it has beyond."""


class CtBone:
    """One vertebra of a CT. level: "T12", "L3" ... alone: whether it is seen before black, not in soft tissue, so that
    all of its attenuation counts. mu: per mm. centre_lps: (3,) centroid of the label, mm."""

    def __init__(self, ct: Volume, labels: Volume, label: int, level: str, alone: bool = False) -> None:
        box = label_region(labels, label, 0.0)
        inside = labels.cropped(*box).array == label
        mu = attenuation(ct.cropped(*box), inside)
        if not alone:
            mu = Volume(np.maximum(mu.array - SOFT_TISSUE_PER_MM, 0), mu.ijk_to_lps)
        self.label, self.level, self.mu, self._source = label, level, mu, (ct, labels)
        self.centre_lps = label_centre_lps(labels.cropped(*box), label)
        self._projectors: dict[float, PoseProjector] = {}

    @cached_property
    def mesh_lps(self) -> Mesh:
        """The label's surface, LPS, mm."""
        return label_mesh(self._source[1], self.label)

    @cached_property
    def bare(self) -> CtBone:
        """The same bone seen alone."""
        bare = CtBone(*self._source, self.label, self.level, alone=True)
        bare.mesh_lps = self.mesh_lps
        return bare

    def projector(self, blur_mm: float) -> PoseProjector:
        """Of the bone, blurred by a Gaussian of standard deviation blur_mm."""
        if blur_mm not in self._projectors:
            border = np.ceil(3 * blur_mm / self.mu.spacing_mm).astype(int)
            padded = np.pad(self.mu.array, [(n, n) for n in border[::-1]])
            blurred = ndimage.gaussian_filter(padded, blur_mm / self.mu.spacing_mm[::-1])
            shift = np.eye(4)
            shift[:3, 3] = -border
            self._projectors[blur_mm] = PoseProjector(Volume(blurred, self.mu.ijk_to_lps @ shift))
        return self._projectors[blur_mm]
