"""X-ray attenuation and Hounsfield units, each from the other."""

from __future__ import annotations

import numpy as np

from ReVertLib.imaging.ct import MOST_HU
from ReVertLib.imaging.volume import Volume

MU_WATER_PER_MM, MU_BONE_PER_MM = 0.0192, 0.0573
"""At about 70 keV, of 0 and of 1000 HU."""


def attenuation(ct: Volume, inside: np.ndarray | None = None) -> Volume:
    """Attenuation per mm at about 70 keV from Hounsfield units, linear from air to water and from water to bone and
    beyond; zero outside the (k, j, i) bool mask when given."""
    mu = np.empty(ct.array.shape, np.float32)
    for k, hu in enumerate(ct.array):  # plane by plane: a whole CT is not held twice
        share = hu.astype(np.float32) / 1000
        mu[k] = np.maximum(MU_WATER_PER_MM * (1 + np.minimum(share, 0)), 0)
        mu[k] += (MU_BONE_PER_MM - MU_WATER_PER_MM) * np.maximum(share, 0)
    if inside is not None:
        mu *= inside
    return Volume(mu, ct.ijk_to_lps)


def hounsfield(mu: np.ndarray) -> np.ndarray:
    """HU, int16, of attenuation per mm, as `attenuation` has it, up to MOST_HU."""
    soft = 1000 * (np.minimum(mu, MU_WATER_PER_MM) / MU_WATER_PER_MM - 1)
    hard = 1000 * np.maximum(mu - MU_WATER_PER_MM, 0) / (MU_BONE_PER_MM - MU_WATER_PER_MM)
    return np.rint(np.clip(soft + hard, -1000, MOST_HU)).astype(np.int16)
