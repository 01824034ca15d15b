"""Surfaces that do not reach into each other: what does is pushed back smoothly on both sides."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.spatial import cKDTree

from ReVertLib.mesh.mesh import Mesh, vertex_normals

from .nonrigid import gaussian

JOINT_GAP_MM, JOINT_REACH_MM = 0.4, 5.0
WALL_POINTS, DEEPEST_MM, LEAST_MM = 4, 8.0, 0.05


def pushed_apart(meshes: Sequence[Mesh], still: Collection[int] = (), rounds: int = 12) -> list[Mesh]:
    """Meshes, each next to the one before and the one after, moved smoothly where they come nearer to a neighbour than
    JOINT_GAP_MM; those that are out of each other are handed back as they are. still: indices of those that stay."""
    surfaces = [Surface(mesh) for mesh in meshes]
    clear: dict[int, tuple[Surface, Surface]] = {}
    for _ in range(rounds):
        for i in range(len(surfaces) - 1):
            pair = (surfaces[i], surfaces[i + 1])
            if clear.get(i) != pair:
                for one, other in ((i, i + 1), (i + 1, i)):
                    if one not in still:
                        surfaces[one] = surfaces[one].out_of(surfaces[other])
                clear[i] = pair
    return [surface.mesh for surface in surfaces]


@dataclass(frozen=True, eq=False)
class Surface:
    """A surface with what the search for contacts needs; equal to itself alone."""

    mesh: Mesh

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(self.mesh.vertices, leafsize=32, compact_nodes=False, balanced_tree=False)  # asked only little

    @cached_property
    def _axes(self) -> np.ndarray:
        """(3, n) the vertices, axes apart."""
        return np.ascontiguousarray(self.mesh.vertices.T)

    @cached_property
    def _normals(self) -> np.ndarray:
        return vertex_normals(self.mesh)

    def pushed_by(self, other: Surface) -> tuple[np.ndarray, np.ndarray]:
        """(n,) vertices of this surface that lie in another or nearer to it than a joint's gap, and (n, 3) mm, how far
        out is."""
        points, wall = self.mesh.vertices, other.mesh.vertices
        near = self._within(other)
        distance_mm, nearest = other._tree.query(points[near], distance_upper_bound=DEEPEST_MM)
        near, nearest = near[distance_mm < DEEPEST_MM], nearest[distance_mm < DEEPEST_MM]
        outward = np.einsum("nd,nd->n", points[near] - wall[nearest], other._normals[nearest])
        near = near[JOINT_GAP_MM - outward > LEAST_MM]  # the others are out, whatever the other planes say
        _, nearest = other._tree.query(points[near], k=WALL_POINTS)
        off = np.einsum("nkd,nkd->nk", points[near, None] - wall[nearest], other._normals[nearest])
        depth = JOINT_GAP_MM - off.max(1)  # where the wall is convex, out is what any of its tangent planes says
        into = depth > LEAST_MM
        return near[into], depth[into, None] * other._normals[nearest[into, 0]]

    def _within(self, other: Surface) -> np.ndarray:
        """The vertices in the box around another surface, a joint's gap wider."""
        inside = True
        for along, wall in zip(self._axes, other._axes, strict=True):
            inside = inside & (along > wall.min() - JOINT_GAP_MM) & (along < wall.max() + JOINT_GAP_MM)
        return np.flatnonzero(inside)

    def out_of(self, other: Surface) -> Surface:
        """This surface moved a good half of the way out of another; itself when it is out."""
        at, push = self.pushed_by(other)
        if len(at) == 0:
            return self
        points = self.mesh.vertices
        weight = gaussian(points, points[at], JOINT_REACH_MM)
        moved = points + 0.6 * weight @ push / np.maximum(weight.sum(1, keepdims=True), 1.0)
        return Surface(Mesh(moved, self.mesh.faces))
