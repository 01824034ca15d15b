"""Pathology added to vertebrae: fractures, osteophytes, and a transitional fifth lumbar vertebra.

All of it deforms the surface smoothly, so that it stays closed with its one foramen and vertices stay in
correspondence: the true surface shows what the image shows. Positions are in the axes of the upper endplate
(`landmarks.endplate_through`): x to the left, y behind, z up; the height within the body is a share, 0 at the lower
endplate and 1 at the upper one.
"""

from __future__ import annotations

import numpy as np

from ReVertLib.anatomy.landmarks import endplate_through, endplate_vertices
from ReVertLib.geometry.levels import LEVELS
from ReVertLib.mesh.mesh import Mesh

GENANT_LOSS = {1: (0.20, 0.25), 2: (0.25, 0.40), 3: (0.40, 0.50)}
"""Share of the body's height that is lost, by grade (Genant et al., J. Bone Miner. Res. 1993, 8:1137)."""

HALF_DEPTH_MM, HALF_WIDTH_MM = 17.0, 24.0
NAMES = ("T11", "T12", *LEVELS)


class _Body:
    """A vertebral body in the axes of its upper endplate: points (n, 3) mm, height_mm, and share (n,) within it."""

    def __init__(self, mesh: Mesh) -> None:
        self.mesh = mesh
        upper, lower = (endplate_through(mesh.vertices[at]) for at in endplate_vertices())
        self.axes = upper.rotation
        self.points = upper.inverse.apply(mesh.vertices)
        upper_from_lower = upper.inverse @ lower
        up, floor = upper_from_lower.rotation[:, 2], upper_from_lower.translation_mm
        floor_mm = floor[2] - ((self.points[:, :2] - floor[:2]) @ up[:2]) / up[2]
        self.height_mm = float(-floor[2])
        self.share = (self.points[:, 2] - floor_mm) / np.maximum(-floor_mm, 5.0)

    def bent(self, displacement: np.ndarray) -> Mesh:
        """The mesh displaced by (n, 3) mm in the endplate's axes."""
        return Mesh(self.mesh.vertices + displacement @ self.axes.T, self.mesh.faces)


def _smooth_step(x: np.ndarray) -> np.ndarray:
    """0 below 0, 1 above 1, smooth between."""
    x = np.clip(x, 0, 1)
    return x * x * (3 - 2 * x)


def wedge_fracture(mesh: Mesh, loss: float) -> Mesh:
    """The body lower in front by a share loss of its height; its rear wall stands."""
    body = _Body(mesh)
    front = _smooth_step(0.5 - body.points[:, 1] / (2 * HALF_DEPTH_MM) * 0.95)
    down = loss * body.height_mm * front * np.clip(body.share, 0, 1)
    return body.bent(-down[:, None] * [0, 0, 1])


def biconcave_fracture(mesh: Mesh, loss: float) -> Mesh:
    """Both endplates sunk into the body, together by a share loss of its height; the rim stands."""
    body = _Body(mesh)
    radius = np.hypot(body.points[:, 0] / HALF_WIDTH_MM, body.points[:, 1] / HALF_DEPTH_MM)
    sunk = loss / 2 * body.height_mm * _smooth_step(1.4 * (1 - radius))
    down = _smooth_step(2 * body.share - 1) - _smooth_step(1 - 2 * body.share)
    return body.bent(-(sunk * down)[:, None] * [0, 0, 1])


def spurred(mesh: Mesh, count: int, size_mm: float, rng: np.random.Generator) -> Mesh:
    """Osteophytes: count bumps of about size_mm along the rims of both endplates, in front and at the sides."""
    body = _Body(mesh)
    x, y = body.points[:, 0] / HALF_WIDTH_MM, body.points[:, 1] / HALF_DEPTH_MM
    angle, radius = np.arctan2(x, -y), np.hypot(x, y)  # 0 in front
    outward = np.stack([x * HALF_WIDTH_MM, y * HALF_DEPTH_MM, np.zeros(len(x))], 1)
    outward /= np.linalg.norm(outward, axis=1, keepdims=True) + 1e-9
    inner = _smooth_step((radius - 0.4) / 0.4) * _smooth_step((2.0 - radius) / 0.5)
    grown = np.zeros((2, len(x)))
    for _ in range(count):
        rim, at = rng.integers(2), np.clip(rng.normal(0, 0.9), -1.8, 1.8)
        along = np.exp(-(((angle - at) / rng.uniform(0.2, 0.5)) ** 2))
        high = np.exp(-(((body.share - rim) * body.height_mm / 4.0) ** 2))
        grown[rim] = np.maximum(grown[rim], rng.uniform(0.5, 1.0) * size_mm * along * high * inner)
    lean = np.array([0.0, 0.0, 0.35])
    return body.bent(grown[0, :, None] * (outward - lean) + grown[1, :, None] * (outward + lean))


def transitional(mesh: Mesh, sides: tuple[bool, bool], growth: float) -> Mesh:
    """L5 with the transverse processes of the left and of the right side grown towards the sacrum: growth 1 is twice as
    tall."""
    x, y, z = mesh.vertices.T
    grown = np.zeros_like(mesh.vertices)
    for side, wanted in zip((1, -1), sides, strict=True):
        if wanted:
            process = _smooth_step((side * x - 20) / 14) * _smooth_step((y + 3) / 8) * _smooth_step((26 - y) / 8)
            process *= _smooth_step((z + 12) / 10)
            middle = np.average(z, weights=process + 1e-9)
            grown[:, 2] += process * growth * ((z - middle) - 5.0)
            grown[:, 1] += process * growth * 0.5 * (y - np.average(y, weights=process + 1e-9))
            grown[:, 0] += process * growth * side * 4.0
    return Mesh(mesh.vertices + grown, mesh.faces)


def with_pathology(shapes: list[Mesh], rng: np.random.Generator) -> tuple[list[Mesh], dict]:
    """T11..L5 with the findings that a patient of some age may have, and the findings by name, for the metadata."""
    shapes, findings = list(shapes), {"fractures": {}, "osteophytes": {}, "transitional": []}
    if rng.random() < 0.25:
        for i in rng.choice(len(shapes), rng.integers(1, 3), replace=False):
            grade = int(rng.choice([1, 2, 3], p=[0.5, 0.35, 0.15]))
            kind = wedge_fracture if rng.random() < 0.6 else biconcave_fracture
            shapes[i] = kind(shapes[i], rng.uniform(*GENANT_LOSS[grade]))
            findings["fractures"][NAMES[i]] = f"{kind.__name__.removesuffix('_fracture')}, grade {grade}"
    if rng.random() < 0.4:
        size_mm = rng.uniform(1.5, 6.0)
        for i in range(len(shapes)):
            count = int(rng.poisson(2.5))
            shapes[i] = spurred(shapes[i], count, size_mm, rng)
            findings["osteophytes"][NAMES[i]] = count
    if rng.random() < 0.08:
        sides = ((True, True), (True, False), (False, True))[rng.integers(3)]
        shapes[-1] = transitional(shapes[-1], sides, rng.uniform(0.4, 1.0))
        findings["transitional"] = [name for name, side in zip(("left", "right"), sides, strict=True) if side]
    return shapes, findings
