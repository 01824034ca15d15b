"""`revert.film`: an array, boxes given by hand; a small network answers."""

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController, threadpool_limits
from tiny import weights

import ReVertLib as revert

BOXES = {"L4": (60, 110, 140, 170), "L3": (60, 40, 140, 100)}
LENGTHS = {"sdd_mm": 1000, "sod_mm": 700, "pixel_spacing_mm": (1.0, 1.0)}


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    return weights(tmp_path_factory.mktemp("film"), "context")


@pytest.fixture(scope="module")
def pixels():
    image = np.zeros((220, 200), np.float32)
    image[50:90, 80:120] = image[120:160, 80:120] = 1.0
    return image


def test_levels_come_from_head_to_feet_at_one_distance(network, pixels):
    result = revert.film(pixels, LENGTHS, view="AP", boxes=BOXES, weights=network, device="cpu")
    assert [one.level for one in result.levels] == ["L3", "L4"]
    assert (result.anchor, result.scale.source) == ("L3", "given")
    assert result.levels[0].reconstruction.geometry.sod_mm == pytest.approx(700, abs=1)
    (disc,) = result.discs
    assert (disc.above, disc.below) == ("L3", "L4")


def test_its_matrices_are_computed_with_one_thread_and_those_of_the_program_as_before(network, pixels, monkeypatch):
    def threads():
        return {one["num_threads"] for one in ThreadpoolController().select(user_api="blas").info()}

    monkeypatch.setattr("ReVertLib.spine.film.film_result", lambda *_: threads())
    with threadpool_limits(2, "blas"):
        assert revert.film(pixels, LENGTHS, view="AP", boxes=BOXES, weights=network, device="cpu") == {1}
        assert threads() == {2}
        monkeypatch.setattr("ReVertLib.startup.find_spec", lambda _name: None)
        assert revert.film(pixels, LENGTHS, view="AP", boxes=BOXES, weights=network, device="cpu") == {2}


def test_a_ball_stands_in_for_a_distance(network, pixels):
    """20 mm on 28.57 pixels: 0.7 mm at the spine where 1 mm is at the detector, so at 0.7 of its distance."""
    known = {key: LENGTHS[key] for key in ("sdd_mm", "pixel_spacing_mm")}
    options = {"view": "AP", "boxes": BOXES, "weights": network, "device": "cpu"}
    result = revert.film(pixels, known, ball=(10, 10, 20 / 0.7, 20), **options)
    assert result.scale.source == "marked"
    assert result.levels[0].reconstruction.geometry.sod_mm == pytest.approx(700, abs=1)


def test_boxes_that_are_none_are_refused(network, pixels):
    with pytest.raises(revert.InputError, match="box_px: expected the box of L3 on the 200 x 220 film"):
        revert.film(pixels, LENGTHS, view="AP", boxes={"L3": (300, 0, 400, 9)}, weights=network, device="cpu")


def test_two_marks_are_refused_not_chosen_from(network, pixels):
    marks = {"ball": (10, 10, 20 / 0.7, 20), "length": (0, 0, 9, 9, 25)}
    with pytest.raises(revert.InputError, match="expected one of --ball and --length, got both"):
        revert.film(pixels, LENGTHS, view="AP", boxes=BOXES, weights=network, device="cpu", **marks)
