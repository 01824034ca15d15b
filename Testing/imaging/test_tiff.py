"""TIFF files that ITK alone would read with another depth than theirs."""

from pathlib import Path

import numpy as np
import pytest
from tiff_files import tiff

from ReVertLib.errors import InputError
from ReVertLib.imaging.orientation import turned
from ReVertLib.imaging.radiograph import read_radiograph

ROWS, COLUMNS = 70, 50
RAMP = np.arange(ROWS * COLUMNS).reshape(ROWS, COLUMNS)
KINDS = {
    "12 of 16 bit": RAMP.astype(np.uint16),
    "16 bit": (RAMP * 17 % 65521).astype(np.uint16),
    "signed": (RAMP * 17 % 65521 - 30000).astype(np.int16),
    "8 bit": (RAMP % 251).astype(np.uint8),
    "float": (RAMP / 7).astype(np.float32),
}


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("tiled", [False, True], ids=["strips", "tiles"])
@pytest.mark.parametrize("stored", KINDS.values(), ids=KINDS)
def test_every_grey_value_arrives(tmp_path, stored, tiled, order, capfd):
    radiograph = read_radiograph(tiff(tmp_path / "a.tif", stored, tiled=tiled, order=order))
    np.testing.assert_array_equal(radiograph.pixels, stored)
    assert radiograph.notes == ()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("tiled", [False, True], ids=["strips", "tiles"])
@pytest.mark.parametrize("stored", [KINDS["12 of 16 bit"], KINDS["signed"], KINDS["8 bit"]], ids=["12", "signed", "8"])
@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_stated_orientation_costs_no_depth(tmp_path, stored, tiled, orientation, capfd):
    radiograph = read_radiograph(tiff(tmp_path / "a.tif", stored, tiled=tiled, orientation=orientation))
    np.testing.assert_array_equal(radiograph.pixels, turned(stored, orientation))
    assert "as its TIFF orientation says" in radiograph.notes[0]
    assert capfd.readouterr() == ("", "")


def test_grey_with_alpha_is_grey(tmp_path):
    """ITK takes every second value for alpha's neighbour."""
    both = np.stack([KINDS["8 bit"], np.full_like(KINDS["8 bit"], 255)], -1)
    np.testing.assert_array_equal(read_radiograph(tiff(tmp_path / "a.tif", both)).pixels, KINDS["8 bit"])
    deep = np.stack([KINDS["16 bit"], np.full_like(KINDS["16 bit"], 65535)], -1)
    refuse(tiff(tmp_path / "b.tif", deep), "can be decoded, got strips of 2 x 16 bits, compression 1$")


def refuse(path: Path, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_radiograph(path)


def test_what_no_decoder_reads_whole_is_refused_by_its_kind(tmp_path):
    path = tiff(tmp_path / "a.tif", KINDS["16 bit"], tiled=True, bits=10)
    got = "got tiles of 1 x 10 bits, compression 1$"
    refuse(path, f"^image a.tif: expected a TIFF image of a kind that can be decoded, {got}")


@pytest.mark.parametrize("tiled", [False, True], ids=["strips", "tiles"])
def test_values_that_are_cut_off(tmp_path, tiled):
    """The directory before the values, as many write it, so that it is still there."""
    path = tiff(tmp_path / "a.tif", KINDS["16 bit"], tiled=tiled, first=True)
    np.testing.assert_array_equal(read_radiograph(path).pixels, KINDS["16 bit"])
    path.write_bytes(path.read_bytes()[:-100])
    refuse(path, "^image a.tif: expected a whole TIFF image, got one that .*cut off")
