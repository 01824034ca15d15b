"""Whose numbers a label map has: told from the order, the distances and the sizes of its regions, or asked for."""

import logging

import numpy as np
import pytest
from tiny import write_volume

from ReVertLib.dataset.cases import find_cases
from ReVertLib.errors import InputError
from ReVertLib.geometry.levels import COLUMN, LABEL_SCHEMES, LEVELS, VERSE_NUMBERS
from ReVertLib.imaging.label_numbers import read_vertebrae, verse_numbered, vertebra_of
from ReVertLib.imaging.labels import label_regions, read_label_map
from ReVertLib.imaging.volume import Volume
from ReVertLib.metrics.compare import labelled_target

NUMBERS = {scheme: {name: n for n, name in reversed(names.items())} for scheme, names in LABEL_SCHEMES.items()}
LUMBAR_CM3, THORACIC_CM3 = (15, 15, 9), (10, 11, 7)
"""Sides in voxels of 3 mm: 55 and 21 cm^3."""
ALONG_MM = np.diag([3.0, 3.0, 3.0, 1.0])


def column(numbers, organs=(), size=None) -> Volume:
    """Blocks for numbers, the first lowest, 12 voxels of 3 mm from one to the next, 6 free at both ends. organs: more,
    (number, first voxel (i, j, k), size)."""
    array = np.zeros((12 * len(numbers) + 12, 60, 60), np.uint8)
    for place, number in enumerate(numbers):
        i, j, k = size or LUMBAR_CM3
        low = 6 + 12 * place
        array[low : low + k, 10 : 10 + j, 20 : 20 + i] = number
    for number, (i, j, k), (di, dj, dk) in organs:
        array[k : k + dk, j : j + dj, i : i + di] = number
    return Volume(array, ALONG_MM)


@pytest.mark.parametrize("scheme", LABEL_SCHEMES)
@pytest.mark.parametrize("names", [LEVELS, ("T12", "L1"), ("L4", "L5"), ("T11", "T12", "L1", "L2", "L3"), ("L1", "L3")])
def test_each_is_told(scheme, names):
    lowest_first = [NUMBERS[scheme][name] for name in reversed(names)]
    if names == ("L1", "L3"):
        lowest_first.insert(1, 0)  # L2 is not there
    labels = column(lowest_first)
    numbered, numbers = verse_numbered(labels, None, "map")
    assert numbers == {NUMBERS[scheme][name]: VERSE_NUMBERS[name] for name in names}
    boxes = label_regions(labels)
    for own, number in numbers.items():
        assert np.array_equal(label_regions(numbered)[number], boxes[own])


def test_tables_by_hand():
    names = ("C1", "T1", "T12", "L1", "L5", "L6", "T13")
    assert [NUMBERS["verse"][name] for name in names] == [1, 8, 19, 20, 24, 25, 28]
    assert [NUMBERS["totalsegmentator-v1"][name] for name in ("C1", "T12", "L1", "L5")] == [41, 23, 22, 18]
    assert [NUMBERS["totalsegmentator-v2"][name] for name in ("C1", "T12", "L1", "L5")] == [50, 32, 31, 27]
    assert all(set(COLUMN) <= set(names) for names in NUMBERS.values())


def test_organs_of_totalsegmentator_2_are_no_vertebrae(caplog):
    """Colon 20, bladder 21 and sacrum 25 beside L5 to L3; 26 is S1."""
    organs = [(20, (40, 0, 0), (20, 60, 40)), (21, (0, 40, 2), (15, 15, 15)), (25, (20, 10, 0), (15, 15, 5))]
    with caplog.at_level(logging.INFO, logger="revert"):
        numbered, numbers = verse_numbered(column([27, 28, 29], organs), None, "map")
    assert numbers == {25: 26, 27: 24, 28: 23, 29: 22}
    assert set(np.unique(numbered.array)) == {0, 22, 23, 24, 26}
    expected = "map: labels as in totalsegmentator-v2: 25 is sacrum, 27 is L5, 28 is L4, 29 is L3"
    assert caplog.messages == [expected]


def test_one_vertebra_and_a_colon():
    """29 is L3 of version 2: for version 1 it would be T6, nine vertebrae from an L3."""
    labels = column([29], [(20, (40, 5, 5), (12, 12, 12))])
    assert vertebra_of(labels, 29, "map") == "L3"
    with pytest.raises(InputError, match=r"label: expected one of 29 \(L3\) of map, got 20"):
        vertebra_of(labels, 20, "map")


@pytest.mark.parametrize(
    ("size", "scheme", "first"),
    [(LUMBAR_CM3, "totalsegmentator-v2", "L5"), (THORACIC_CM3, "totalsegmentator-v1", "T8")],
)
def test_sizes_tell_what_order_does_not(size, scheme, first):
    """27 to 31, lowest first, are L5 to L1 in version 2, and T8 to T4 in version 1."""
    labels = column([27, 28, 29, 30, 31], size=size)
    assert vertebra_of(labels, 27, "map") == first
    assert verse_numbered(labels, scheme, "map")[1] == verse_numbered(labels, None, "map")[1]


def test_what_does_not_tell_is_asked_for():
    labels = column([27, 28, 29], size=(14, 13, 9))
    message = "labels: expected --labels totalsegmentator-v1 or totalsegmentator-v2 to say whose numbers map has"
    with pytest.raises(InputError, match=message):
        verse_numbered(labels, None, "map")
    assert vertebra_of(labels, 27, "map", "totalsegmentator-v2") == "L5"
    assert vertebra_of(labels, 27, "map", "totalsegmentator-v1") == "T8"
    with pytest.raises(InputError, match=r"labels: expected one of verse, totalsegmentator-v1, .+, got 'else'"):
        verse_numbered(labels, "else", "map")


def test_a_label_alone_is_verse_s_and_that_is_said(caplog):
    with caplog.at_level(logging.INFO, logger="revert"):
        assert vertebra_of(column([22]), 22, "map") == "L3"
    assert caplog.messages == ["map: labels taken as in verse, as nothing else tells: 22 is L3"]
    assert vertebra_of(column([22]), 22, "map", "totalsegmentator-v1") == "L1"


def test_verse_s_map_is_not_touched():
    labels = column([26, 24, 23, 22])
    assert verse_numbered(labels, None, "map")[0] is labels


def test_l6_and_t13():
    six = column([26, 25, 24, 23])
    assert [vertebra_of(six, label, "map") for label in (23, 24, 25)] == ["L4", "L5", "L6"]
    thirteen = column([20, 28, 19, 18])
    assert [vertebra_of(thirteen, label, "map") for label in (18, 19, 28, 20)] == ["T11", "T12", "T13", "L1"]
    for labels, label, level in ((six, 25, "L5"), (thirteen, 28, "L1")):
        with pytest.warns(UserWarning, match=rf"label {label} is [LT]\d+: its baseline is the mean of {level}"):
            assert labelled_target(labels, label, "map")[1] == level


def test_a_fragment_elsewhere_does_not_confuse():
    labels = column([24, 23, 22], [(21, (50, 50, 0), (2, 2, 2))])
    assert vertebra_of(labels, 22, "map") == "L3"


def write_one_by_one(folder, labels: Volume, names) -> None:
    folder.mkdir(parents=True)
    for number, name in names.items():
        write_volume(folder / f"{name}.nii.gz", Volume((labels.array == number).astype(np.uint8), labels.ijk_to_lps))


def test_one_file_for_each_vertebra(tmp_path):
    labels = column([1, 2, 3])
    files = {1: "sacrum", 2: "vertebrae_L5", 3: "vertebrae_L4"}
    write_one_by_one(tmp_path / "s01/segmentations", labels, files)
    write_one_by_one(tmp_path / "s02", labels, files)
    write_volume(tmp_path / "s01/ct.nii.gz", labels)
    write_volume(tmp_path / "s01/segmentations/liver.nii.gz", labels)
    found = find_cases(tmp_path)
    assert [(case.name, case.ct and case.ct.name) for case in found] == [("s01", "ct.nii.gz"), ("s02", None)]
    for case in found:
        numbered = read_vertebrae(case.labels, case.scheme)
        assert np.array_equal(numbered.array, np.array([0, 26, 24, 23])[labels.array])


def test_a_file_named_after_its_vertebra(tmp_path):
    write_one_by_one(tmp_path / "s", column([1]), {1: "vertebrae_L3"})
    assert set(np.unique(read_label_map(tmp_path / "s/vertebrae_L3.nii.gz").array)) == {0, 22}


def test_folders_and_images_that_are_no_label_maps(tmp_path):
    with pytest.raises(InputError, match=r"label map .+: expected files vertebrae_L1.nii.gz and so on, got none"):
        read_label_map(tmp_path)
    write_volume(tmp_path / "a.mha", Volume(np.full((4, 4, 4), 70000, np.int32), np.eye(4)))
    with pytest.raises(InputError, match=r"label map a.mha: expected labels up to 65535, got 70000: is it an image"):
        read_label_map(tmp_path / "a.mha")
