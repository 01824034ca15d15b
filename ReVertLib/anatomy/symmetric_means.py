"""The template's means repaired for registration and sampling: no folds, no slivers, and left-right symmetric.

The template's own means stay as they are, because weights depend on them. They have small folds, above all L1, and
slivers where the registered levels are compressed, which a small change of shape would flip.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from ReVertLib.mesh.mesh import Mesh
from ReVertLib.registration.icp import align
from ReVertLib.registration.nonrigid import Target, matched
from ReVertLib.registration.untangle import untangled

from .template import load_template

LEAST_STRETCH = 0.4
"""What a triangle keeps of every length from level to level."""

ROUNDS, GOAL_POINTS = 4, 20_000


def mirror(mesh: Mesh) -> Mesh:
    """The mirror image about x = 0, still wound outward."""
    return Mesh(mesh.vertices * [-1.0, 1.0, 1.0], mesh.faces[:, ::-1])


@cache
def symmetric_means() -> np.ndarray:
    """(5, n, 3) the template's means, L3 first and each other level from its neighbour towards L3: moved halfway to its
    mirror image; where a triangle is flipped or degenerate against the neighbour, or intersects another, the difference
    between the two levels is interpolated from the surroundings."""
    template = load_template()
    raw = [Mesh(mean.astype(float), template.faces) for mean in template.means]
    means = {2: symmetric(raw[2], raw[2])}
    for level, near in ((1, 2), (3, 2), (0, 1), (4, 3)):
        rest = means[near].vertices
        opened = untangled(raw[level], rest, LEAST_STRETCH)
        means[level] = untangled(symmetric(opened, raw[level]), rest, LEAST_STRETCH)
    return np.stack([means[level].vertices for level in range(len(raw))])


def symmetric(mesh: Mesh, goal: Mesh) -> Mesh:
    """mesh moved onto the surface halfway between goal, which it lies over, and the mirror image of goal."""
    image = mirror(goal)
    sides = [Target.of(side, GOAL_POINTS, 0) for side in (goal, image.moved(align(image, goal, "rigid")))]
    for _ in range(ROUNDS):
        pulls = [matched(mesh, side, sliding=0.1).pull for side in sides]
        mesh = Mesh(mesh.vertices + np.mean(pulls, axis=0), mesh.faces)
    return mesh
