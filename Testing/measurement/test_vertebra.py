"""One vertebra made by hand, whose lengths and angles are known."""

import numpy as np
import pytest
from hand_made_bones import (
    CANAL_DEPTH,
    CONVERGENCE_DEG,
    DEPTH,
    ENTRY_MM,
    HEIGHT,
    LENGTH,
    PEDICLE_HEIGHT,
    PEDICLE_WIDTH,
    WIDTH,
    mirrored,
    moved,
    points,
    upper_plate_tilted,
    vertebra,
)

from ReVertLib.measurement.landmarks import RING_POINTS, landmarks
from ReVertLib.measurement.records import VERTEBRA_TERMS
from ReVertLib.measurement.several import beam_values
from ReVertLib.measurement.vertebra import Vertebra, vertebra_values


def values(of_one):
    return {name: value[0] for name, value in vertebra_values(vertebra(of_one)).items()}


def test_lengths_and_angles_are_those_it_was_made_with():
    found = values(points())
    assert set(found) == set(VERTEBRA_TERMS)
    for plate, z in (("upper", HEIGHT / 2), ("lower", -HEIGHT / 2)):
        assert found[f"{plate} endplate width"] == pytest.approx(WIDTH)
        assert found[f"{plate} endplate depth"] == pytest.approx(DEPTH)
        assert found[f"{plate} endplate centre"] == pytest.approx([0, 0, z], abs=1e-9)
        assert found[f"{plate} endplate normal"] == pytest.approx([0, 0, 1], abs=1e-9)
    for where in ("anterior", "middle", "posterior"):
        assert found[f"{where} height"] == pytest.approx(HEIGHT)
    inner = 0.0
    for side, sign in (("left", 1), ("right", -1)):
        assert found[f"{side} pedicle width"] == pytest.approx(PEDICLE_WIDTH[side])
        assert found[f"{side} pedicle height"] == pytest.approx(PEDICLE_HEIGHT)
        assert found[f"{side} pedicle length"] == pytest.approx(LENGTH)
        assert found[f"{side} pedicle transverse angle"] == pytest.approx(CONVERGENCE_DEG)
        assert found[f"{side} pedicle sagittal angle"] == pytest.approx(0, abs=1e-9)
        angle = np.radians(CONVERGENCE_DEG)
        axis = np.array([-sign * np.sin(angle), -np.cos(angle), 0])
        assert found[f"{side} pedicle axis"] == pytest.approx(axis)
        assert found[f"{side} pedicle entry"] == pytest.approx([sign * 16.0, 22, 8] - ENTRY_MM * axis)
        assert found[f"{side} transverse process tip"] == pytest.approx([sign * 45, 30, 0])
        inner += 16 - PEDICLE_WIDTH[side] / 2 * np.cos(angle)
    assert found["canal width"] == pytest.approx(inner)
    assert found["canal depth"] == pytest.approx(CANAL_DEPTH)


def test_a_wedge_is_lower_in_front_by_what_its_angle_says():
    found = values(upper_plate_tilted(points(), 10.0))  # about the axis to the left: behind up, in front down
    up, across = DEPTH / 2 * np.sin(np.radians(10)), DEPTH / 2 * (1 - np.cos(np.radians(10)))
    assert found["anterior height"] == pytest.approx(np.hypot(HEIGHT - up, across))
    assert found["posterior height"] == pytest.approx(np.hypot(HEIGHT + up, across))
    assert found["middle height"] == pytest.approx(HEIGHT)
    assert found["upper endplate depth"] == pytest.approx(DEPTH)
    assert found["left pedicle sagittal angle"] != pytest.approx(0, abs=1)  # against the middle of both endplates


def test_a_motion_changes_places_and_directions_only():
    degrees, shift = (20.0, -35.0, 110.0), (5.0, -80.0, 700.0)
    before, after = values(points()), values(moved(points(), degrees, shift))
    for name, value in before.items():
        if np.ndim(value) == 0:
            assert after[name] == pytest.approx(value, abs=1e-6)
        else:
            is_direction = VERTEBRA_TERMS[name].kind == "direction"
            expected = moved(value[None], degrees, (0, 0, 0) if is_direction else shift)[0]
            assert after[name] == pytest.approx(expected, abs=1e-6)


def test_the_mirror_image_has_left_and_right_swapped():
    before, after = values(points()), values(mirrored(points()))
    assert before["left pedicle width"] != pytest.approx(before["right pedicle width"], abs=1)
    for name, value in before.items():
        swapped = name.replace("left", "?").replace("right", "left").replace("?", "right")
        assert after[swapped] == pytest.approx(value if np.ndim(value) == 0 else value * [-1, 1, 1], abs=1e-9)


@pytest.mark.parametrize("yaw_deg", [0.0, 30.0, -90.0, 150.0])
def test_the_rotation_against_the_beam_is_the_yaw_of_the_camera(yaw_deg):
    from ReVertLib.geometry.views import view_rotation

    seen = points() @ view_rotation(yaw_deg).T + [0, 0, 800]
    assert beam_values(vertebra(seen))["rotation against the beam"][0] == pytest.approx(yaw_deg, abs=1e-6)


def test_a_small_error_does_not_turn_the_direction_of_the_width():
    """A twelve-sided isthmus with one corner drawn out: as narrow in two directions, not as high across them."""
    rows, drawn_out = landmarks().rows["left isthmus"], points()
    pedicle = vertebra(drawn_out).pedicles["left"]
    high = np.array([0.0, 0.0, 1.0])
    medial, centre = np.cross(high, pedicle.forward[0]), pedicle.isthmus[0]
    angles = 2 * np.pi * np.arange(RING_POINTS) / RING_POINTS
    ring = 6 * np.stack([np.cos(angles), np.sin(angles)], 1)
    ring[RING_POINTS // 4, 1] += 2

    def narrowed(degrees):
        toward = np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])
        found = drawn_out.copy()
        found[rows] = centre + (ring - 1e-4 * (ring @ toward)[:, None] * toward) @ np.stack([medial, high])
        return found

    apart = [vertebra(narrowed(degrees)).pedicles["left"].width_and_height for degrees in (15, 45)]
    assert apart[0][0] == pytest.approx(apart[1][0], abs=0.01)
    assert abs(apart[0][1] - apart[1][1]) > 0.2
    width, height = Vertebra(np.stack([narrowed(15), narrowed(45)])).pedicles["left"].width_and_height
    assert width[0] == pytest.approx(width[1], abs=0.01)
    assert height[0] == pytest.approx(height[1], abs=0.01)
