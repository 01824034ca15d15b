"""Ribs, hip bones and tubes around a spine, drawn on a grid as rows and sheets of overlapping spheres.

Everything is in LPS mm. The depth of a voxel is how far inside the nearest sphere it lies, negative outside.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline

from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.geometry.views import rotation_about
from ReVertLib.imaging.volume import Volume, slices

FAR_MM, MARGIN_MM = -1e3, 3.0


@dataclass(frozen=True)
class Spheres:
    """The union of overlapping spheres. centres: (n, 3) LPS mm. radii_mm: (n,)."""

    centres: np.ndarray
    radii_mm: np.ndarray

    def depth_on(self, grid: Volume) -> tuple[tuple[slice, slice, slice], np.ndarray]:
        """The part of an axis-aligned grid around the spheres, and how deep in mm each of its voxel centres lies in the
        nearest of them; exact up to MARGIN_MM outside, FAR_MM beyond."""
        spacing, centres = grid.spacing_mm, grid.ijk_from_lps(self.centres)
        reach = (self.radii_mm[:, None] + MARGIN_MM) / spacing
        lower, upper = grid.cut(np.ceil(centres - reach), np.floor(centres + reach) + 1)
        first, last = lower.min(0), upper.max(0)
        depth = np.full((last - first)[::-1], FAR_MM, np.float32)
        for centre, radius, low, high in zip(centres, self.radii_mm, lower, upper, strict=True):
            x, y, z = ((np.arange(low[a], high[a]) - centre[a]) * spacing[a] for a in range(3))
            away = np.sqrt(z[:, None, None] ** 2 + y[:, None] ** 2 + x**2)
            part = depth[slices(low - first, high - first)]
            np.maximum(part, radius - away, out=part, casting="same_kind")
        return slices(first, last), depth


def tube(points: np.ndarray, radii_mm: np.ndarray | float, step_mm: float = 2.0) -> Spheres:
    """A smooth tube through points (n, 3), its radius going from value to value of radii_mm."""
    at = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    along = np.linspace(0, at[-1], max(2, int(at[-1] / step_mm)))
    radii = np.broadcast_to(np.asarray(radii_mm, float), len(at))
    return Spheres(CubicSpline(at, points)(along), np.interp(along, at, radii))


def ribs(
    lps_from_endplate: RigidTransform, half_width_mm: float, depth_mm: float, reach: float, fall_mm: float
) -> list[Spheres]:
    """The pair of ribs of a thoracic vertebra. lps_from_endplate: from the axes of its upper one. half_width_mm and
    depth_mm: half of the chest within the skin, sideways and from the vertebra forward. reach: how far it runs around
    the chest, 1 to its side. fall_mm: how much lower its end lies."""
    found = []
    turn = np.linspace(0, 1, 12) * reach
    angle = np.radians(15 + 85 * turn)  # from behind around to the side
    x = np.interp(turn, [0, 0.1], [20, 30]) + (half_width_mm - 30) * (np.sin(angle) - np.sin(angle[0]))
    y = 12 + 30 * np.sin(np.pi * np.minimum(turn / 0.62, 1)) - depth_mm * np.maximum(turn - 0.45, 0) ** 1.4
    z = -6 - fall_mm * turn**1.3
    for side in (1, -1):
        points = np.stack([side * x, y, z], 1)
        radii = np.interp(turn / reach, [0, 0.2, 0.85, 1], [3.5, 4.5, 4.5, 2.5])
        found.append(tube(lps_from_endplate.apply(points), radii))
    return found


def hips(lps_from_s1: RigidTransform, size: float, flare: float) -> list[Spheres]:
    """The two hip bones with the heads of the femora, about the endplate of S1. lps_from_s1: from its axes. flare: how
    far the wings lean out, 1 usual."""
    # The pelvis tilts with the endplate, on the average by 40 degrees less.
    level = lps_from_s1 @ RigidTransform.turn(rotation_about("x", -40.0))
    parts = []
    for side in (1, -1):
        along, down = np.meshgrid(np.linspace(0, 1, 46), np.linspace(0, 1, 46), indexing="ij")
        crest = CubicSpline([0, 0.25, 0.6, 1], _CREST)(along[:, 0])
        base = CubicSpline([0, 0.25, 0.6, 1], _BASE)(along[:, 0])
        sheet = crest[:, None] * (1 - down[..., None]) + base[:, None] * down[..., None]
        sheet[..., 0] *= 1 + 0.10 * (flare - 1) * (1 - down)
        sheet[..., 0] -= 9 * np.sin(np.pi * down) * (1 - along)  # the wing is hollow inside
        radius = 3.0 + 4.0 * (1 - along) * down + 3.5 * np.exp(-((down / 0.12) ** 2)) + 8.0 * down**4
        wing = Spheres(sheet.reshape(-1, 3) * [side, 1, 1], radius.ravel())
        socket = np.array([88.0, -22.0, -98.0])
        shaft, ischium, pubis = (socket + np.array(way, float) for way in (_SHAFT, _ISCHIUM, _PUBIS))
        bars = [Spheres(socket[None], np.array([24.0])), tube(shaft, [15, 17, 16]), tube(ischium, [15, 15])]
        parts += [wing, *(Spheres(b.centres * [side, 1, 1], b.radii_mm) for b in (*bars, tube(pubis, [11, 8, 10])))]
    return [Spheres(level.apply(size * b.centres), size * b.radii_mm) for b in parts]


_CREST = np.array([[44, 62, 2], [72, 50, 38], [122, -8, 42], [126, -62, 2]], float)
"""Left iliac crest from the posterior to the anterior superior spine, of a level pelvis about the middle of S1's
endplate, mm; and the lower edge of the wing below it, from the joint with the sacrum to the acetabulum."""

_BASE = np.array([[40, 48, -46], [56, 22, -62], [80, -8, -82], [94, -40, -84]], float)
_SHAFT = ((0, 0, 0), (48, 8, -22), (58, 8, -80))
_ISCHIUM = ((0, 20, 0), (-22, 32, -45))
_PUBIS = ((-12, -20, 0), (-45, -45, -12), (-82, -56, -14))
"""From the middle of the left hip joint, mm."""
