"""A stand-in for the network in the module's self test, where PyTorch is not installed."""

import numpy as np

from ReVertLib.anatomy.template import baseline_mesh
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.geometry.views import view_rotation
from ReVertLib.inference.results import Reconstruction


class MeanVertebra:
    """Reconstructs every radiograph as the mean vertebra of its level, AP, at the given distance."""

    weights_sha256, architecture, device = "0" * 64, "mean", "cpu"

    def reconstruct(self, pixels, geometry):
        mean = baseline_mesh(geometry.level)
        mesh = mean.moved(RigidTransform(view_rotation(), np.array([0.0, 0.0, geometry.sod_mm])))
        return Reconstruction(mesh, geometry, 0.0, ())

    def reconstruct_all(self, pixels, geometries):
        return [self.reconstruct(pixels, geometry) for geometry in geometries]
