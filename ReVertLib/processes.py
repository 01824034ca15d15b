"""Processes that work beside this one, deaf to Ctrl-C, and end with it even when it is killed."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import connection


def process_pool(count: int, start: Callable[..., object] = int, *arguments: object) -> ProcessPoolExecutor:
    """A pool whose processes all begin now, each with start(*arguments); with nothing, if there is no start."""
    context = multiprocessing.get_context("spawn")  # a fork of a process in which torch has threads may hang
    pool = ProcessPoolExecutor(count, context, _begin, (start, arguments))
    with _interrupts_held_back():
        for _ in range(count):
            pool.submit(int)
    return pool


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


def _begin(start: Callable[..., None], arguments: tuple) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, which ends the pool
    threading.Thread(target=_end_with_parent, daemon=True).start()
    start(*arguments)


def _end_with_parent() -> None:
    """Ends this process with a parent that was killed."""
    connection.wait([multiprocessing.parent_process().sentinel])
    os._exit(1)
