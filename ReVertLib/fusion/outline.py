"""How far a surface's silhouette is from the outline that was seen, and what would move it there.

All lengths are on the plane across the beam at the vertebra's depth, mm, so that they mean the same on every detector.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.spatial import cKDTree

from ReVertLib.anatomy.template import load_template
from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.mesh.mesh import Mesh, face_normals, vertex_normals

STEP_MM = 1.3
"""Between neighbouring points of an outline."""
OUTSIDE_MM = 0.35
"""So far outside a vertebra's silhouette the network sees its outline: what fuses best on people not seen in
training."""
FEWEST = 6
"""Points of an outline; a shorter one is a speck."""
NORMAL_MM = 5.0
"""A match whose normals differ by a right angle counts as this much farther away (times the square root of 2)."""
FARTHEST_MM = 8.0
"""Of a match."""
STRAY_MM = 3.0
"""A match this far off counts half."""


@dataclass(frozen=True)
class Outline:
    """points: (q, 2) X / Z and Y / Z in the camera frame. normals: (q, 2) outward units."""

    points: np.ndarray
    normals: np.ndarray


@dataclass(frozen=True)
class Pulls:
    """From a surface's rim to the outline seen. off_mm: (m,) outward along the outline's normal. on_shape, on_pose:
    (m, k) and (m, 6), what of it a deviation of each axis of the shape makes good, and a turn (rad) about the
    vertebra's centre and a shift (mm) in the camera frame. trust: (m,) 0..1."""

    off_mm: np.ndarray
    on_shape: np.ndarray
    on_pose: np.ndarray
    trust: np.ndarray


def outline_of(seen_px: Sequence[np.ndarray], geometry: Geometry) -> Outline:
    """The silhouette within outlines (k, 2), in pixels of a radiograph: points at even steps, slightly smoothed, since
    outlines are as jagged as pixels, and moved inward by OUTSIDE_MM."""
    step = STEP_MM / geometry.sod_mm
    slopes = (geometry.backproject(loop, 1.0)[:, :2] for loop in seen_px)
    loops = [even for loop in slopes if len(even := _even(loop, step)) >= FEWEST]
    if not loops:
        return Outline(np.zeros((0, 2)), np.zeros((0, 2)))
    smooth = [(np.roll(loop, 1, 0) + loop + np.roll(loop, -1, 0)) / 3 for loop in loops]
    along = np.vstack([np.roll(loop, -2, 0) - np.roll(loop, 2, 0) for loop in smooth])
    along /= np.linalg.norm(along, axis=1, keepdims=True) + 1e-12
    normals = np.stack([along[:, 1], -along[:, 0]], 1)  # what is covered lies to the right
    return Outline(np.vstack(smooth) - OUTSIDE_MM / geometry.sod_mm * normals, normals)


def _even(loop: np.ndarray, step: float) -> np.ndarray:
    """Points of a closed polyline (k, 2) at even steps."""
    closed = np.vstack([loop, loop[:1]])
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
    at = np.linspace(0.0, along[-1], int(along[-1] / step), endpoint=False)
    return np.stack([np.interp(at, along, column) for column in closed.T], 1)


def pulls(
    outline: Outline, shape: np.ndarray, pose: RigidTransform, at_vertices: np.ndarray, farthest_mm: float = FARTHEST_MM
) -> Pulls:
    """Of a shape (n, 3), canonical frame, at its pose, camera from canonical. at_vertices: see `ShapeSpace`."""
    turned = shape @ pose.rotation.T
    placed = Mesh(turned + pose.translation_mm, load_template().faces)
    edges, depth_mm = _rim(placed), pose.translation_mm[2]
    middle = placed.vertices[edges].mean(1)
    normals = vertex_normals(placed)[edges].sum(1)[:, :2]
    normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-12
    rim = middle[:, :2] / middle[:, 2:] * depth_mm
    seen = outline.points * depth_mm
    tree = cKDTree(np.hstack([rim, NORMAL_MM * normals]))
    distance, match = tree.query(np.hstack([seen, NORMAL_MM * outline.normals]))
    near = distance < farthest_mm
    match, across = match[near], outline.normals[near]
    off_mm = ((seen[near] - rim[match]) * across).sum(1)
    slopes = rim[match] / depth_mm
    in_camera = np.hstack([across, -(across * slopes).sum(1, keepdims=True)]) * (depth_mm / middle[match, 2:])
    ends = edges[match]
    on_shape = np.einsum("mi,mik->mk", in_camera @ pose.rotation, at_vertices[ends].mean(1))
    on_pose = np.hstack([np.cross(turned[ends].mean(1), in_camera), in_camera])
    return Pulls(off_mm, on_shape, on_pose, 1.0 / (1.0 + (off_mm / STRAY_MM) ** 2))


def _rim(placed: Mesh) -> np.ndarray:
    """(e, 2) the edges of a template's surface, camera frame, between a face that the source sees and one it does
    not."""
    edges, faces = _edges()
    seen = (face_normals(placed) * placed.vertices[placed.faces[:, 0]]).sum(1) < 0
    return edges[seen[faces[:, 0]] != seen[faces[:, 1]]]


@cache
def _edges() -> tuple[np.ndarray, np.ndarray]:
    """The edges (e, 2) of the template, and the two faces (e, 2) of each."""
    faces = load_template().faces
    ends = np.sort(np.vstack([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), 1)
    order = np.lexsort(ends.T)
    return ends[order][::2], (order % len(faces)).reshape(-1, 2)
