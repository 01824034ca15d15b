"""What of the library's log and warnings the command line shows, and where.

Information goes to standard output, a line each, as the library logs it. Warnings go to standard error behind
"revert: warning:", whether they were logged or raised by `warnings.warn`.
"""

from __future__ import annotations

import ctypes
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import TextIO

from ReVertLib.progress import log


@contextmanager
def shown_output(quiet: bool) -> Iterator[None]:
    """Shows log and warnings while it is open; only warnings when quiet."""
    handler, level = _Lines(), log.level
    log.setLevel(logging.WARNING if quiet else logging.INFO)
    log.addHandler(handler)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("default", UserWarning)
            warnings.showwarning = _log_warning
            yield
    finally:
        log.removeHandler(handler)
        log.setLevel(level)


def _log_warning(message: Warning | str, *_, **__) -> None:
    log.warning("%s", message)


class _Lines(logging.Handler):
    """Prints records as lines, above a progress bar where there is one."""

    def emit(self, record: logging.LogRecord) -> None:
        text, stream = self.format(record), "stdout"
        if record.levelno >= logging.WARNING:
            text, stream = f"revert: {record.levelname.lower()}: {text}", "stderr"
        print_line(text, stream)


def print_line(text: str, stream: str) -> None:
    """Prints a line on "stdout" or "stderr", above a progress bar where there is one. What a stream cannot show is
    escaped; one that takes no more (a closed pipe, a full disk) is left alone from then on, and work goes on."""
    file = getattr(sys, stream)
    if file is None:  # a program without a console
        return
    try:
        if "tqdm" in sys.modules:
            from tqdm import tqdm

            tqdm.write(text, file=file)
            file.flush()
        else:
            print(text, file=file, flush=True)
    except OSError:
        _silence(stream)


def _silence(stream: str) -> None:
    """Sends what is and will be written to a stream nowhere, so that nothing fails when the process ends either."""
    with open(os.devnull, "w") as nowhere, suppress(OSError, ValueError):
        os.dup2(nowhere.fileno(), getattr(sys, stream).fileno())


@contextmanager
def own_streams() -> Iterator[None]:
    """Keeps standard output and error for what the command prints: what libraries in C++ write there goes nowhere."""
    before, originals = (sys.stdout, sys.stderr), [_duplicate(number) for number in (1, 2)]
    with ExitStack() as privates:
        for number, name, original in zip((1, 2), ("stdout", "stderr"), originals, strict=True):
            stream = getattr(sys, name)
            if _descriptor(stream) == number:
                stream.flush()
                setattr(sys, name, privates.enter_context(_private(original, stream.encoding)))
            with open(os.devnull, "w") as nowhere:
                os.dup2(nowhere.fileno(), number)
        try:
            yield
        finally:
            for name, stream in zip(("stdout", "stderr"), before, strict=True):
                _flush(name)
                setattr(sys, name, stream)
            _forget_what_waits()
            for number, original in zip((1, 2), originals, strict=True):
                if original is not None:
                    os.dup2(original, number)
                    os.close(original)


def _duplicate(descriptor: int) -> int | None:
    """Another descriptor of the same file; None of one that is closed."""
    try:
        return os.dup(descriptor)
    except OSError:
        return None


def _private(descriptor: int, encoding: str) -> TextIO:
    return open(os.dup(descriptor), "w", encoding=encoding, errors="backslashreplace", buffering=1)


def _descriptor(stream: object) -> int | None:
    try:
        return stream.fileno()
    except (AttributeError, OSError, ValueError):
        return None


def _flush(stream: str) -> None:
    try:
        getattr(sys, stream).flush()
    except AttributeError:
        return
    except (OSError, ValueError):
        _silence(stream)


def _forget_what_waits() -> None:
    """Lets what libraries in C hold back for standard output go where it has been sent."""
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).fflush(None)
