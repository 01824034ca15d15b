"""Laying one surface onto another: iterated closest points, with a search when the start is far off.

Points uniform in area are paired with their nearest points on the other surface in both directions, and the closed
form of Umeyama (IEEE PAMI 1991) gives the motion that brings the pairs together, over and over (Besl and McKay, 1992;
pairs of both directions keep the surfaces from sliding into each other's gaps). Patient and camera frames differ by
large rotations, so a start that ends badly is followed by the 24 turns of a cube, from the axes of the frames and from
the principal axes of the surfaces.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from ReVertLib.errors import InputError
from ReVertLib.geometry.transform import RigidTransform, SimilarityTransform, mean_point
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.mesh.sampling import surface_points

RIGID_ALIGNMENTS = ("none", "translation", "rigid")
ALIGNMENTS = (*RIGID_ALIGNMENTS, "similarity")

_MOVING_POINTS = 5_000
_NEAREST_POINTS = 20_000
_SOME_POINTS = 1_250
_SEARCH_POINTS = 312
_SEARCH = ((3, 16), (5, 4))
"""Rounds of every start, and how many of the starts go on."""
_SAME_DEG = 10.0
"""Ends that are turned by less lead to the same place."""
_KNOWN = 4
"""Neighbours that are kept of each point that looks for the nearest."""
_GOOD_MM = 1.7
"""A first end nearer than this is right: wrong ends of one vertebra on another begin at about 1.9 mm. Some 0.2 mm of
both come from pairing points instead of surfaces."""


def align(mesh: Mesh, target: Mesh, mode: str, seed: int = 0) -> RigidTransform:
    """The motion that lays mesh onto target: mode "none" is the identity, "translation" keeps rotation and size,
    "rigid" keeps size, "similarity" keeps neither.

    Raises InputError for another mode.
    """
    return alignments(mesh, target, (mode,), seed)[mode]


def alignments(mesh: Mesh, target: Mesh, modes: Iterable[str], seed: int = 0) -> dict[str, RigidTransform]:
    """`align` by several modes, from the same points."""
    modes = tuple(modes)
    for mode in modes:
        if mode not in ALIGNMENTS:
            raise InputError(f"alignment: expected one of {', '.join(ALIGNMENTS)}, got {str(mode)[:40]!r}")
    if set(modes) <= {"none"}:
        return dict.fromkeys(modes, RigidTransform.identity())
    clouds = _Clouds.of(mesh, target, seed)
    some = clouds.fewer(_SOME_POINTS)
    return {mode: RigidTransform.identity() if mode == "none" else _aligned(clouds, some, mode) for mode in modes}


def _aligned(clouds: _Clouds, some: _Clouds, mode: str) -> RigidTransform:
    """The motion of a mode, first with some of the points."""
    found = some.refined(some.centred(np.eye(3)), mode)
    if mode != "translation" and some.mean_distance_mm(found) > _GOOD_MM:
        found = some.best_start(found, mode)
    return clouds.refined(found, mode, 30)


class _Nearest:
    """The nearest points of a tree to points that move little by little.

    Of each point some neighbours are known from where it was searched for. All others are as far from there as the last
    of them, or farther: as long as the point has moved by less than what one of them is nearer than that, the nearest
    is among them (as Greenspan and Godin, 3DIM 2001, with two), so that only the others are searched for again.
    """

    def __init__(self, tree: cKDTree) -> None:
        self._tree = tree
        self._searched_at: np.ndarray | None = None

    def to(self, points: np.ndarray) -> np.ndarray:
        """(n,) indices in the tree; points: the same (n, 3) as before, moved."""
        if self._searched_at is None:
            self._searched_at = points.copy()
            distances, self._known = self._tree.query(points, _KNOWN)
            self._reach = distances[:, -1]
            return self._known[:, 0]
        away = self._tree.data[self._known] - points[:, None]
        squares = np.einsum("nki,nki->nk", away, away)
        place = squares.argmin(1)[:, None]
        nearest = np.take_along_axis(self._known, place, 1)[:, 0]
        moved = np.linalg.norm(points - self._searched_at, axis=1)
        nearest_mm = np.sqrt(np.take_along_axis(squares, place, 1)[:, 0])
        lost = np.flatnonzero(moved + 1.000001 * nearest_mm >= self._reach)
        distances, self._known[lost] = self._tree.query(points[lost], _KNOWN)
        self._searched_at[lost], self._reach[lost] = points[lost], distances[:, -1]
        nearest[lost] = self._known[lost, 0]
        return nearest


@dataclass(frozen=True)
class _Clouds:
    """Points of both surfaces, mm: few that look for a partner, and trees of many to find it in."""

    points: np.ndarray
    target_points: np.ndarray
    tree: cKDTree
    target_tree: cKDTree

    @staticmethod
    def of(mesh: Mesh, target: Mesh, seed: int) -> _Clouds:
        many, target_many = (surface_points(m, _NEAREST_POINTS, seed + i) for i, m in enumerate((mesh, target)))
        step = _NEAREST_POINTS // _MOVING_POINTS
        return _Clouds(many[::step], target_many[::step], _tree(many), _tree(target_many))

    def fewer(self, count: int) -> _Clouds:
        """The same surfaces by `count` searching points, and trees of four times as many."""
        step = len(self.points) // count
        trees = (_tree(tree.data[:: max(1, step)]) for tree in (self.tree, self.target_tree))
        return _Clouds(self.points[::step], self.target_points[::step], *trees)

    def centred(self, rotation: np.ndarray) -> RigidTransform:
        """The rotation about the surface's centroid, then the shift to the target's centroid."""
        return RigidTransform(rotation, self.target_points.mean(0) - rotation @ self.points.mean(0))

    def searched(self) -> tuple[_Nearest, _Nearest]:
        """What finds the nearest points of the target, and of the mesh, under motions that change little by little."""
        return _Nearest(self.target_tree), _Nearest(self.tree)

    def pairs(self, motion: RigidTransform, searched: tuple[_Nearest, _Nearest]) -> tuple[np.ndarray, np.ndarray]:
        """Nearest pairs under a motion: (2 n, 3) unmoved points of the mesh and (2 n, 3) points of the target.

        The way back is searched in the frame of the mesh, so that no tree is ever rebuilt; a similarity keeps the
        order of distances.
        """
        moved = motion.apply(self.points)
        returned = (self.target_points - motion.translation_mm) @ motion.rotation / motion.scale
        nearest, nearest_back = searched[0].to(moved), searched[1].to(returned)
        sources = np.vstack([self.points, self.tree.data[nearest_back]])
        return sources, np.vstack([self.target_tree.data[nearest], self.target_points])

    def refined(
        self, motion: RigidTransform, mode: str, iterations: int = 60, change_mm: float = 3e-3
    ) -> RigidTransform:
        """Iterated closest points from a start, until no point of the mesh moves by more than change_mm."""
        corners, searched = _box_corners(self.points), self.searched()
        for _ in range(iterations):
            previous, motion = motion, best_motion(*self.pairs(motion, searched), mode)
            if np.abs(motion.apply(corners) - previous.apply(corners)).max() < change_mm:
                break
        return motion

    def mean_distance_mm(self, motion: RigidTransform) -> float:
        """Mean distance over the nearest pairs of both directions."""
        sources, targets = self.pairs(motion, self.searched())
        return float(np.linalg.norm(motion.apply(sources) - targets, axis=1).mean())

    def best_start(self, first: RigidTransform, mode: str) -> RigidTransform:
        """The start that ends nearest: every turn for a few rounds with few points, the better ones for some more, the
        best few of those that lead to different places for many."""
        few = self.fewer(_SEARCH_POINTS)
        axes, target_axes = _principal_axes(self.points), _principal_axes(self.target_points)
        rotations = [*_cube_turns(), *(target_axes @ turn @ axes.T for turn in _cube_turns())]
        ends = (self.centred(rotation) for rotation in rotations)
        for rounds, kept in _SEARCH:
            ends = (few.refined(end, "rigid", rounds, 0.1) for end in ends)
            ends = sorted(ends, key=few.mean_distance_mm)[:kept]
        ends = [end for i, end in enumerate(ends) if all(_apart_deg(end, one) > _SAME_DEG for one in ends[:i])]
        ends = [first, *(self.refined(end, mode, 25, 0.03) for end in ends)]
        return min(ends, key=self.mean_distance_mm)


def _apart_deg(one: RigidTransform, other: RigidTransform) -> float:
    return (one.inverse @ other).angle_deg


def best_motion(sources: np.ndarray, targets: np.ndarray, mode: str) -> RigidTransform:
    """The least-squares motion of sources (n, 3) onto targets (n, 3), mm, for a mode other than "none".

    Umeyama's closed form; the smallest singular direction is turned where the plain answer would be a reflection.
    """
    centre, target_centre = mean_point(sources), mean_point(targets)
    if mode == "translation":
        return RigidTransform(np.eye(3), target_centre - centre)
    centred = sources - centre
    u, singular, vt = np.linalg.svd((targets - target_centre).T @ centred)
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    rotation = u * signs @ vt
    if mode == "rigid":
        return RigidTransform(rotation, target_centre - rotation @ centre)
    scale = float(singular @ signs / (centred**2).sum())
    return SimilarityTransform(rotation, target_centre - scale * rotation @ centre, scale)


def _tree(points: np.ndarray) -> cKDTree:
    """With leaves of so many points it is asked fastest."""
    return cKDTree(points, leafsize=32)


def _box_corners(points: np.ndarray) -> np.ndarray:
    return np.array(list(product(*zip(points.min(0), points.max(0), strict=True))))


def _principal_axes(points: np.ndarray) -> np.ndarray:
    """(3, 3) right-handed, the columns are the principal axes."""
    axes = np.linalg.eigh(np.cov(points.T))[1]
    return axes * [1.0, 1.0, np.linalg.det(axes)]


def _cube_turns() -> np.ndarray:
    """(24, 3, 3) the rotations that map the axes onto themselves."""
    return np.rint(Rotation.create_group("O").as_matrix())
