"""Films measured: what chain and scale leave open goes into the errors, shared where levels share it."""

import numpy as np
import pytest
from straight_spine import usual_spine

from ReVertLib.geometry.camera import Geometry
from ReVertLib.inference.results import Reconstruction
from ReVertLib.metrics.records import ErrorParts
from ReVertLib.spine.measurements import film_measurements
from ReVertLib.spine.records import FilmLevel, FilmResult, LevelChange
from ReVertLib.spine.scale import GIVEN, MARKED, Scale

FILM = Geometry(1150.0, 850.0, (0.9, 0.9), (255.5, 255.5), view_deg=(0.0, 0.0, 0.0))
EXACT = Scale(GIVEN, 0.0, 0.0, "distances and spacing")


def film(depths_sd_mm, scale=EXACT):
    """A usual spine seen from the front, L3's distance given."""
    each, levels = np.full(3000, 1.0), []
    for (level, mesh), sd_mm in zip(usual_spine().items(), depths_sd_mm, strict=True):
        found = Reconstruction(mesh, FILM, 0.1, (), each, error_parts=ErrorParts(0.7 * each, 0.6 * each, 2 * each))
        levels.append(FilmLevel(level, found, None, False, sd_mm, LevelChange(0.0, 0.0, 0.0, 0.0)))
    return FilmResult(tuple(levels), (), "L3", scale)


def depth_sd_mm(found, level):
    return found.levels[level]["upper endplate centre"].sd


def test_every_level_has_the_doubt_of_its_own_distance():
    sure, unsure = (film_measurements(film(sds)) for sds in ([0.0] * 5, [8.0, 4.0, 0.0, 3.0, 3.0]))
    for level, sd_mm in (("L1", 8), ("L2", 4), ("L3", 0), ("L4", 3), ("L5", 3)):
        added = np.sqrt(depth_sd_mm(unsure, level) ** 2 - depth_sd_mm(sure, level) ** 2)
        assert added == pytest.approx(sd_mm, abs=0.6)


def test_neighbours_share_the_doubt_of_what_is_before_both():
    """L4 and L5 have the same: it is the step from L3 to L4 alone, so the slip between them is as sure as without."""
    sure, unsure = (film_measurements(film(sds)) for sds in ([0.0] * 5, [8.0, 4.0, 0.0, 3.0, 3.0]))

    def slip_sd(found, disc):
        return found.discs[disc]["slip"].sd

    assert slip_sd(unsure, "L4/L5") == pytest.approx(slip_sd(sure, "L4/L5"), abs=0.1)
    added = np.sqrt(slip_sd(unsure, "L1/L2") ** 2 - slip_sd(sure, "L1/L2") ** 2)
    assert added == pytest.approx(np.sqrt(8**2 - 4**2), rel=0.15)


def test_the_doubt_of_the_scale_counts_once():
    """A scale that is right to 6 %: what the expected errors grew by is taken out, and all lengths grow by it."""
    scale = Scale(MARKED, 0.06, 0.06, "a ball")
    sure, doubted = film_measurements(film([0.0] * 5)), film([0.06 * 850] * 5, scale)
    found = film_measurements(doubted)
    width = found.levels["L3"]["canal width"]
    assert width.sd <= np.hypot(sure.levels["L3"]["canal width"].sd, 0.06 * width.value) + 1e-6
    assert width.sd > 0.06 * width.value
