"""Resolving contacts: neighbours of a spine that do not overlap.

Vertebrae sampled one by one do not fit as those of one person do, whose joints have grown together. So a bone first
slides on the one below until it fits as well as it can (`slid_clear`); what still overlaps is pushed back smoothly on
both sides (`contacts_resolved`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from scipy.spatial import cKDTree

from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.mesh.mesh import Mesh, vertex_normals
from ReVertLib.mesh.polydata import inside_voxels
from ReVertLib.registration.nonrigid import gaussian

from .vertebra import S1, Bone

JOINT_GAP_MM, JOINT_REACH_MM = 0.4, 5.0
SLIDES, MOST_SLIDE_MM = 8, 4.0
WALL_POINTS, DEEPEST_MM = 4, 8.0


def slid_clear(bone: Bone, below: Bone) -> Bone:
    """A bone moved, above all backward, until its joints lie on those of the one below and not inside them; by at most
    MOST_SLIDE_MM."""
    wall, start, slide = _Surface(below.mesh_lps), bone.mesh_lps, np.zeros(3)
    for _ in range(SLIDES):
        _, push = _Surface(start.moved(RigidTransform.shift(slide))).pushed_by(wall)
        if len(push) == 0:
            break
        slide = slide + push.mean(0)
        slide = slide * min(1, MOST_SLIDE_MM / np.linalg.norm(slide))
    return bone.moved(RigidTransform.shift(slide))


def contacts_resolved(bones: Sequence[Bone], rounds: int = 12) -> tuple[Bone, ...]:
    """The bones, their surfaces pushed back smoothly where they come nearer to a neighbour than JOINT_GAP_MM. The
    sacrum stays as it is."""
    surfaces = [_Surface(bone.mesh_lps) for bone in bones]
    clear: dict[int, tuple[_Surface, _Surface]] = {}
    for _ in range(rounds):
        for i in range(len(bones) - 1):
            pair = (surfaces[i], surfaces[i + 1])
            if clear.get(i) != pair:
                surfaces[i] = surfaces[i].out_of(surfaces[i + 1])
                if bones[i + 1].label != S1:
                    surfaces[i + 1] = surfaces[i + 1].out_of(surfaces[i])
                clear[i] = pair
    return tuple(
        bone
        if np.array_equal(surface.mesh.vertices, bone.mesh_lps.vertices)
        else bone.with_vertices(surface.mesh.vertices)
        for bone, surface in zip(bones, surfaces, strict=True)
    )


@dataclass(frozen=True, eq=False)
class _Surface:
    """The surface of a bone, LPS, with what the search for contacts needs of it; equal to itself alone."""

    mesh: Mesh

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(self.mesh.vertices)

    @cached_property
    def _normals(self) -> np.ndarray:
        return vertex_normals(self.mesh)

    def pushed_by(self, other: _Surface) -> tuple[np.ndarray, np.ndarray]:
        """(n,) vertices of this surface that lie in another or nearer to it than a joint's gap, and (n, 3) mm, how far
        out is."""
        points, wall = self.mesh.vertices, other.mesh.vertices
        low, high = wall.min(0) - JOINT_GAP_MM, wall.max(0) + JOINT_GAP_MM
        near = np.nonzero(((points > low) & (points < high)).all(1))[0]
        near = near[other._tree.query(points[near], distance_upper_bound=DEEPEST_MM)[0] < DEEPEST_MM]
        _, nearest = other._tree.query(points[near], k=WALL_POINTS)
        off = np.einsum("nkd,nkd->nk", points[near, None] - wall[nearest], other._normals[nearest])
        depth = JOINT_GAP_MM - off.max(1)  # where the wall is convex, out is what any of its tangent planes says
        into = depth > 0.05
        return near[into], depth[into, None] * other._normals[nearest[into, 0]]

    def out_of(self, other: _Surface) -> _Surface:
        """This surface moved a good half of the way out of another; itself when it is out."""
        at, push = self.pushed_by(other)
        if len(at) == 0:
            return self
        points = self.mesh.vertices
        weight = gaussian(points, points[at], JOINT_REACH_MM)
        moved = points + 0.6 * weight @ push / np.maximum(weight.sum(1, keepdims=True), 1.0)
        return _Surface(Mesh(moved, self.mesh.faces))


def overlap_mm3(bones: Sequence[Bone]) -> float:
    """The largest volume that two neighbours share."""
    largest = 0.0
    for above, below in pairwise(bones):
        meshes = above.mesh_lps, below.mesh_lps
        low = np.max([m.vertices.min(0) for m in meshes], axis=0)
        size = np.ceil(np.min([m.vertices.max(0) for m in meshes], axis=0) - low).astype(int)
        if (size > 0).all():
            cells = (low + 0.5, np.ones(3), np.zeros(3, int), size - 1)
            first, second = (inside_voxels(mesh, *cells) for mesh in meshes)
            largest = max(largest, float((first & second).sum()))
    return largest
