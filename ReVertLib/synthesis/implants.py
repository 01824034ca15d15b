"""Metal in a spine: pedicle screws, the rods between them, needles, as cylinders, whose shadow is exact; and cement.

Attenuation at about 70 keV by NIST's tables: titanium 0.25 per mm, steel 0.65 per mm. Metal adds to what is there: the
bone and the tissue in its place count too, at a tenth of it or less.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy import ndimage

from ReVertLib.anatomy.landmarks import pedicle_vertices
from ReVertLib.imaging.volume import Volume
from ReVertLib.projection.cylinder import Cylinder

from .vertebra import Bone

TITANIUM, STEEL, CEMENT = 0.25, 0.65, 0.1


def pedicle_axis(bone: Bone, left: bool) -> tuple[np.ndarray, np.ndarray]:
    """(3,) middle of a pedicle and (3,) unit vector through it into the body, LPS."""
    vertices = bone.mesh_lps.vertices
    middle = vertices[pedicle_vertices()[0 if left else 1]].mean(0)
    to_left, behind, _ = bone.lps_from_upper.rotation.T
    aim = _body_middle(bone) + (4.0 if left else -4.0) * to_left - 4.0 * behind - middle
    return middle, aim / np.linalg.norm(aim)


def screws_and_rods(bones: tuple[Bone, ...], rng: np.random.Generator) -> tuple[Cylinder, ...]:
    """A screw with its head in each pedicle of neighbouring vertebrae, and a rod from head to head on each side."""
    parts = []
    radius_mm, length_mm = rng.uniform(2.4, 3.6), rng.uniform(40, 52)
    for left in (True, False):
        heads = []
        for bone in bones:
            middle, into = pedicle_axis(bone, left)
            tail = middle - 20.0 * into
            parts.append(Cylinder(tail, tail + length_mm * into, radius_mm, TITANIUM))
            parts.append(Cylinder(tail - 12.0 * into, tail + 1.0 * into, 5.5, TITANIUM))
            heads.append(tail - 7.0 * into)
        over = 6.0 * (heads[0] - heads[-1]) / np.linalg.norm(heads[0] - heads[-1])
        heads[0], heads[-1] = heads[0] + over, heads[-1] - over
        parts += [Cylinder(a, b, 2.75, TITANIUM) for a, b in pairwise(heads)]
    return tuple(parts)


def needle(bone: Bone, rng: np.random.Generator) -> Cylinder:
    """A steel needle from behind through a pedicle, its tip anywhere between the joint and the body."""
    middle, into = pedicle_axis(bone, bool(rng.integers(2)))
    into = into + rng.normal(0, 0.05, 3)
    into /= np.linalg.norm(into)
    tip = middle + rng.uniform(-15, 28) * into
    return Cylinder(tip - rng.uniform(90, 140) * into, tip, rng.uniform(0.6, 1.6), STEEL)


def cemented(volume: Volume, bone: Bone, rng: np.random.Generator) -> Volume:
    """What a vertebra is made of, LPS, after a vertebroplasty: a rough lump of cement somewhere in its body."""
    middle = _body_middle(bone) + rng.normal(0, 3, 3)
    points = np.stack(np.broadcast_arrays(*volume.coordinates_lps()), -1)
    off = (points - middle) @ bone.lps_from_upper.rotation
    radius = np.linalg.norm(off / rng.uniform([8, 7, 6], [15, 12, 9]), axis=-1)
    rough = ndimage.gaussian_filter(rng.standard_normal(volume.array.shape), 2.5 / volume.spacing_mm[::-1])
    lump = (volume.array > 0) & (radius + 0.25 * rough / rough.std() < 1)
    return Volume(np.where(lump, np.maximum(volume.array, CEMENT), volume.array).astype(np.float32), volume.ijk_to_lps)


def _body_middle(bone: Bone) -> np.ndarray:
    """(3,) LPS mm, half way between the endplates."""
    return (bone.lps_from_upper.translation_mm + bone.lps_from_lower.translation_mm) / 2
