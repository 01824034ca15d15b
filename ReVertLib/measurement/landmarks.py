"""The points that vertebrae are measured by, found once on the mean of L3: a point of every other vertebra is the same
weighted mean of the same vertices.

Left and right do not correspond so: the template's triangles are not symmetric, and at L5, whose pedicles are unlike
those of L3, this would turn one pedicle by 7 degrees against the other. So what there is on the right is the mirror
image of what there is on the left, on the mean of the vertebra's own level.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.sparse import csr_matrix
from scipy.spatial import cKDTree

from ReVertLib.anatomy.landmarks import endplate_vertices
from ReVertLib.anatomy.template import load_template
from ReVertLib.mesh.distance import signed_distances_mm
from ReVertLib.mesh.mesh import Mesh

SIDES = {"left": 1.0, "right": -1.0}
PLATES = {"upper": 1.0, "lower": -1.0}
RIM = ("anterior", "posterior", "left", "right")
RINGS_Y_MM = {"front": 3.5, "isthmus": 7.0, "rear": 11.5}
"""Where planes across mean L3 cut the pedicles; they are narrowest in the middle one. Of the planes tried, the outer
two are those whose axis stays nearest to itself when a bone is registered again."""

RING_POINTS, PLATE_POINTS = 12, 12
NEAR = 4
"""So many vertices are averaged to a point."""
_AROUND, _EVEN = 6, 0.05
"""A mirror image is made of so many vertices near it, with weights as even as this (mm2) makes them."""


@dataclass(frozen=True)
class Landmarks:
    """weights: (k, n) sparse, by which the points follow from the vertices. rows: by name, which of the points.
    mean_mm: (k, 3) the points of mean L3, canonical frame."""

    weights: csr_matrix
    rows: dict[str, slice]
    mean_mm: np.ndarray

    def points(self, vertices: np.ndarray) -> np.ndarray:
        """(k, 3) points of vertices (n, 3) over the template."""
        return self.weights @ vertices

    def of(self, name: str, points: np.ndarray) -> np.ndarray:
        """(..., m, 3) those with a name among points (..., k, 3)."""
        return points[..., self.rows[name], :]


@cache
def landmarks(level: str | None = None) -> Landmarks:
    """Of a level; L3's where it is not known.

    By name: `<plate> rim` (4, in the order of RIM), `<plate> middle`, `<plate> plate` (PLATE_POINTS spread over it);
    `<side> front`, `<side> isthmus`, `<side> rear` (RING_POINTS each around the pedicle), `<side> entry` and `<side>
    end`, where the pedicle's axis leaves the bone behind and in front; `canal` (posterior wall of the body, lamina),
    `spinous tip` and `<side> tip` of the transverse process."""
    mean = load_template().mean("L3")
    found = dict([*_endplates(mean), *_pedicles(mean), *_canal_and_tips(mean)])
    own = load_template().mean(level).vertices
    for name in [name for name in found if name.startswith("left")]:
        found[name.replace("left", "right")] = _mirrored(found[name], own)
    for plate in PLATES:
        found[f"{plate} rim"][RIM.index("right")] = _mirrored(found[f"{plate} rim"][[RIM.index("left")]], own)[0]
    weights = csr_matrix(np.vstack(list(found.values())))
    ends = np.cumsum([0, *map(len, found.values())]).tolist()
    rows = {name: slice(ends[i], ends[i + 1]) for i, name in enumerate(found)}
    return Landmarks(weights, rows, weights @ mean.vertices)


def _mirrored(rows: np.ndarray, vertices: np.ndarray) -> np.ndarray:
    """(m, n) weights of the points that lie where the mirror images of other points, rows (m, n), lie on a mean
    vertebra (n, 3): the weights with the sum 1 that come nearest to them, of the vertices around."""
    images = rows @ vertices * [-1.0, 1.0, 1.0]
    around, found = cKDTree(vertices).query(images, _AROUND)[1], np.zeros_like(rows)
    for row, image, near in zip(found, images, around, strict=True):
        off = vertices[near] - image
        shares = np.linalg.solve(off @ off.T + _EVEN * np.eye(_AROUND), np.ones(_AROUND))
        row[near] = shares / shares.sum()
    return found


def _endplates(mean: Mesh) -> list[tuple[str, np.ndarray]]:
    found = []
    x, y, z = mean.vertices.T
    for (plate, sign), on_plate in zip(PLATES.items(), endplate_vertices(), strict=True):
        body, midline = (y < 3.5) & (sign * z > 5), np.abs(x) < 3
        corners = [
            _furthest(body & midline, sign * z - y),
            _furthest(body & midline, sign * z + y),
            *[_furthest(body & (np.abs(x) < 30), sign * z + x)] * 2,  # the right one is put in its place in the end
        ]
        between = mean.vertices[corners[:2]].mean(0)
        spread = _spread(mean.vertices[on_plate], PLATE_POINTS)
        found += [
            (f"{plate} rim", _means(mean, mean.vertices[corners])),
            (f"{plate} middle", _means(mean, between[None], on_plate)),
            (f"{plate} plate", _means(mean, spread, on_plate)),
        ]
    return found


def _pedicles(mean: Mesh) -> list[tuple[str, np.ndarray]]:
    """Of the left side."""
    rings = {name: _ring(mean, y_mm) for name, y_mm in RINGS_Y_MM.items()}
    front, rear = (ring_centre(rings[name] @ mean.vertices) for name in ("front", "rear"))
    forward = (front - rear) / np.linalg.norm(front - rear)
    entry, end = _means(mean, np.stack([_exit(mean, rear, -forward), _exit(mean, front, forward)]))
    return [
        *((f"left {name}", rows) for name, rows in rings.items()),
        ("left entry", entry[None]),
        ("left end", end[None]),
    ]


def _canal_and_tips(mean: Mesh) -> list[tuple[str, np.ndarray]]:
    x, y, z = mean.vertices.T
    midline = np.abs(x) < 3
    canal = [_furthest(midline & (y < 10) & (np.abs(z) < 5), y - np.abs(z)), _furthest(midline & (y > 10), -y)]
    tips = {"spinous tip": mean.vertices[[np.argmax(y)]], "left tip": mean.vertices[[np.argmax(x)]]}
    return [("canal", _means(mean, mean.vertices[canal])), *((name, _means(mean, tip)) for name, tip in tips.items())]


def ring_centre(ring: np.ndarray) -> np.ndarray:
    """(..., 3) centre of closed polygons (..., m, 3), each edge counting by its length."""
    after = np.roll(ring, -1, axis=-2)
    length = np.linalg.norm(after - ring, axis=-1, keepdims=True)
    return (length * (ring + after) / 2).sum(-2) / length.sum(-2)


def _ring(mean: Mesh, y_mm: float) -> np.ndarray:
    """(RING_POINTS, n) weights of points around the left pedicle where a plane across y cuts it, on the edges there
    that lie nearest to evenly spaced directions."""
    faces, off = mean.faces, mean.vertices[:, 1] - y_mm
    edges = np.unique(np.sort(np.vstack([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), 1), axis=0)
    edges = edges[off[edges].prod(1) < 0]
    share = off[edges[:, 0]] / (off[edges[:, 0]] - off[edges[:, 1]])
    cut = mean.vertices[edges[:, 0]] * (1 - share)[:, None] + mean.vertices[edges[:, 1]] * share[:, None]
    around = np.nonzero((cut[:, 0] > 8) & (cut[:, 0] < 30) & (cut[:, 2] > -6))[0]
    centre = (cut[around].min(0) + cut[around].max(0)) / 2
    angles = np.arctan2(*(cut[around] - centre).T[[2, 0]])
    rows = np.zeros((RING_POINTS, len(mean.vertices)))
    for row, wanted in zip(rows, np.linspace(-np.pi, np.pi, RING_POINTS, endpoint=False), strict=True):
        at = around[np.argmin(np.abs(np.angle(np.exp(1j * (angles - wanted)))))]
        row[edges[at]] = 1 - share[at], share[at]
    return rows


def _exit(mean: Mesh, start: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """(3,) where a ray from within the bone first leaves it."""
    ray = start + np.arange(0.0, 80.0, 0.5)[:, None] * direction
    return ray[np.argmax(signed_distances_mm(ray, mean) > 0)]


def _furthest(among: np.ndarray, how_far: np.ndarray) -> int:
    return int(np.argmax(np.where(among, how_far, -np.inf)))


def _spread(points: np.ndarray, count: int) -> np.ndarray:
    """(count, 3) of points (n, 3), each as far as can be from those before it."""
    chosen = [int(np.argmin(np.linalg.norm(points - points.mean(0), axis=1)))]
    while len(chosen) < count:
        distances = np.linalg.norm(points[:, None] - points[chosen], axis=2).min(1)
        chosen.append(int(np.argmax(distances)))
    return points[chosen]


def _means(mean: Mesh, points: np.ndarray, among: np.ndarray | None = None) -> np.ndarray:
    """(m, n) weights of the means of the NEAR vertices nearest to points (m, 3)."""
    among = np.arange(len(mean.vertices)) if among is None else among
    nearest = among[cKDTree(mean.vertices[among]).query(points, NEAR)[1]]
    rows = np.zeros((len(points), len(mean.vertices)))
    np.put_along_axis(rows, nearest, 1 / NEAR, axis=1)
    return rows
