"""Every answer is in the box plots, at its height."""

import numpy as np
import pytest
import SimpleITK as sitk
from matplotlib.colors import to_rgb
from tiny_evaluation import NETWORK, SPHERE, constants, evaluation, row

from ReVertLib.evaluation.box_plots import _dice_scale, box_plots
from ReVertLib.evaluation.figure_style import CEILING, MUTED, OUTLINE, SERIES, TEXT

DICE = {"network": 0.9, SPHERE.name: 0.6, "blank": 0.7, "baseline": 0.8, "best fit": 0.95}
COLOURS = {"network": OUTLINE, SPHERE.name: SERIES[1], "blank": MUTED, "baseline": TEXT, "best fit": CEILING}


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    """Three images of each of two levels; the figures of an answer are all the same."""
    path = tmp_path_factory.mktemp("plots") / "by_level.png"
    rows = []
    for level in ("L3", "L4"):
        for view in ("ap", "lat", "oblique"):
            rows += [row(DICE[name], level, view, name) for name in ("network", SPHERE.name, "blank")]
            rows += constants(level, view)
    box_plots(path, evaluation(rows, (NETWORK, SPHERE)), "level")
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))[..., :3] / 255.0


def near(image, colour):
    return np.abs(image - to_rgb(colour)).max(2) < 0.04


def test_answers_are_ordered_by_dice(picture):
    """Within the upper panel, the lower an answer's Dice the lower it stands, whatever its mark."""
    panel = picture[88:340, 90:]
    heights = {name: np.nonzero(near(panel, colour))[0] for name, colour in COLOURS.items()}
    assert all(len(rows) > 20 for rows in heights.values())
    means = {name: rows.mean() for name, rows in heights.items()}
    assert sorted(means, key=means.get) == ["best fit", "network", "baseline", "blank", SPHERE.name]


def test_a_group_without_an_answer_stays_empty(tmp_path):
    box_plots(tmp_path / "x.png", evaluation([*constants(), row(0.9), *constants("L4")]), "level")
    assert (tmp_path / "x.png").stat().st_size > 1_000


def test_the_scale_of_dice_halves_what_is_missing_in_equal_steps():
    there, back, _ = _dice_scale()
    heights = there(np.array([0.6, 0.8, 0.9, 0.95]))
    assert np.diff(heights) == pytest.approx(np.full(3, np.log(2)))
    assert back(heights) == pytest.approx([0.6, 0.8, 0.9, 0.95])
    assert np.isfinite(there(np.array([1.0])))


def test_a_perfect_answer_can_be_drawn(tmp_path):
    rows = [row(1.0), row(0.0, view="lat"), *constants(), *constants(view="lat")]
    box_plots(tmp_path / "x.png", evaluation(rows), "view")
    assert (tmp_path / "x.png").stat().st_size > 1_000
