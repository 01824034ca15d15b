"""The sample's L3 as a bone to be registered, and films of it from known poses."""

from functools import cache

import numpy as np
from sample_case import SAMPLE_LABEL
from scipy.spatial.transform import Rotation

from ReVertLib.ct_registration.bone import CtBone
from ReVertLib.ct_registration.records import View
from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.geometry.views import camera_from_lps, view_rotation
from ReVertLib.imaging.ct import read_ct
from ReVertLib.imaging.labels import read_label_map
from ReVertLib.imaging.volume import Volume
from ReVertLib.projection.attenuation import attenuation
from ReVertLib.projection.projector import line_integrals
from ReVertLib.resources import SAMPLE_FOLDER

CAMERA, SIZE_PX = Geometry(1000.0, 700.0, (1.4, 1.4), (79.5, 79.5)), (160, 160)


@cache
def sample_volumes() -> tuple[Volume, Volume]:
    """The CT, HU, and its label map."""
    return read_ct(SAMPLE_FOLDER / "ct.nii.gz"), read_label_map(SAMPLE_FOLDER / "segmentation.nii.gz")


@cache
def sample_bone() -> CtBone:
    """L3, seen alone."""
    return CtBone(*sample_volumes(), SAMPLE_LABEL, "L3", alone=True)


def true_pose(yaw_deg: float) -> RigidTransform:
    """From LPS to the camera that sees the bone from a side, its middle at the source-object distance."""
    return camera_from_lps(view_rotation(yaw_deg, 3.0, -2.0), sample_bone().centre_lps, CAMERA.sod_mm)


@cache
def film(yaw_deg: float, mirrored: bool = False) -> View:
    """The bone alone, as the other projector computes it."""
    ct, labels = sample_volumes()
    mu = attenuation(ct, labels.array == SAMPLE_LABEL)
    pixels = line_integrals(mu, true_pose(yaw_deg), CAMERA, SIZE_PX)
    pixels = np.ascontiguousarray(pixels[:, ::-1]) if mirrored else pixels
    return View(pixels, CAMERA, RigidTransform.identity())


def moved(pose: RigidTransform, shift_mm, turn_deg) -> RigidTransform:
    """A pose shifted, and turned about the bone's middle by a rotation vector, in camera axes."""
    centre = pose.apply(sample_bone().centre_lps[None])[0]
    turn = Rotation.from_rotvec(turn_deg, degrees=True).as_matrix()
    return RigidTransform.about(centre, turn, centre + shift_mm) @ pose


def off(pose: RigidTransform, truth: RigidTransform) -> tuple[float, float, float]:
    """How far a pose is off: mm across and along the beam, of the bone's middle, and degrees."""
    place, goal = (one.apply(sample_bone().centre_lps[None])[0] for one in (pose, truth))
    ray, apart = goal / np.linalg.norm(goal), place - goal
    along = float(apart @ ray)
    turned = RigidTransform(pose.rotation @ truth.rotation.T, np.zeros(3)).angle_deg
    return float(np.linalg.norm(apart - along * ray)), along, turned
