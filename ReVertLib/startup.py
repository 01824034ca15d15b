"""What is settled before heavy libraries are loaded: how threads wait and how many there are; and loading them faster.

`import ReVertLib` settles how threads wait, so a program that imports it before torch need not think of it.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from .errors import InputError

BLAS_THREADS = "OPENBLAS_NUM_THREADS"
MOST_THREADS = 8
"""More only wait for each other: a vertebra's network is small."""


def wait_passively() -> None:
    """Lets the threads of OpenMP sleep while they wait for each other, unless OMP_WAIT_POLICY says otherwise.

    By default they spin, and beside a busy process each of a network's hundreds of short parallel steps then waits for
    the scheduler: seconds instead of milliseconds. OpenMP reads the setting once, when torch is loaded. Where torch was
    loaded before, fewer threads than idle cores are the only remedy: `use_threads`.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def compute_matrices_alone() -> None:
    """Lets numpy and scipy compute their matrices with one thread, unless OPENBLAS_NUM_THREADS says otherwise.

    The matrices of a film are small, and OpenBLAS's threads spin while they wait for each other: beside a busy process
    a film takes three times as long. OpenBLAS reads the setting once, when numpy is loaded.
    """
    os.environ.setdefault(BLAS_THREADS, "1")


@contextmanager
def matrices_alone() -> Iterator[None]:
    """The same while this is open, in a program whose own matrices it is not for us to slow down. Nothing is changed
    without threadpoolctl, which Slicer does not bring."""
    if find_spec("threadpoolctl") is None:
        yield
        return
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, "blas"):
        yield


def threads() -> int:
    """How many threads a network computes with: as many as OMP_NUM_THREADS says, by default one for each core that this
    process may use, up to MOST_THREADS."""
    told = os.environ.get("OMP_NUM_THREADS", "")
    if told.isdecimal() and int(told):
        return int(told)
    return min(core_count(), MOST_THREADS)


def core_count() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def use_threads(count: int) -> None:
    """How many threads networks compute with, here and in processes that begin later. Raises InputError below 1."""
    if count < 1:
        raise InputError(f"threads: expected at least 1, got {count}")
    os.environ["OMP_NUM_THREADS"] = str(count)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(count)


@contextmanager
def garbage_uncollected() -> Iterator[None]:
    """No search for garbage while this is open: what imports create stays, and going through it again and again takes a
    tenth of the time to import torch."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
