"""A real abdomen around synthetic spines: the CT of a whole trunk, its spine taken out, warped around another.

The CT is ACRIN-FLT-Breast's (TCIA, doi 10.7937/K9/TCIA.2017.ol20zmxg, CC BY 3.0) in `background_abdomen`. Where its
upper endplates lie was read off its middle sagittal plane by eye.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.geometry.views import rotation_about
from ReVertLib.imaging.ct import read_ct
from ReVertLib.imaging.volume import Volume
from ReVertLib.projection.attenuation import attenuation

from .vertebra import S1, Bone
from .warp import ThinPlateWarp

ABDOMEN = Path("background_abdomen/ct.nii.gz")
MIDDLE_X_MM = -18.0
ENDPLATES_YZ_MM = np.array(
    [(63, -481), (63, -511), (60, -546), (54, -580), (50, -614), (48, -650), (50, -690), (64, -725)], float
)
LEANS_DEG = np.array([0, 0, -1, -2, 0, 3, 14, 45])
"""Of the upper endplates of T11..L5 and S1: middle and forward slope."""

HALF_WIDTH_MM, FRONT_MM = 173.0, 85.0
BONE_HU, MUSCLE_HU, SKIN_HU = 130, 50, -300
LATTICE_MM, LOOSE_MM = 8.0, 7.0

_SPINE = np.array([[0, 0, 0], [30, 0, 0], [-30, 0, 0], [0, 45, -15]], float)
_PELVIS = np.array([[120, -10, 40], [-120, -10, 40], [105, -20, -100], [-105, -20, -100], [0, 70, -90]], float)
_TRUNK = np.array([[HALF_WIDTH_MM, 0, 0], [-HALF_WIDTH_MM, 0, 0], [0, -FRONT_MM - 17, 0]])


@dataclass(frozen=True)
class Abdomen:
    """mu: per mm, without spine and couch. frames: from the axes of the upper
    endplates of T11..L5 and S1."""

    mu: Volume
    frames: tuple[RigidTransform, ...]

    def around(
        self, bones: tuple[Bone, ...], grid: Volume, width_mm: tuple[float, float], rng: np.random.Generator
    ) -> np.ndarray:
        """(k, j, i) the attenuation on a grid in LPS axes, the spine where bones stand. width_mm: half of the trunk's,
        and the belly's before the spine, from which it strays by some LOOSE_MM."""
        half_width_mm, front_mm = width_mm
        girth = np.array([half_width_mm / HALF_WIDTH_MM, np.clip(front_mm / FRONT_MM, 0.75, 1.6), 1.0])
        ours, theirs = [], []
        for bone, frame in zip(bones, self.frames, strict=True):
            ours.append(bone.lps_from_upper.apply(_SPINE))
            theirs.append(frame.apply(_SPINE))
            if bone.label == S1:
                ours.append(bone.lps_from_upper.apply(_PELVIS))
                theirs.append(frame.apply(_PELVIS))
            else:  # a leaning endplate does not tilt the belly
                ours.append(girth * _TRUNK + bone.lps_from_upper.translation_mm + rng.normal(0, LOOSE_MM, _TRUNK.shape))
                theirs.append(_TRUNK + frame.translation_mm)
        return ThinPlateWarp(np.vstack(ours), np.vstack(theirs), 1.0).sampled(self.mu, grid, LATTICE_MM)


def load_abdomen(data: Path) -> Abdomen | None:
    """The abdomen below data, if it is there."""
    if not (data / ABDOMEN).is_file():
        return None
    ct = read_ct(data / ABDOMEN)
    places = zip(LEANS_DEG, ENDPLATES_YZ_MM, strict=True)
    frames = tuple(RigidTransform(rotation_about("x", lean), np.array([MIDDLE_X_MM, *yz])) for lean, yz in places)
    return Abdomen(attenuation(Volume(_without_spine(ct), ct.ijk_to_lps)), frames)


def _without_spine(ct: Volume) -> np.ndarray:
    """(k, j, i) HU, the couch air and the spine muscle."""
    skin = ndimage.binary_opening(ct.array > SKIN_HU, np.ones((1, 5, 5)))
    regions, _ = ndimage.label(skin)
    body = regions == np.bincount(regions.ravel())[1:].argmax() + 1
    body = np.stack([ndimage.binary_fill_holes(plane) for plane in ndimage.binary_dilation(body, np.ones((1, 3, 3)))])
    x, y, z = ct.coordinates_lps()
    order = np.argsort(ENDPLATES_YZ_MM[:, 1])
    middle_y = np.interp(z, ENDPLATES_YZ_MM[order, 1], ENDPLATES_YZ_MM[order, 0]) + 0.9 * np.maximum(-735 - z, 0)
    half_x = np.interp(z, [-800, -760, -725, -700, -550, -530], [28, 40, 46, 50, 50, 34])
    near = (np.abs(x - MIDDLE_X_MM) < half_x) & (y > middle_y - 28) & (y < middle_y + 75)
    bone = ndimage.binary_closing(near & (ct.array > BONE_HU), np.ones((1, 5, 5)))
    bone = ndimage.binary_dilation(bone, np.ones((1, 3, 3)), iterations=2) & near
    return np.where(bone, MUSCLE_HU, np.where(body, ct.array, -1000)).astype(np.float32)
