"""Rendering a surface in numpy: the same pixels on every machine, with or without a display.

Orthographic, in a view frame like the camera's: +X right, +Y down, +Z away from the viewer, mm. The picture is drawn
larger and shrunk, so that its edges are smooth. Light: a key light from the upper left, a weak one from the right, a
glint, and ambient occlusion, for which a depth map is compared with its own blur.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from .mesh import Mesh, vertex_normals
from .rasterize import covered, rasterised

_OVERSAMPLED = 2
_AT_ONCE = 500
"""Triangles that are drawn at once."""
_BAND = 64
"""Rows of the picture that are coloured at once: of a whole one, drawn larger, they take half a gigabyte."""
_KEY_LIGHT = np.array([-0.45, -0.65, -0.65])
_FILL_LIGHT = np.array([0.85, 0.15, -0.5])
_OCCLUSION_MM, _OCCLUSION_SHARE = (1.5, 4.0), 0.1
"""How far around a pixel its surroundings lie, at most as a share of the picture: of something tiny they would be far
outside."""


@dataclass(frozen=True)
class Canvas:
    """A square picture: size_px pixels for field_mm, around centre_mm (2,), the x and y of the view frame."""

    size_px: int
    field_mm: float
    centre_mm: tuple[float, float] = (0.0, 0.0)

    def pixels(self, points: np.ndarray) -> np.ndarray:
        """(n, 2) pixels (u, v) of points (n, 3) in the view frame; (0, 0) is the centre of the first pixel."""
        return (points[:, :2] - self.centre_mm) * (self.size_px / self.field_mm) + (self.size_px - 1) / 2

    def larger(self, factor: int) -> Canvas:
        """The same field in factor times as many pixels."""
        return Canvas(self.size_px * factor, self.field_mm, self.centre_mm)


def rendered(mesh: Mesh, values: np.ndarray, colour: Callable[[np.ndarray], np.ndarray], canvas: Canvas) -> np.ndarray:
    """(size, size, 4) float RGBA in 0..1 of a closed mesh in the view frame, wound outward.

    values: (n,) per vertex, interpolated over the triangles. colour: (k,) values to (k, 3) RGB in 0..1.
    """
    fine = canvas.larger(_OVERSAMPLED)
    depth, face = _visible(mesh, fine)
    around = _surroundings(depth, face >= 0, fine)
    surface = _Shaded(mesh, fine.pixels(mesh.vertices), vertex_normals(mesh), values, colour)
    picture = np.empty((canvas.size_px, canvas.size_px, 4))
    for first in range(0, canvas.size_px, _BAND):
        band = slice(first, first + _BAND)
        rows = slice(_OVERSAMPLED * first, _OVERSAMPLED * (first + _BAND))
        openness = _openness(depth[rows], [(blurred[band], radius) for blurred, radius in around])
        picture[band] = _shrunk(surface.rows(face[rows], rows.start, openness))
    return picture


@dataclass(frozen=True)
class _Shaded:
    """What the colours of pixels come from. pixels: (n, 2) places of the vertices. normals: (n, 3). values, colour: as
    `rendered` takes them."""

    mesh: Mesh
    pixels: np.ndarray
    normals: np.ndarray
    values: np.ndarray
    colour: Callable[[np.ndarray], np.ndarray]

    def rows(self, face: np.ndarray, first: int, openness: np.ndarray) -> np.ndarray:
        """(rows, size, 4) RGBA of some rows of the picture. face: (rows, size) the triangle that is seen, -1 without
        one. first: number of the first row. openness: (rows, size) share of the light that comes there."""
        row, column = np.nonzero(face >= 0)
        face = face[row, column]
        corners, shares = self.mesh.faces[face], _shares(self.pixels[self.mesh.faces[face]], first + row, column)
        normal = np.einsum("kc,kci->ki", shares, self.normals[corners])
        normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-12
        light, glint = _light(normal)
        light *= openness[row, column]
        image = np.zeros((*openness.shape, 4))
        image[row, column, :3] = self.colour((self.values[corners] * shares).sum(1)) * light[:, None] + glint[:, None]
        image[row, column, 3] = 1.0
        return np.clip(image, 0.0, 1.0, out=image)


def outline_mask(mesh: Mesh, canvas: Canvas) -> np.ndarray:
    """(size, size) bool: the pixels a mesh in the view frame covers."""
    return covered(canvas.pixels(mesh.vertices), mesh.faces, (canvas.size_px, canvas.size_px))


def _visible(mesh: Mesh, canvas: Canvas) -> tuple[np.ndarray, np.ndarray]:
    """Of the nearest triangle in every pixel its depth, mm, and its number, -1 where there is none, (size, size) each.
    A few triangles at a time: what all of them cover, one behind the other, fills a gigabyte."""
    pixels, size = canvas.pixels(mesh.vertices), canvas.size_px
    nearest_mm, nearest = np.full(size**2, np.inf), np.full(size**2, -1, np.int32)
    for first in range(0, len(mesh.faces), _AT_ONCE):
        found = rasterised(pixels, mesh.faces[first : first + _AT_ONCE], (size, size))
        face, place = found.face + first, found.row * size + found.column
        shares = _shares(pixels[mesh.faces[face]], found.row, found.column)
        depth = (mesh.vertices[mesh.faces[face], 2] * shares).sum(1)
        nearer = np.flatnonzero(depth < nearest_mm[place])
        farthest_first = nearer[np.argsort(depth[nearer], kind="stable")[::-1]]
        nearest[place[farthest_first]] = face[farthest_first]  # of what is written to one pixel, the last stays
        nearest_mm[place[farthest_first]] = depth[farthest_first]
    return nearest_mm.reshape(size, size), nearest.reshape(size, size)


def _shares(corners: np.ndarray, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    """(k, 3) barycentric coordinates of pixels in triangles with corners (k, 3, 2)."""
    a, b, c = corners.transpose(1, 0, 2)
    point = np.stack([column, row], 1)
    area = _cross(b - a, c - a)
    area = np.where(area == 0, 1e-12, area)
    shares = np.stack([_cross(b - point, c - point), _cross(c - point, a - point)], 1) / area[:, None]
    return np.clip(np.column_stack([shares, 1 - shares.sum(1)]), 0.0, 1.0)


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]


def _light(normal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(diffuse light, glint), each (k,), on unit normals (k, 3)."""
    key, fill = (light / np.linalg.norm(light) for light in (_KEY_LIGHT, _FILL_LIGHT))
    half = key - np.array([0.0, 0.0, 1.0])  # between the light and the viewer
    half /= np.linalg.norm(half)
    diffuse = 0.36 + 0.68 * np.clip((normal @ key + 0.15) / 1.15, 0, 1) + 0.18 * np.clip(normal @ fill, 0, 1)
    return diffuse, 0.10 * np.clip(normal @ half, 0, 1) ** 28


def _surroundings(depth: np.ndarray, seen: np.ndarray, canvas: Canvas) -> list[tuple[np.ndarray, float]]:
    """For each radius, mm, how far the surface around a pixel lies, mm, at the picture's own size."""
    coarse_seen, found = seen[::_OVERSAMPLED, ::_OVERSAMPLED], []
    coarse_depth = np.where(coarse_seen, depth[::_OVERSAMPLED, ::_OVERSAMPLED], 0)
    for radius_mm in np.minimum(_OCCLUSION_MM, _OCCLUSION_SHARE * canvas.field_mm):
        sigma = radius_mm * canvas.size_px / canvas.field_mm / _OVERSAMPLED
        weight = _blurred(coarse_seen.astype(float), sigma)
        found.append((_blurred(coarse_depth, sigma) / np.maximum(weight, 1e-6), radius_mm))
    return found


def _openness(depth: np.ndarray, surroundings: list[tuple[np.ndarray, float]]) -> np.ndarray:
    """0.45..1 for each pixel of depth, darker where its surroundings lie nearer to the viewer than it does."""
    light = np.ones_like(depth)
    for around, radius_mm in surroundings:
        behind = depth - around.repeat(_OVERSAMPLED, 0).repeat(_OVERSAMPLED, 1)
        light *= 1 - 0.35 * np.clip(behind / (2.0 * radius_mm), 0, 1)
    return np.maximum(light, 0.45)


def _blurred(image: np.ndarray, sigma: float) -> np.ndarray:
    """Nearly a Gaussian blur, by three box filters of its variance, whose time does not grow with sigma."""
    radius = round((math.sqrt(4 * sigma**2 + 1) - 1) / 2)
    for _ in range(3):
        image = ndimage.uniform_filter(image, 2 * radius + 1)
    return image


def _shrunk(image: np.ndarray) -> np.ndarray:
    """A picture, or some rows of it, at its size, colours weighted by coverage."""
    rows, columns = image.shape[0] // _OVERSAMPLED, image.shape[1] // _OVERSAMPLED
    blocks = image.reshape(rows, _OVERSAMPLED, columns, _OVERSAMPLED, 4)
    alpha = blocks[..., 3:].mean((1, 3))
    rgb = (blocks[..., :3] * blocks[..., 3:]).mean((1, 3)) / np.maximum(alpha, 1e-6)
    return np.concatenate([rgb, alpha], 2)
