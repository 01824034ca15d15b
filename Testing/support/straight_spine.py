"""Spines of mean vertebrae, stacked by hand as the chain expects them, in a camera's frame."""

import numpy as np
from scipy.spatial.transform import Rotation

from ReVertLib.anatomy.template import load_template
from ReVertLib.geometry.levels import LEVELS
from ReVertLib.geometry.transform import RigidTransform, SimilarityTransform
from ReVertLib.geometry.views import view_rotation
from ReVertLib.spine.anatomy_prior import BEND_DEG, DISC_HEIGHT_MM, SIZE, SLIP_MM
from ReVertLib.spine.evidence import Evidence

SOD_MM = 850.0
EXPECTED_MM = 1.0


def turn(*degrees):
    return Rotation.from_rotvec(degrees, degrees=True).as_matrix()


def usual_spine(view=(0.0, 0.0, 0.0), sacral_slope_deg=20.0):
    """{level: Mesh}, L3's centroid at depth SOD_MM: every disc as the prior has it."""
    template = load_template()
    grown = {
        level: template.mean(level).moved(SimilarityTransform(np.eye(3), np.zeros(3), np.exp(SIZE[level])))
        for level in LEVELS
    }
    placed = {"L5": grown["L5"].moved(RigidTransform.turn(turn(sacral_slope_deg, 0, 0)))}
    for i in (3, 2, 1, 0):
        upper = evidence(LEVELS[i + 1], placed[LEVELS[i + 1]]).upper
        above = upper.rotation @ turn(*BEND_DEG[i])
        axis = _unit(upper.rotation[:, 2] + above[:, 2])
        back = upper.rotation[:, 1] + above[:, 1]
        back = _unit(back - back @ axis * axis)
        slip = SLIP_MM[0] * np.cross(back, axis) + SLIP_MM[1] * back
        lower = RigidTransform(above, upper.translation_mm + DISC_HEIGHT_MM * axis + slip)
        shape = grown[LEVELS[i]]
        placed[LEVELS[i]] = shape.moved(lower @ evidence(LEVELS[i], shape).lower.inverse)
    centre = evidence("L3", placed["L3"]).centre_mm
    to_camera = RigidTransform.about(centre, view_rotation(*view), np.array([0.0, 0.0, SOD_MM]))
    return {level: placed[level].moved(to_camera) for level in LEVELS}


def evidence(level, mesh, expected_error_mm=EXPECTED_MM):
    return Evidence(level, mesh, expected_error_mm)


def seen_at(mesh, sod_mm):
    """The same picture as of a mesh, its centroid at depth sod_mm: all grows about the source."""
    factor = sod_mm / evidence("L3", mesh).centre_mm[2]
    return mesh.moved(SimilarityTransform(np.eye(3), np.zeros(3), factor))


def depths_mm(meshes):
    return np.array([evidence("L3", mesh).centre_mm[2] for mesh in meshes])


def _unit(vector):
    return vector / np.linalg.norm(vector)
