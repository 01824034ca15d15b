"""Grey values in the type they come in; `test_radiograph.py` has what is refused and what is turned in files."""

import subprocess
import sys

import numpy as np
import pytest

from ReVertLib.errors import InputError
from ReVertLib.imaging.grey_values import grey_plane, inverted_greys, is_object_on_white, normalised, quantised

RAMP = np.arange(40 * 50).reshape(40, 50)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int16, np.uint16, np.int32])
def test_integers_keep_their_type_and_are_not_copied(dtype):
    array = (RAMP % 100).astype(dtype)
    plane = grey_plane(array[None], "a")
    assert (plane.dtype, plane.shape) == (dtype, (40, 50))
    assert np.shares_memory(plane, array)


@pytest.mark.parametrize("dtype", [bool, np.float16, np.float64])
def test_other_numbers_become_float32(dtype):
    plane = grey_plane((RAMP % 2).astype(dtype), "a")
    assert plane.dtype == np.float32
    np.testing.assert_array_equal(plane, RAMP % 2)


def test_colour_counts_only_when_the_channels_differ():
    array = (RAMP % 100).astype(np.uint8)
    np.testing.assert_array_equal(grey_plane(np.stack([array] * 3, -1), "a"), array)
    with pytest.raises(InputError, match="image a: expected a grey image, got colour"):
        grey_plane(np.stack([array, array, array + 1], -1), "a")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_one_value_that_is_no_number_is_found(value):
    array = RAMP.astype(float)
    array[3, 4] = value
    with pytest.raises(InputError, match="image a: expected finite grey values"):
        grey_plane(array, "a")


@pytest.mark.parametrize(
    ("dtype", "values"),
    [(np.int16, [-32768, -1, 0, 32767]), (np.uint8, [0, 1, 254, 255]), (np.int8, [-100, 0, 1, 100])],
)
def test_turning_wraps_around_and_comes_back(dtype, values):
    array = np.array([values], dtype)
    result = inverted_greys(array)
    assert result.dtype == dtype
    assert result[0].tolist() == [max(values) + min(values) - value for value in values]


def test_object_on_white():
    white = np.full((40, 50), 200, np.uint8)
    white[10:30, 10:30] -= np.tri(20, dtype=np.uint8) * 100
    assert is_object_on_white(white)
    assert not is_object_on_white(inverted_greys(white))
    white[0, 7] = 150
    assert not is_object_on_white(white)


def test_needs_nothing_but_numpy(root):
    modules = "ReVertLib.imaging.grey_values, ReVertLib.imaging.dicom"
    code = f"import sys, {modules}; print({{'SimpleITK', 'scipy', 'pydicom'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_grey_values_are_normalised_by_hand():
    """0..999 at even steps: the 99.5th percentile is 994.005, and what lies above is cut."""
    out = normalised(np.arange(1000.0).reshape(20, 50) + 50.0)
    assert out.ravel()[[0, 500, 999]] == pytest.approx([0.0, 500 / 994.005, 1.0])
    assert (out == 1.0).sum() == 5


def test_a_constant_crop_is_black():
    assert (normalised(np.full((8, 8), 7.0)) == 0).all()


def test_whole_numbers_by_hand():
    """The brightest, or what is said to be white, is the largest number; the others are rounded in proportion."""
    image = np.array([[0.0, 1.0, 3.0]])
    assert quantised(image, np.uint8).tolist() == [[0, 85, 255]]
    assert quantised(image, np.uint16).tolist() == [[0, 21845, 65535]]
    assert quantised(image / 3, np.uint8, white=2.0).tolist() == [[0, 42, 128]]  # 42.5 and 127.5 go to the even number
    assert quantised(np.zeros((1, 2)), np.uint16).tolist() == [[0, 0]]
    assert quantised(image, np.uint16).dtype == np.uint16
