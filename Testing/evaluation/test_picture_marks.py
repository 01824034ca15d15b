"""Letters, axes and bars: where a person who stands there would see them."""

import numpy as np
import pytest

from ReVertLib.evaluation.figure_style import new_figure
from ReVertLib.evaluation.picture_marks import orientation_marker, scale_bar, side_letters
from ReVertLib.geometry.views import view_rotation

SLANT = (0.5**0.5 + 0.16) / 1.16
"""Of 1.16 inches, where the letter of an axis is that lies at 45 degrees to the picture."""


@pytest.fixture
def axes():
    """4 x 2 inches, with data of 0 to 40."""
    axes = new_figure(4.0, 2.0, 100).add_axes((0, 0, 1, 1))
    axes.set_xlim(0, 40)
    return axes


def letters(axes):
    """The text of each letter and where it is, inches from the lower left."""
    return {t.get_text(): np.array(t.get_position()) * (4, 2) for t in axes.texts if t.get_text()}


@pytest.mark.parametrize(("yaw", "left", "right"), [(0, "R", "L"), (90, "A", "P"), (-90, "P", "A"), (180, "L", "R")])
def test_letters_at_the_sides(axes, yaw, left, right):
    """From before the patient his right is to the left; from his left, what is before him."""
    side_letters(axes, view_rotation(yaw))
    found = letters(axes)
    assert set(found) == {left, right}
    assert found[left][0] < 0.2 and found[right][0] > 3.8


@pytest.mark.parametrize(
    ("angles", "seen"),
    [
        ((0, 0), {"L": (1, 0), "S": (0, 1)}),
        ((90, 0), {"P": (1, 0), "S": (0, 1)}),
        ((180, 0), {"L": (-1, 0), "S": (0, 1)}),
        ((0, 90), {"L": (1, 0), "P": (0, -1)}),
        ((45, 0), {"L": (SLANT, 0), "P": (SLANT, 0), "S": (0, 1)}),
    ],
)
def test_axes_point_where_the_patient_does(axes, angles, seen):
    """An axis toward or away from the viewer is not drawn; from below, the patient's back is down. The letter is 0.16
    inches beyond the end."""
    orientation_marker(axes, view_rotation(*angles), (0.5, 0.5), 1.0)
    found = letters(axes)
    assert set(found) == set(seen)
    for name, end in seen.items():
        np.testing.assert_allclose(found[name] - (2, 1), 1.16 * np.array(end), atol=1e-3)


def test_a_bar_is_as_long_as_what_it_stands_for(axes):
    scale_bar(axes, 10.0, "10 mm")
    (rim, bar) = axes.lines
    assert np.ptp(bar.get_xdata()) == np.ptp(rim.get_xdata()) == pytest.approx(10 / 40)
    assert [text.get_text() for text in axes.texts] == ["10 mm"]
