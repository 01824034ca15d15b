"""Processes that work beside this one, deaf to Ctrl-C, and end with it even when it is killed.

What they log, and the warnings they raise, come out of the log of this one.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from logging.handlers import QueueHandler, QueueListener
from multiprocessing import connection

from .progress import log


def process_pool(count: int, start: Callable[..., object] = int, *arguments: object) -> ProcessPoolExecutor:
    """A pool whose processes all begin now, each with start(*arguments); with nothing, if there is no start."""
    pool = _LoggingPool(count, start, arguments)
    with _interrupts_held_back():
        for _ in range(count):
            pool.submit(int)
    return pool


class _LoggingPool(ProcessPoolExecutor):
    """A pool whose records of the log arrive here until it is shut down."""

    def __init__(self, count: int, start: Callable[..., object], arguments: tuple) -> None:
        context = multiprocessing.get_context("spawn")  # a fork of a process in which torch has threads may hang
        records = context.Queue()
        super().__init__(count, context, _begin, (records, log.getEffectiveLevel(), start, arguments))
        self._listener: QueueListener | None = QueueListener(records, _Arrived())
        self._listener.start()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        super().shutdown(wait, cancel_futures=cancel_futures)
        if self._listener is not None:
            self._listener.stop()
            self._listener = None


class _Arrived(logging.Handler):
    """Hands records of another process to whoever listens to this one's log."""

    def emit(self, record: logging.LogRecord) -> None:
        if log.isEnabledFor(record.levelno):
            log.handle(record)


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Ctrl-C waits until the end. Processes that begin meanwhile never hear it, even while they still import."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(records: multiprocessing.Queue, level: int, start: Callable[..., None], arguments: tuple) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, which ends the pool
    log.addHandler(QueueHandler(records))
    log.setLevel(level)
    log.propagate = False
    warnings.simplefilter("default", UserWarning)
    warnings.showwarning = _log_warning
    threading.Thread(target=_end_with_parent, daemon=True).start()
    start(*arguments)


def _log_warning(message: Warning | str, *_, **__) -> None:
    log.warning("%s", message)


def _end_with_parent() -> None:
    """Ends this process with a parent that was killed."""
    connection.wait([multiprocessing.parent_process().sentinel])
    os._exit(1)
