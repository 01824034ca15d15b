"""Names moved along the column by hand."""

import numpy as np
import pytest

from ReVertLib.errors import InputError
from ReVertLib.finding.found import Answer, FoundSpine, FoundVertebra, Reading, SeenView, shifted

NO = Answer(False, 0.9)


def spine(*labels, readings=()):
    """A spine of vertebrae one below the other, in which row each is told by its centre."""
    vertebrae = tuple(
        FoundVertebra(label, np.array([50.0, 30.0 * i]), (30, 30 * i - 20, 70, 30 * i + 20), np.zeros((4, 2)), 0.9)
        for i, label in enumerate(labels)
    )
    return FoundSpine(vertebrae, (Reading(labels, 0.7), *readings), frozenset(), (SeenView(0.0, 0.9),), NO, NO, NO)


def labels(found):
    return tuple(vertebra.label for vertebra in found.vertebrae)


def test_one_step_down_and_one_up():
    down = shifted(spine(19, 20, 21, readings=(Reading((20, 21, 22), 0.2), Reading((18, 19, 20), 0.1))), 1)
    assert labels(down) == (20, 21, 22)
    assert [(reading.labels, reading.probability) for reading in down.readings] == [
        ((20, 21, 22), 0.2),
        ((19, 20, 21), 0.7),
        ((18, 19, 20), 0.1),
    ]
    up = shifted(spine(20, 21), -1)
    assert labels(up) == (19, 20)  # T12 is 19, L1 is 20
    assert [reading.probability for reading in up.readings] == [0, 0.7]  # nobody thought of it


def test_what_comes_below_the_sacrum_is_left_out():
    down = shifted(spine(23, 24, 26), 1)
    assert labels(down) == (24, 26)
    assert [vertebra.centre_px[1] for vertebra in down.vertebrae] == [0, 30]
    assert labels(shifted(spine(24, 26), -1)) == (23, 24)  # what was taken for S1 is L5


def test_a_sixth_lumbar_vertebra_is_counted_from_above():
    six = spine(19, 20, 21, 22, 23, 24, 25, 26)
    assert labels(shifted(six, -1)) == (18, 19, 20, 21, 22, 23, 24, 26)
    assert labels(shifted(six, 1)) == (20, 21, 22, 23, 24, 26)
    assert shifted(six, 0) is six


def test_a_spine_moved_off_the_column_is_refused():
    with pytest.raises(InputError, match="steps: expected a shift that leaves a vertebra on the film, got 2"):
        shifted(spine(24, 26), 2)


def test_a_vertebra_by_its_name():
    assert spine(23, 24).named(24).centre_px[1] == 30
    assert spine(23, 24).named(20) is None
