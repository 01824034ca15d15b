"""Spines stacked by hand, whose angles, slips and heights are known."""

import numpy as np
import pytest
from hand_made_bones import DEPTH, HEIGHT, mirrored, moved, points, vertebra

from ReVertLib.measurement.records import DISC_TERMS, SPINE_TERMS
from ReVertLib.measurement.several import disc_values, spine_values

DISC = 9.0


def stacked(*degrees, below=()):
    """Vertebrae from head to feet by how each is turned, HEIGHT + DISC apart; below: their shifts."""
    shifts = below or [(0.0, 0.0, 0.0)] * len(degrees)
    rise = HEIGHT + DISC
    return [
        moved(points(), turn, np.add(shift, [0, 0, rise * (len(degrees) - 1 - i)]))
        for i, (turn, shift) in enumerate(zip(degrees, shifts, strict=True))
    ]


def disc(above, below):
    return {name: value[0] for name, value in disc_values(vertebra(above), vertebra(below)).items()}


def spine(bones):
    found = spine_values({f"L{i + 1}": vertebra(bone) for i, bone in enumerate(bones)})
    return {name: value[0] for name, value in found.items()}


def test_a_straight_spine_has_no_angle_and_discs_of_one_height():
    bones = stacked(*[(0.0, 0.0, 0.0)] * 5)
    assert set(spine(bones)) == set(SPINE_TERMS)
    assert spine(bones)["lordosis"] == pytest.approx(0, abs=1e-9)
    assert spine(bones)["coronal Cobb angle"] == pytest.approx(0, abs=1e-9)
    found = disc(*bones[:2])
    assert set(found) == set(DISC_TERMS)
    for where in ("anterior", "middle", "posterior"):
        assert found[f"{where} disc height"] == pytest.approx(DISC)
    for name in ("disc angle", "segment lordosis", "slip", "slip share", "axial rotation"):
        assert found[name] == pytest.approx(0, abs=1e-9)


def test_lordosis_is_the_sum_of_what_the_vertebrae_are_turned():
    """About the axis to the left, by -12 degrees a vertebra leans backward."""
    bones = stacked((-12, 0, 0), (-4, 0, 0), (6, 0, 0))
    assert spine(bones)["lordosis"] == pytest.approx(18)
    assert disc(*bones[:2])["segment lordosis"] == pytest.approx(8)
    assert disc(*bones[:2])["disc angle"] == pytest.approx(8)
    assert disc(*bones[1:])["disc angle"] == pytest.approx(10)


def test_cobb_takes_the_two_endplates_tilted_most():
    """About the axis backward; by +y the top goes to the left."""
    bones = stacked((0, -3, 0), (0, -10, 0), (0, 0, 0), (0, 14, 0), (0, 6, 0))
    assert spine(bones)["coronal Cobb angle"] == pytest.approx(24, abs=0.3)
    assert spine([mirrored(bone) for bone in bones])["coronal Cobb angle"] == pytest.approx(-24, abs=0.3)
    assert spine(bones)["lordosis"] == pytest.approx(0, abs=0.5)


def test_a_slip_is_measured_along_the_endplate_below():
    level, tilted = [(0, 0, 0)] * 2, (25.0, 0.0, 0.0)
    forward = stacked(*level, below=[(0, -6.0, 0), (0, 0, 0)])
    assert disc(*forward)["slip"] == pytest.approx(6)
    assert disc(*forward)["slip share"] == pytest.approx(100 * 6 / DEPTH)
    turned = [moved(bone, tilted) for bone in forward]
    assert disc(*turned)["slip"] == pytest.approx(6)
    for where in ("anterior", "middle", "posterior"):
        assert disc(*turned)[f"{where} disc height"] == pytest.approx(DISC)
    backward = stacked(*level, below=[(0, 4.0, 0), (0, 0, 0)])
    assert disc(*backward)["slip"] == pytest.approx(-4)


def test_a_disc_open_in_front_is_higher_there():
    above, below = stacked((-10, 0, 0), (0, 0, 0))
    found = disc(above, below)
    assert found["disc angle"] == pytest.approx(10)
    rise = DEPTH / 2 * 2 * np.sin(np.radians(5))
    assert found["anterior disc height"] - found["middle disc height"] == pytest.approx(rise, rel=0.02)


@pytest.mark.parametrize("sign", [1, -1])
def test_axial_rotation_to_the_left_is_positive(sign):
    above, below = stacked((0, 0, sign * 7), (0, 0, 0))  # counter-clockwise from above: the front goes to the left
    front = np.array([0, -1.0, 0]) @ np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 1]])
    assert front[0] > 0
    assert disc(above, below)["axial rotation"] == pytest.approx(sign * 7)
    assert disc(mirrored(above), mirrored(below))["axial rotation"] == pytest.approx(-sign * 7)
