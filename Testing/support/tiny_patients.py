"""A sampler of patients made of very little, and patients from it that several tests share."""

from dataclasses import replace
from functools import cache

import numpy as np
from tiny import deformed

from ReVertLib.anatomy.symmetric_means import symmetric_means
from ReVertLib.anatomy.template import load_template
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.geometry.views import rotation_about
from ReVertLib.imaging.labels import mesh_from_mask
from ReVertLib.imaging.volume import Volume
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.synthesis.bone import CtSource
from ReVertLib.synthesis.patient import Patient, PatientSampler, sample_patient
from ReVertLib.synthesis.shapes import VertebraSampler
from ReVertLib.synthesis.vertebra import S1, Bone

SLOPE_DEG = 40.0


@cache
def _block() -> Mesh:
    """A block of 56 x 32 x 80 mm, the middle of its upper side at LPS 0, its corners a little round."""
    matrix = np.diag([4.0, 4.0, 4.0, 1.0])
    matrix[:3, 3] = [-26.0, -14.0, -78.0]
    return mesh_from_mask(np.ones((20, 8, 14), bool), matrix)


def sacrum() -> Bone:
    """A block with its endplate sloping forward, the middle of the endplate at LPS 0."""
    slope = RigidTransform.turn(rotation_about("x", SLOPE_DEG))
    return Bone(S1, _block().moved(slope), RigidTransform.identity(), slope, None)


@cache
def patient_sampler() -> PatientSampler:
    """One way to differ from the mean, one CT of even bone, one sacrum."""
    means = symmetric_means()  # without folds, as a sampler's are: nothing is left to mend in a sample
    mean = Mesh(means[2], load_template().faces)
    difference = deformed(mean).vertices - mean.vertices
    vertices = mean.vertices
    matrix = np.eye(4)
    matrix[:3, 3] = vertices.min(0) - 3
    size = np.ceil(np.ptp(vertices, axis=0) + 6).astype(int)[::-1]
    ct = Volume(np.full(size, 400.0, np.float32), matrix)
    source = CtSource(ct, np.ones(size, bool), vertices, False)
    return PatientSampler(VertebraSampler(means, difference[None], (source,)), (sacrum(),))


@cache
def patient(seed: int = 0) -> Patient:
    """One of its patients without any metal."""
    return replace(sample_patient(patient_sampler(), np.random.default_rng(seed)), metal=())
