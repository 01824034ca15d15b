"""What a reconstruction is worth."""

from dataclasses import replace

import numpy as np
import pytest
from imports import unwanted_imports

from ReVertLib.geometry.camera import Geometry
from ReVertLib.inference.plausibility import UNLIKE
from ReVertLib.inference.results import ERROR_PARTS, EXPECTED_ERROR, Reconstruction
from ReVertLib.inference.verdict import WORDS, Verdict, verdict
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.metrics.records import ErrorParts


def said(expected_mm, *warnings):
    geometry = Geometry(1000.0, 500.0, (0.5, 0.5), (99.5, 79.5))
    expected = None if expected_mm is None else np.array([0.5, 1.5]) * expected_mm
    return Reconstruction(Mesh(np.zeros((2, 3)), np.zeros((0, 3), int)), geometry, 0.1, warnings, expected)


def test_verdicts():
    """The limits in figures: what the words mean was measured with these."""
    words = [verdict(said(mm)).word for mm in (1.09, 1.11, 1.99, 2.01)]
    assert words == ["trust", "check", "check", "do not use"]
    assert set(words) == set(WORDS)
    assert verdict(said(0.75)).reason == "the mean error to be expected is 0.8 mm"
    assert verdict(said(0.75)).mean_error_mm == pytest.approx(0.75)
    assert verdict(said(None)) == Verdict("check", "these weights do not say what error to expect", None)


def test_parts_are_said_where_weights_tell_them():
    parts = ErrorParts(np.array([0.5, 0.7]), np.array([0.2, 0.4]), np.array([1.0, 2.0]))
    told = replace(said(0.75), error_parts=parts)
    assert verdict(told).reason == "the mean error to be expected is 0.8 mm (0.6 across, 0.3 along the beam)"
    assert list(told.point_arrays) == [EXPECTED_ERROR, *ERROR_PARTS]
    assert told.point_arrays["error_bound_mm"].tolist() == [1.0, 2.0]
    assert list(said(0.75).point_arrays) == ["expected_error_mm"]
    assert said(None).point_arrays == {}


def test_a_doubt_outweighs_what_is_expected():
    doubt = UNLIKE + "it is a hand"
    assert verdict(said(0.5, "no box was given", doubt)) == Verdict("do not use", doubt, pytest.approx(0.5))
    assert verdict(said(None, doubt)).word == "do not use"
    assert verdict(said(0.5, "no box was given")).word == "trust"


def test_a_verdict_needs_neither_torch_nor_scipy(root):
    assert unwanted_imports(root, ["ReVertLib.inference.verdict"], ("torch", "scipy")) == []
