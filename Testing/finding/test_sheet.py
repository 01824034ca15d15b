"""Films on the finder's canvas: a point drawn on the film comes back at its pixel."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from ReVertLib.finding.sheet import resized, sheet_of
from ReVertLib.network.film_cells import FINDER_PIXEL_MM, MULTIPLE_PX


def spot(size=(421, 333), at=(210.0, 150.0), spread_px=9.0):
    """A film of (rows, columns) with a round spot in the middle of pixel at (u, v)."""
    v, u = np.indices(size)
    return np.exp(-((u - at[0]) ** 2 + (v - at[1]) ** 2) / (2 * spread_px**2)) + 0.1


def found(sheet):
    """Where the spot is on the film, read off the canvas."""
    image = sheet.grey - sheet.grey.min()
    image = np.where(image > 0.05, image, 0) * sheet.there
    v, u = np.indices(image.shape)
    return sheet.on_film(np.array([(u * image).sum(), (v * image).sum()]) / image.sum())


@pytest.mark.parametrize("pixel_mm", [(0.4, 0.4), (0.31, 0.52), (2.9, 2.9)])
def test_a_point_comes_back_at_its_pixel(pixel_mm):
    film, at = (spot(), (210.0, 150.0)) if pixel_mm[0] < 1 else (spot((121, 90), (40.0, 70.0), 4.0), (40.0, 70.0))
    sheet = sheet_of(film, pixel_mm)
    for one in (sheet, sheet.turned()):
        assert found(one) == pytest.approx(at, abs=0.15)
    size = np.array(film.shape[::-1])
    assert sheet.there.sum() == np.rint(size * pixel_mm / FINDER_PIXEL_MM).prod()
    assert not any(side % MULTIPLE_PX for side in sheet.grey.shape)


def test_turned_and_inverted_by_hand():
    sheet = sheet_of(spot(), (0.4, 0.4))
    assert np.array_equal(sheet.turned().grey, np.flip(sheet.grey))
    assert sheet.turned().turned().on_film(np.array([3.0, 5.0])) == pytest.approx(sheet.on_film(np.array([3.0, 5.0])))
    assert np.array_equal(sheet.inverted().grey, -sheet.grey)


def test_padding_is_not_film():
    sheet = sheet_of(spot((80, 80), (40.0, 40.0)), (0.5, 0.5))
    assert sheet.grey.shape == (96, 96)
    assert int(sheet.there.sum()) == 27 * 27


@pytest.mark.parametrize("shape", [(40, 90), (211, 101), (13, 250)])
def test_it_is_resized_as_torch_does(shape):
    image = np.random.default_rng(0).random((211, 133), np.float32)
    expected = F.interpolate(torch.as_tensor(image)[None, None], shape, mode="bilinear", antialias=True)[0, 0].numpy()
    assert np.abs(resized(image, shape) - expected).max() < 1e-5
