"""What is measured of one vertebra, from its landmarks (`landmarks`), in whatever frame they are.

Where nothing else is said the definitions are those of Panjabi et al., Spine 1992, 17(3):299-306 (human lumbar
vertebrae, quantitative three-dimensional anatomy); the three heights are those of Genant et al., J Bone Miner Res 1993,
8(9):1137-1148. Corners of endplates and ends of processes are corresponding places of the template, not what is
furthest on each surface. All functions take points (..., k, 3) in mm, of many vertebrae at once, and give arrays of the
shape (...).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .landmarks import PLATES, RIM, SIDES, landmarks, ring_centre

CALIPER_TURNS = 36
"""Directions in which the width of a pedicle is looked for, 5 degrees apart."""


def unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors (..., 3) of length 1."""
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(...) products of vectors (..., 3)."""
    return (a * b).sum(-1)


def across(vectors: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """Vectors (..., 3) without their part along an axis (..., 3) of length 1."""
    return vectors - dot(vectors, axis)[..., None] * axis


def degrees(opposite: np.ndarray, adjacent: np.ndarray) -> np.ndarray:
    """The angle of a right triangle's sides, -180..180."""
    return np.degrees(np.arctan2(opposite, adjacent))


@dataclass(frozen=True, eq=False)
class Vertebra:
    """points: (..., k, 3) landmarks of one or of many vertebrae of a level, mm."""

    points: np.ndarray

    def of(self, name: str) -> np.ndarray:
        """(..., m, 3) the landmarks of a name."""
        return landmarks().of(name, self.points)

    def one(self, name: str, index: int = 0) -> np.ndarray:
        """(..., 3) one of the landmarks of a name."""
        return self.of(name)[..., index, :]

    def rim(self, plate: str, where: str) -> np.ndarray:
        """(..., 3) a corner of an endplate's rim."""
        return self.one(f"{plate} rim", RIM.index(where))

    @cached_property
    def centres(self) -> dict[str, np.ndarray]:
        """By plate (..., 3), the middle of its points."""
        return {plate: self.of(f"{plate} plate").mean(-2) for plate in PLATES}

    @cached_property
    def normals(self) -> dict[str, np.ndarray]:
        """By plate (..., 3), of the plane nearest to its points; both point up the spine."""
        rise, found = self.centres["upper"] - self.centres["lower"], {}
        for plate in PLATES:
            off = self.of(f"{plate} plate") - self.centres[plate][..., None, :]
            normal = np.linalg.eigh(np.einsum("...ki,...kj->...ij", off, off))[1][..., 0]
            found[plate] = normal * np.sign(dot(normal, rise))[..., None]
        return found

    @cached_property
    def pedicles(self) -> dict[str, Pedicle]:
        """By side."""
        return {side: Pedicle(self, side) for side in SIDES}

    @cached_property
    def up(self) -> np.ndarray:
        """(..., 3) between the normals of both endplates."""
        return unit(self.normals["upper"] + self.normals["lower"])

    @cached_property
    def left(self) -> np.ndarray:
        """(..., 3) from the right pedicle to the left, across `up`."""
        return unit(across(self.pedicles["left"].isthmus - self.pedicles["right"].isthmus, self.up))

    @cached_property
    def back(self) -> np.ndarray:
        """(..., 3) backward, across both."""
        return np.cross(self.up, self.left)

    @property
    def centre(self) -> np.ndarray:
        """(..., 3) of the body."""
        return (self.centres["upper"] + self.centres["lower"]) / 2

    def width(self, plate: str) -> np.ndarray:
        """(...) of an endplate, from its left to its right corner."""
        return np.linalg.norm(self.rim(plate, "left") - self.rim(plate, "right"), axis=-1)

    def depth(self, plate: str) -> np.ndarray:
        """(...) of an endplate, from its anterior to its posterior rim in the midline."""
        return np.linalg.norm(self.rim(plate, "anterior") - self.rim(plate, "posterior"), axis=-1)


@dataclass(frozen=True, eq=False)
class Pedicle:
    """The axis runs through the centres of the pedicle's wall in front of and behind the isthmus."""

    vertebra: Vertebra
    side: str

    @cached_property
    def isthmus(self) -> np.ndarray:
        """(..., 3) the centre of its wall where it is narrowest."""
        return ring_centre(self.vertebra.of(f"{self.side} isthmus"))

    @cached_property
    def forward(self) -> np.ndarray:
        """(..., 3) along the axis, into the body."""
        front, rear = (ring_centre(self.vertebra.of(f"{self.side} {name}")) for name in ("front", "rear"))
        return unit(front - rear)

    @cached_property
    def entry(self) -> np.ndarray:
        """(..., 3) where the axis comes out of the posterior surface: on the axis, beside the surface there."""
        return self._beside("entry")

    @property
    def length(self) -> np.ndarray:
        """(...) from the entry along the axis to the front of the body."""
        return dot(self._beside("end") - self.entry, self.forward)

    def _beside(self, name: str) -> np.ndarray:
        along = dot(self.vertebra.one(f"{self.side} {name}") - self.isthmus, self.forward)
        return self.isthmus + along[..., None] * self.forward

    @cached_property
    def width_and_height(self) -> tuple[np.ndarray, np.ndarray]:
        """(...) the least distance of parallels that touch the isthmus seen along the axis, and that across it; where
        it is least in the first of many vertebrae, so that small errors do not turn it."""
        ring = self.vertebra.of(f"{self.side} isthmus") - self.isthmus[..., None, :]
        medial = unit(across(self.vertebra.left, self.forward))
        high = np.cross(self.forward, medial)
        angles = np.pi * np.arange(CALIPER_TURNS) / CALIPER_TURNS
        turned = np.cos(angles)[:, None] * medial[..., None, :] + np.sin(angles)[:, None] * high[..., None, :]
        extents = np.ptp(ring @ np.swapaxes(turned, -1, -2), axis=-2)
        narrowest = int(extents.reshape(-1, CALIPER_TURNS)[0].argmin())
        return extents[..., narrowest], extents[..., (narrowest + CALIPER_TURNS // 2) % CALIPER_TURNS]

    @property
    def medial_wall(self) -> np.ndarray:
        """(...) where the inner wall of the isthmus is, along the vertebra's `left`."""
        along = dot(self.vertebra.of(f"{self.side} isthmus"), self.vertebra.left[..., None, :])
        return along.min(-1) if self.side == "left" else along.max(-1)

    @property
    def transverse_deg(self) -> np.ndarray:
        """(...) by how much the axis runs to the midline in front, in the vertebra's transverse plane (Zindrick et al.,
        Spine 1987, 12(2):160-166)."""
        inward = -SIDES[self.side] * dot(self.forward, self.vertebra.left)
        return degrees(inward, -dot(self.forward, self.vertebra.back))

    @property
    def sagittal_deg(self) -> np.ndarray:
        """(...) by how much the axis rises in front against the endplates (Zindrick et al.)."""
        return np.degrees(np.arcsin(dot(self.forward, self.vertebra.up)))


def vertebra_values(vertebra: Vertebra) -> dict[str, np.ndarray]:
    """By name of `records.VERTEBRA_TERMS`, values (...) and points and directions (..., 3)."""
    found = {}
    for plate in PLATES:
        found |= {
            f"{plate} endplate centre": vertebra.centres[plate],
            f"{plate} endplate normal": vertebra.normals[plate],
            f"{plate} endplate width": vertebra.width(plate),
            f"{plate} endplate depth": vertebra.depth(plate),
        }
    for where in ("anterior", "posterior"):
        found[f"{where} height"] = np.linalg.norm(vertebra.rim("upper", where) - vertebra.rim("lower", where), axis=-1)
    found["middle height"] = np.linalg.norm(vertebra.one("upper middle") - vertebra.one("lower middle"), axis=-1)
    for side, pedicle in vertebra.pedicles.items():
        width, height = pedicle.width_and_height
        found |= {
            f"{side} pedicle entry": pedicle.entry,
            f"{side} pedicle axis": pedicle.forward,
            f"{side} pedicle length": pedicle.length,
            f"{side} pedicle width": width,
            f"{side} pedicle height": height,
            f"{side} pedicle transverse angle": pedicle.transverse_deg,
            f"{side} pedicle sagittal angle": pedicle.sagittal_deg,
            f"{side} transverse process tip": vertebra.one(f"{side} tip"),
        }
    walls = [vertebra.pedicles[side].medial_wall for side in SIDES]
    return found | {
        "canal width": walls[0] - walls[1],
        "canal depth": np.linalg.norm(vertebra.one("canal", 0) - vertebra.one("canal", 1), axis=-1),
        "spinous process tip": vertebra.one("spinous tip"),
    }
