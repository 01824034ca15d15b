"""Metal in a spine: pedicle screws, the rods between them, needles, as cylinders, whose shadow is exact; and cement.

Attenuation at about 70 keV by NIST's tables: titanium 0.25 per mm, steel 0.65 per mm. Metal adds to what is there: the
bone and the tissue in its place count too, at a tenth of it or less.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import ndimage

from ReVertLib.anatomy.landmarks import pedicle_vertices
from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.imaging.volume import Volume

from .vertebra import Bone

TITANIUM, STEEL, CEMENT = 0.25, 0.65, 0.1


@dataclass(frozen=True)
class Cylinder:
    """A solid of start, end (3,) LPS mm, radius_mm and attenuation mu per mm."""

    start: np.ndarray
    end: np.ndarray
    radius_mm: float
    mu: float

    def line_integrals(
        self, camera_from_lps: RigidTransform, geometry: Geometry, size_px: tuple[int, int]
    ) -> np.ndarray:
        """(rows, columns) attenuation times the length of each ray inside."""
        columns, rows = size_px
        matrix = camera_from_lps.matrix
        start, end = (matrix[:3, :3] @ p + matrix[:3, 3] for p in (self.start, self.end))
        v, u = np.mgrid[:rows, :columns].reshape(2, -1)
        rays = geometry.backproject(np.stack([u, v], 1), 1.0)
        rays /= np.linalg.norm(rays, axis=1, keepdims=True)
        return (self.mu * self._chords(rays, start, end)).reshape(rows, columns)

    def _chords(self, rays: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
        """(n,) mm of unit rays (n, 3) from the origin within the cylinder from start to end, same frame."""
        length = np.linalg.norm(end - start)
        axis = (end - start) / length
        along, offset = rays @ axis, -start @ axis
        across, beside = rays - along[:, None] * axis, -start - offset * axis
        a, b = np.maximum((across**2).sum(1), 1e-12), across @ beside
        root = b**2 - a * (beside @ beside - self.radius_mm**2)
        with np.errstate(divide="ignore", invalid="ignore"):
            half = np.sqrt(np.maximum(root, 0)) / a
            first, last = np.sort([-offset / along, (length - offset) / along], axis=0)
            chord = np.minimum(-b / a + half, last) - np.maximum(-b / a - half, first)
        return np.where((root > 0) & (chord > 0), chord, 0.0)

    def drawn_on(self, mu: Volume) -> None:
        """Sets the voxels of an axis-aligned volume within the cylinder to its attenuation."""
        ends = np.stack([self.start, self.end])
        part = mu.cropped(*mu.box_around(np.vstack([ends - self.radius_mm, ends + self.radius_mm])))
        points = np.stack(np.broadcast_arrays(*part.coordinates_lps()), -1) - self.start
        length = np.linalg.norm(self.end - self.start)
        axis = (self.end - self.start) / length
        along = points @ axis
        off = np.linalg.norm(points - along[..., None] * axis, axis=-1)
        near = off <= max(self.radius_mm, mu.spacing_mm.max() / 2)
        part.array[near & (along >= 0) & (along <= length)] = self.mu


def pedicle_axis(bone: Bone, left: bool) -> tuple[np.ndarray, np.ndarray]:
    """(3,) middle of a pedicle and (3,) unit vector through it into the body, LPS."""
    vertices = bone.mesh_lps.vertices
    middle = vertices[pedicle_vertices()[0 if left else 1]].mean(0)
    body = (bone.upper_lps[:3, 3] + bone.lower_lps[:3, 3]) / 2
    aim = body + (4.0 if left else -4.0) * bone.upper_lps[:3, 0] - 4.0 * bone.upper_lps[:3, 1] - middle
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
    middle = (bone.upper_lps[:3, 3] + bone.lower_lps[:3, 3]) / 2 + rng.normal(0, 3, 3)
    points = np.stack(np.broadcast_arrays(*volume.coordinates_lps()), -1)
    radius = np.linalg.norm((points - middle) @ bone.upper_lps[:3, :3] / rng.uniform([8, 7, 6], [15, 12, 9]), axis=-1)
    rough = ndimage.gaussian_filter(rng.standard_normal(volume.array.shape), 2.5 / volume.spacing_mm[::-1])
    lump = (volume.array > 0) & (radius + 0.25 * rough / rough.std() < 1)
    return Volume(np.where(lump, np.maximum(volume.array, CEMENT), volume.array).astype(np.float32), volume.ijk_to_lps)
