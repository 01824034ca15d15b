"""What of the library's log and warnings the command line shows, and where.

Information goes to standard output, a line each, as the library logs it. Warnings go to standard error behind
"revert: warning:", whether they were logged or raised by `warnings.warn`.
"""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

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
        text, stream = self.format(record), sys.stdout
        if record.levelno >= logging.WARNING:
            text, stream = f"revert: {record.levelname.lower()}: {text}", sys.stderr
        if "tqdm" in sys.modules:
            from tqdm import tqdm

            tqdm.write(text, file=stream)
            stream.flush()
        else:
            print(text, file=stream, flush=True)
