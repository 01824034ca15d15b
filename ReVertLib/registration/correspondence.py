"""Shapes laid over each other by their corresponding vertices, and the template over a surface."""

from __future__ import annotations

import numpy as np

from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.mesh.mesh import Mesh, volume_centroid

from .icp import align, best_motion
from .nonrigid import register


def centred(mesh: Mesh) -> Mesh:
    """The mesh with the centroid of its volume at the origin."""
    return mesh.moved(RigidTransform.shift(-volume_centroid(mesh)))


def fitted(template: Mesh, target: Mesh) -> Mesh:
    """The template laid over target and registered to it; both in canonical-like axes or any turn of them."""
    return Mesh(register(template.moved(align(template, target, "similarity")), target), template.faces)


def onto_mean(vertices: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Vertices moved rigidly, by correspondence, onto a mean shape (n, 3)."""
    return best_motion(vertices, mean, "rigid").apply(vertices)


def canonical(shape: Mesh, mean: np.ndarray) -> tuple[Mesh, RigidTransform]:
    """A shape in its canonical frame, laid rigidly over a mean shape (n, 3) by correspondence, the centroid of its
    volume at the origin; and the motion from there back to where it was."""
    motion = best_motion(shape.vertices, mean, "rigid")
    laid = shape.moved(motion)
    centre = RigidTransform.shift(volume_centroid(laid))
    return laid.moved(centre.inverse), motion.inverse @ centre
