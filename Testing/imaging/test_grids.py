"""Label maps on a CT's grid: the same voxels in another order, or part of them, are brought onto it; others refused."""

from itertools import permutations, product

import numpy as np
import pytest

from ReVertLib.errors import InputError
from ReVertLib.geometry.views import rotation_about
from ReVertLib.imaging.labels import on_grid_of
from ReVertLib.imaging.volume import Volume, slices

SIZE = (7, 6, 5)


def a_grid():
    matrix = np.eye(4)
    matrix[:3, :3] = rotation_about("x", 20.0) * [0.7, 0.8, 2.5]
    matrix[:3, 3] = (-40.0, 25.0, 310.0)
    array = np.arange(np.prod(SIZE), dtype=np.int16).reshape(SIZE)
    return Volume(np.zeros(SIZE, np.int16), matrix), Volume(array, matrix)


def reordered(volume, axes, flips):
    """The same volume stored in another order: `axes` (of i, j, k) first to last, some of them backwards."""
    array, matrix = volume.array.transpose(2, 1, 0), volume.ijk_to_lps.copy()
    array, matrix[:, :3] = array.transpose(axes), matrix[:, list(axes)]
    for axis, flip in enumerate(flips):
        if flip:
            matrix[:3, 3] += matrix[:3, axis] * (array.shape[axis] - 1)
            matrix[:3, axis] *= -1
            array = np.flip(array, axis)
    return Volume(array.transpose(2, 1, 0), matrix)


def test_reordering_by_hand():
    ct, labels = a_grid()
    turned = reordered(labels, (2, 0, 1), (True, False, False))
    assert turned.array[2, 4, 1] == labels.array[5, 2, 4]  # k 6 - 1 = 5, i 4, j 2
    assert np.allclose(turned.lps_from_ijk([[1, 4, 2]]), ct.lps_from_ijk([[4, 2, 5]]))


@pytest.mark.parametrize("axes", list(permutations(range(3))))
def test_all_orders_of_axes(axes):
    ct, labels = a_grid()
    for flips in product((False, True), repeat=3):
        found = on_grid_of(ct, reordered(labels, axes, flips))
        assert np.array_equal(found.array, labels.array)
        assert np.allclose(found.ijk_to_lps, ct.ijk_to_lps)


@pytest.mark.parametrize("axes", [(0, 1, 2), (1, 2, 0)])
@pytest.mark.parametrize("flips", [(False, False, False), (True, False, True)])
def test_a_part_is_put_where_it_belongs(axes, flips):
    ct, labels = a_grid()
    low, high = np.array([1, 0, 2]), np.array([4, 5, 7])
    found = on_grid_of(ct, reordered(labels.cropped(low, high), axes, flips))
    expected = np.zeros(SIZE, np.int16)
    expected[slices(low, high)] = labels.array[slices(low, high)]
    assert np.array_equal(found.array, expected)


def test_what_reaches_beyond_the_ct_is_left_out():
    ct, labels = a_grid()
    low, high = np.array([1, 2, 1]), np.array([5, 4, 6])
    part = ct.cropped(low, high)
    assert np.array_equal(on_grid_of(part, labels).array, labels.array[slices(low, high)])


def test_one_grid_is_left_alone():
    ct, labels = a_grid()
    nearly = labels.ijk_to_lps.copy()
    nearly[:3, 0] *= 1.001
    assert on_grid_of(ct, labels) is labels
    rounded = Volume(labels.array, nearly)
    assert on_grid_of(ct, rounded) is rounded


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m @ np.array([[1, 0, 0, 0.5], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]), "got grids 0.35 mm apart"),
        (lambda m: m @ np.array([[1, 0, 0, 1], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]), "got grids 0.7 mm apart"),
        (lambda m: m @ np.diag([1, 1, 1.1, 1]), "got grids"),
        (lambda m: m @ np.diag([2, 1, 1, 1]), "got voxels of 0.7 x 0.8 x 2.5 and 1.4 x 0.8 x 2.5 mm, or turned"),
        (lambda m: m @ np.vstack([np.c_[rotation_about("z", 45.0), [0, 0, 0]], [0, 0, 0, 1]]), "got voxels of"),
    ],
)
def test_other_grids_are_refused(change, message):
    ct, labels = a_grid()
    with pytest.raises(InputError, match=f"CT and label map: expected one grid, {message}"):
        on_grid_of(ct, Volume(labels.array, change(labels.ijk_to_lps)))
