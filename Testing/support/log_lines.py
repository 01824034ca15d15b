"""What the library logs, for fixtures of a module; a test has pytest's `caplog`."""

import logging
from contextlib import contextmanager

from ReVertLib.progress import log


@contextmanager
def log_lines():
    """The list of the messages that are logged meanwhile, at information and above."""
    lines, level = [], log.level
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield lines
    finally:
        log.setLevel(level)
        log.removeHandler(handler)
