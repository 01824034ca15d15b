"""Errors to be expected of a pose, from the information of its fit."""

import numpy as np
import pytest

from ReVertLib.ct_registration.expected import pose_error, projected_errors_mm
from ReVertLib.ct_registration.refine import NOISE, UNITS, Fit
from ReVertLib.geometry.transform import RigidTransform

CENTRE = np.array([10.0, -5.0, 3.0])


def fit(deviations: list[float]) -> Fit:
    """At 700 mm from the source, by standard deviations along and about X, Y and Z, mm and radians."""
    information = NOISE * np.diag((UNITS / np.array(deviations)) ** 2)
    pose = RigidTransform.shift(np.array([0.0, 0.0, 700.0]) - CENTRE)
    return Fit(pose, 0.95, 1.0, information)


def test_information_becomes_deviations():
    found = pose_error(fit([0.3, 0.4, 5.0, 0.01, 0.02, 0.005]))
    assert found.across_mm == pytest.approx(0.5)
    assert found.along_mm == pytest.approx(5.0)
    assert found.turned_deg == pytest.approx(np.degrees(0.02))


def test_what_lies_along_the_beam_is_not_seen_in_projection():
    along = projected_errors_mm(
        fit([1e-6, 1e-6, 5.0, 1e-9, 1e-9, 1e-9]), CENTRE, CENTRE + np.array([[0, 0, 0], [0, 0, 20.0]])
    )
    assert along == pytest.approx([0.0, 0.0], abs=1e-4)
    beside = projected_errors_mm(fit([1e-6, 1e-6, 5.0, 1e-9, 1e-9, 1e-9]), CENTRE, CENTRE + np.array([[35.0, 0, 0]]))
    assert beside == pytest.approx([5.0 * 35 / 735.9], rel=0.06)  # the beam is 2.9 degrees off the middle's there


@pytest.mark.parametrize(
    ("turn", "point", "error_mm"), [(2, [30.0, 0, 0], 0.6), (1, [0, 0, 20.0], 0.4), (0, [20.0, 0, 0], 0)]
)
def test_a_rotation_moves_what_is_away_from_its_axis(turn, point, error_mm):
    deviations = [1e-6, 1e-6, 1e-6, 1e-9, 1e-9, 1e-9]
    deviations[3 + turn] = 0.02
    assert projected_errors_mm(fit(deviations), CENTRE, CENTRE + np.array([point])) == pytest.approx(
        [error_mm], abs=0.01
    )
