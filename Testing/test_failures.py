"""What of many items cannot be used: each costs only itself, in one line."""

import logging
import pickle

import pytest

from ReVertLib.errors import InputError
from ReVertLib.failures import Failures, attempted, raise_failed, reason_of

ERRORS = {
    "InputError": (InputError("image a: expected light, got none"), "image a: expected light, got none"),
    "OSError": (OSError(5, "Input/output error", "/home/doe/jane.dcm"), "OSError: Input/output error"),
    "ValueError": (ValueError("two\n   lines"), "ValueError: two lines"),
    "MemoryError": (MemoryError(), "MemoryError"),
    "long": (RuntimeError(1000 * "x"), f"RuntimeError: {200 * 'x'}"),
}


@pytest.mark.parametrize("kind", ERRORS)
def test_a_reason_is_one_line_that_names_kind_and_no_path(kind):
    error, expected = ERRORS[kind]
    assert reason_of(error) == expected


def test_an_item_that_fails_leaves_the_others_alone(caplog):
    failures, done = Failures(), []
    for item in (1, 0, 2):
        with caplog.at_level(logging.INFO, "revert"), failures.noted(f"item {item}"):
            done.append(1 / item)
    assert done == [1.0, 0.5]
    assert failures.reasons == {"item 0": "ZeroDivisionError: division by zero"}
    assert caplog.records == []
    with caplog.at_level(logging.DEBUG, "revert"), failures.noted("item"):
        raise ValueError
    assert caplog.records[0].exc_info[0] is ValueError


def test_an_interrupt_is_no_failure():
    with pytest.raises(KeyboardInterrupt), Failures().noted("item"):
        raise KeyboardInterrupt


def test_the_only_item_fails_as_it_did():
    failures = Failures()
    with failures.noted("item"):
        raise ZeroDivisionError
    failures.raise_if_single(2)
    with pytest.raises(ZeroDivisionError):
        failures.raise_if_single(1)


class _Unpicklable(Exception):
    def __init__(self, one, other):
        super().__init__(f"{one} and {other}")


def test_what_a_process_hands_back_can_be_sent_whatever_went_wrong():
    def fail(_):
        raise _Unpicklable("this", "that")

    found = pickle.loads(pickle.dumps(attempted(fail, 1)))
    assert isinstance(found, InputError) and str(found) == "_Unpicklable: this and that"
    assert attempted(fail, found) is found  # an earlier step's
    assert attempted(abs, -3) == 3


def test_many_are_not_all_named_in_the_last_line(caplog):
    failed = {f"p{i}": f"p{i}: expected light" if i else "expected light" for i in range(25)}
    with pytest.raises(InputError) as stopped:
        raise_failed(failed, "images: expected 30", 5)
    assert str(stopped.value).startswith("images: expected 30, got 5; not: p0, p1, ")
    assert str(stopped.value).endswith(", p19, 5 more")
    assert caplog.messages[:2] == ["p0: expected light", "p1: expected light"] and len(caplog.messages) == 25
    raise_failed({}, "images: expected 30", 30)
