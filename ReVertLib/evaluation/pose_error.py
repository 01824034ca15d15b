"""How far an answer is from its place in the camera frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.mesh.mesh import Mesh, volume_centroid


@dataclass(frozen=True)
class PoseError:
    """How far the volume's centroid is off, across and along the ray to the true one, and how far it is turned."""

    across_beam_mm: float
    along_beam_mm: float
    rotation_deg: float


def pose_error(mesh: Mesh, truth: Mesh, motion: RigidTransform) -> PoseError:
    """The error of place of a mesh in the camera frame, before any alignment.

    motion: the one that lays it onto the truth rigidly, by iterated closest points. Its angle, 0..180
    degrees, is how far the answer is turned. No corresponding points are asked for, so that every network is measured
    alike and a wrong shape turns the answer by what fits the truth best. `align` tries the turns of a cube where the
    first end is far off: an answer from behind is told by its 180 degrees, and not by the nearest bad fit.
    """
    centre = volume_centroid(truth)
    off = volume_centroid(mesh) - centre
    along = off @ centre / np.linalg.norm(centre)
    across = np.sqrt(max(off @ off - along**2, 0.0))
    return PoseError(float(across), float(abs(along)), motion.angle_deg)
