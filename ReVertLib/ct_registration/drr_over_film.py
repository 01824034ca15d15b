"""A CT's own DRR on the grid of the film that it was laid into, with the film's grey values, to be looked at over it.

Where a ray meets none of the bones a picture of them says nothing: there the film stays. All grey values are those of
a film with bone bright. What lays pictures over each other needs nothing but numpy, so that Slicer can do it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.transform import RigidTransform

from .records import REFUSED, CtRegistration

if TYPE_CHECKING:
    from ReVertLib.imaging.volume import Volume

FIELDS = 16
"""Fields of a checkerboard along the longer side of the film."""
MOST_RAYS = 500_000
"""Of a DRR of a whole CT, which is rendered more coarsely than the film and then enlarged."""


def bones_drr(
    ct: Volume, labels: Volume, found: CtRegistration, geometry: Geometry, size_px: tuple[int, int]
) -> np.ndarray:
    """(rows, columns) float32, no unit: the bones, each where it was laid, but those that were refused. In soft tissue
    only what they attenuate beyond it counts.

    ct: HU; labels: in VerSe's numbers, on its grid. geometry: of a film of size_px, (columns, rows).
    """
    from ReVertLib.geometry.levels import VERSE_LABELS
    from ReVertLib.projection.projector import line_integrals

    from .bone import CtBone

    image = np.zeros(size_px[::-1], np.float32)
    for one in found.vertebrae:
        if one.judgement.word != REFUSED:
            bone = CtBone(ct, labels, VERSE_LABELS[one.level], one.level, found.alone)
            image += line_integrals(bone.mu, one.camera_from_lps, geometry, size_px)
    return image


def whole_drr(ct: Volume, camera_from_lps: RigidTransform, geometry: Geometry, size_px: tuple[int, int]) -> np.ndarray:
    """(rows, columns) float32, no unit: the attenuation of all of a CT, HU, laid into the beam as one piece."""
    from scipy import ndimage

    from ReVertLib.projection.attenuation import attenuation
    from ReVertLib.projection.projector import line_integrals

    share = min(1.0, (MOST_RAYS / (size_px[0] * size_px[1])) ** 0.5)
    coarse = max(1, round(share * size_px[0])), max(1, round(share * size_px[1]))
    factors = coarse[0] / size_px[0], coarse[1] / size_px[1]
    image = line_integrals(attenuation(ct), camera_from_lps, geometry.resized(*factors), coarse)
    if coarse == tuple(size_px):
        return image
    # Pixel areas keep their place, as of `Geometry.resized`.
    v, u = ((np.arange(n) + 0.5) * f - 0.5 for n, f in zip(size_px[::-1], factors[::-1], strict=True))
    return ndimage.map_coordinates(image, np.meshgrid(v, u, indexing="ij"), order=1, mode="nearest")


def in_film_greys(drr: np.ndarray, film: np.ndarray) -> np.ndarray:
    """(rows, columns) float32: a DRR with the mean and the standard deviation that the film has where the DRR sees
    anything; elsewhere the film itself. film: (rows, columns), bone bright."""
    grey, seen = np.asarray(film, np.float32).copy(), drr > 0
    if seen.any():
        integrals, there = drr[seen], grey[seen]
        grey[seen] = there.mean() + (integrals - integrals.mean()) * (there.std() / max(float(integrals.std()), 1e-6))
    return grey


def checkerboard(film: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(rows, columns) fields of the film and of another picture on its grid in turn, the film's first."""
    side = max(1, -(-max(film.shape) // FIELDS))
    rows, columns = (np.arange(n) // side for n in film.shape)
    return np.where((rows[:, None] + columns) % 2 == 0, film, other).astype(np.float32)


def difference(film: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(rows, columns) float32: the film minus another picture of its greys on its grid."""
    return np.asarray(film, np.float32) - other
