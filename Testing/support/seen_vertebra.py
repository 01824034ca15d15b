"""A vertebra of the shape space, and what a network would answer to radiographs of it from known sides."""

import numpy as np

from ReVertLib.anatomy.template import load_template
from ReVertLib.fusion.shape_space import shape_space
from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.geometry.views import view_rotation
from ReVertLib.inference.results import Reconstruction
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.mesh.silhouette import mask_outlines, silhouette
from ReVertLib.metrics.records import ErrorParts

CAMERA, SIZE_PX = Geometry(1000.0, 700.0, (0.5, 0.5), (199.5, 199.5)), (400, 400)
L3 = 2


def true_shape(seed: int, size: float = 0.7) -> np.ndarray:
    """(n, 3) canonical, mm: a vertebra whose coefficients are of that size."""
    space = shape_space()
    coefficients = size * np.random.default_rng(seed).normal(size=len(space.deviations_mm))
    return space.shape(L3, space.displacement(coefficients))


def camera_from_canonical(yaw_deg: float) -> RigidTransform:
    """With the vertebra's centre on the principal ray, upright in LPS axes."""
    return RigidTransform(view_rotation(yaw_deg), np.array([0.0, 0.0, CAMERA.sod_mm]))


def relative_pose(first_deg: float, second_deg: float) -> RigidTransform:
    """From the first camera's frame to the second's."""
    return camera_from_canonical(second_deg) @ camera_from_canonical(first_deg).inverse


def answered(shape: np.ndarray, yaw_deg: float, blur_mm: float = 0.0, level: str = "L3") -> Reconstruction:
    """The shape as seen from a side, its silhouette right, its surface off along the beam by waves of blur_mm."""
    pose = camera_from_canonical(yaw_deg)
    true = Mesh(pose.apply(shape), load_template().faces)
    waves = np.sin(shape @ np.array([0.11, 0.07, 0.09]) + yaw_deg) * blur_mm
    found = Mesh(true.vertices + waves[:, None] * [0.0, 0.0, 1.0], true.faces)
    geometry = Geometry(**{**vars(CAMERA), "level": level, "view_deg": (yaw_deg, 0.0, 0.0)})
    ones = np.ones(len(shape))
    parts = ErrorParts(0.5 * ones, 0.9 * ones, 2.0 * ones)
    outlines = mask_outlines(silhouette(true, CAMERA, SIZE_PX))
    return Reconstruction(found, geometry, 0.1, (), ones, seen_px=outlines, error_parts=parts)
