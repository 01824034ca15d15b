"""Attenuation of air, water and bone, and Hounsfield units back from it."""

import numpy as np

from ReVertLib.imaging.volume import Volume
from ReVertLib.projection.attenuation import MOST_HU, attenuation, hounsfield


def test_attenuation_of_air_water_and_bone():
    ct = Volume(np.array([[[-2000.0, -1000.0, 0.0, 1000.0, 2000.0]]]), np.eye(4))
    assert np.allclose(attenuation(ct).array.ravel(), [0.0, 0.0, 0.0192, 0.0573, 0.0954], atol=1e-6)
    inside = np.array([[[True, True, False, True, False]]])
    assert np.allclose(attenuation(ct, inside).array.ravel(), [0.0, 0.0, 0.0, 0.0573, 0.0], atol=1e-6)


def test_hounsfield_units_and_attenuation_are_each_other_s_inverse():
    hu = np.array([[[-1000, -500, 0, 40, 1000, 3000]]], np.int16)
    assert np.array_equal(hounsfield(attenuation(Volume(hu, np.eye(4))).array), hu)
    assert hounsfield(np.array([0.25])) == MOST_HU
