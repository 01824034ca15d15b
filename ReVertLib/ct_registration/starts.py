"""Where a registration begins: at the pose of the reconstruction from the same film, or at one moved about."""

from __future__ import annotations

import numpy as np

from ReVertLib.anatomy.template import load_template
from ReVertLib.fusion.pair import crossing
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.mesh.mesh import Mesh, volume_centroid
from ReVertLib.registration.icp import align, best_motion

from .bone import CtBone

MIRROR = np.diag([-1.0, 1.0, 1.0])
"""Left for right, of LPS axes as of a picture."""


def start_at(bone: CtBone, mesh: Mesh) -> RigidTransform:
    """The pose, camera from LPS, that lays a CT's bone over its reconstruction; mesh: over the template, camera frame,
    mm. Canonical axes are about a CT's; what is left of a turn, and of a patient who lay oddly, closest points find."""
    turn = best_motion(load_template().mean(bone.level).vertices, mesh.vertices, "rigid").rotation
    laid = RigidTransform.about(volume_centroid(bone.mesh_lps), turn, volume_centroid(mesh))
    return align(bone.mesh_lps.moved(laid), mesh, "rigid") @ laid


def crossed(
    bone: CtBone, first: RigidTransform, second: RigidTransform, second_from_first: RigidTransform
) -> RigidTransform:
    """The first view's pose moved to where the rays of both through the bone's middle are nearest to each other. first,
    second: each in its own camera's frame."""
    places = crossing(*(pose.apply(bone.centre_lps[None])[0] for pose in (first, second)), second_from_first)
    if places is None:
        return first
    return RigidTransform.about(bone.centre_lps, first.rotation, places[0])


def start_as(bone: CtBone, other: CtBone, pose: RigidTransform) -> RigidTransform:
    """The pose of a bone in another one's place, turned as that is: middle over middle. pose: of the other."""
    return RigidTransform.about(bone.centre_lps, pose.rotation, pose.apply(other.centre_lps[None])[0])


def mirrored_start(bone: CtBone, pose: RigidTransform) -> RigidTransform:
    """The pose at which a bone, were it the same on both sides, would be seen as at `pose` in a film that is mirrored
    about the column of the principal ray."""
    centre = MIRROR @ pose.apply(bone.centre_lps[None])[0]
    return RigidTransform.about(bone.centre_lps, MIRROR @ pose.rotation @ MIRROR, centre)
