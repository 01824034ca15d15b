"""Of many items, those that cannot be used: each costs only itself, and is named at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

from .errors import InputError, one_line
from .progress import log

_NAMED_AT_MOST = 20
_LONGEST = 200

Given = TypeVar("Given")
Made = TypeVar("Made")


class Failures:
    """What went wrong with each item that could not be used, by its name."""

    def __init__(self) -> None:
        self._errors: dict[str, Exception] = {}

    @contextmanager
    def noted(self, name: str) -> Iterator[None]:
        """Keeps the error that ends the block, whatever its kind, so that the next items are done. Where it came from
        is in the log for those who debug."""
        try:
            yield
        except Exception as error:
            log.debug("%s", name, exc_info=True)
            self._errors[name] = error

    def note(self, name: str, error: Exception) -> None:
        """Keeps the error of an item."""
        self._errors[name] = error

    @property
    def reasons(self) -> dict[str, str]:
        """By name, why in one line."""
        return {name: reason_of(error) for name, error in self._errors.items()}

    def raise_if_single(self, count: int) -> None:
        """Raises the error of the only one of so many items as it came."""
        if count == 1:
            for error in self._errors.values():
                raise error


def reason_of(error: Exception) -> str:
    """Why an item could not be used, in one line: an InputError says it, of others the kind is named. Of errors of
    files it has no path."""
    if isinstance(error, InputError):
        return str(error)
    text = error.strerror if isinstance(error, OSError) and error.strerror else one_line(error)
    kind = type(error).__name__
    return kind if text == kind else f"{kind}: {text[:_LONGEST]}"


def attempted(work: Callable[[Given], Made], given: Given | InputError) -> Made | InputError:
    """work(given), or as an InputError what it, or the step that should have made what is given, ended with. For
    processes, which cannot hand back errors of every kind."""
    if isinstance(given, InputError):
        return given
    try:
        return work(given)
    except Exception as error:
        log.debug("%s", reason_of(error), exc_info=True)
        return InputError(reason_of(error))


def raise_failed(failed: Mapping[str, str], expected: str, got: object) -> None:
    """Logs a line for each of what failed (name -> reason), and raises InputError with their names; nothing if there
    is none. expected, got: what the message says besides."""
    for name, reason in failed.items():
        log.error(reason if name in reason else f"{name}: {reason}")
    if failed:
        more = len(failed) - _NAMED_AT_MOST
        names = ", ".join([*list(failed)[:_NAMED_AT_MOST], *([f"{more} more"] if more > 0 else [])])
        raise InputError(f"{expected}, got {got}; not: {names}")
