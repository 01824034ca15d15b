"""What the library logs, for fixtures that outlive a test (`caplog` does not)."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from ReVertLib.progress import log


class _Collected(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self.lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@contextmanager
def logged() -> Iterator[list[str]]:
    """The lines that are logged while it is open, information included."""
    lines: list[str] = []
    handler, level = _Collected(lines), log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield lines
    finally:
        log.removeHandler(handler)
        log.setLevel(level)
