"""Views by name and by angle: what they are called, what they parse to, and angles that turn back into themselves."""

import numpy as np
import pytest

from ReVertLib.errors import InputError
from ReVertLib.geometry.views import parse_view, view_angles, view_name, view_rotation


@pytest.mark.parametrize("angles", [(0, 0, 0), (180, 0, 0), (-75, 20, 8), (30, -60, -170), (10, 0, 90)])
def test_angles_of_a_view_are_those_it_was_made_of(angles):
    found = view_angles(view_rotation(*angles))
    assert np.allclose(view_rotation(*found), view_rotation(*angles))
    assert np.allclose((np.array(found) - angles + 180) % 360, 180)


def test_a_pitch_beyond_the_zenith_is_a_view_from_the_other_side():
    yaw, pitch, roll = view_angles(view_rotation(0, 120, 0))
    assert (abs(yaw), pitch, abs(roll)) == pytest.approx((180, 60, 180))
    assert np.allclose(view_rotation(yaw, pitch, roll), view_rotation(0, 120, 0))


def test_the_side_that_a_view_names_is_at_the_detector():
    """The beam runs to it: in LPS to the left in LL, forward in PA, and both in LAO."""
    ways = {"AP": (0, 1, 0), "PA": (0, -1, 0), "LL": (1, 0, 0), "RL": (-1, 0, 0)}
    ways |= {"LAO": (1, -1, 0), "RAO": (-1, -1, 0), "LPO": (1, 1, 0), "RPO": (-1, 1, 0)}
    for name, way in ways.items():
        beam = view_rotation(**parse_view([name]))[2]
        assert np.allclose(beam, np.array(way) / np.linalg.norm(way)), name
        assert view_name(parse_view([name.lower()])["yaw_deg"]) == name


def test_numbers_are_yaw_pitch_and_roll():
    assert parse_view(["75", "-15"]) == {"yaw_deg": 75.0, "pitch_deg": -15.0, "roll_deg": 0.0}
    assert view_name(75) == "RL"
    assert view_name(-110) == "yaw -110 degrees"


@pytest.mark.parametrize("words", [["side"], ["AP", "10"], ["nan"], ["1", "2", "3", "4"]])
def test_what_is_no_view_is_refused(words):
    with pytest.raises(
        InputError, match=r"^view: expected one of AP, PA, LL, RL, .*, or yaw, pitch and roll in degree"
    ):
        parse_view(words)
