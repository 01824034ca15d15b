"""Who does many pieces of work: this process, processes beside it, or a Dask cluster that somebody else started.

Pieces are handed out a few at a time and taken back as they are done, so that neither those that wait nor what was made
of them fills the memory.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path
from typing import Protocol, TypeVar

from .errors import InputError
from .files import check_folder
from .processes import process_pool
from .progress import progress
from .startup import core_count, use_threads

Item = TypeVar("Item")
Made = TypeVar("Made")

_UNDER_WAY = 2
"""Pieces for each process that are handed out: the one it works on and the next one."""


class Workers(Protocol):
    """Who can be given work. The function and the item must go into another process, the result back."""

    def submit(self, work: Callable[[Item], Made], item: Item) -> Future:
        """Hands out a piece."""

    def outcome(self, future: Future) -> object:
        """What was made of a piece that is done. Raises what ended it."""

    def count(self) -> int:
        """How many work at once, by now."""


class _Processes:
    """Processes of this machine, each of which computes with one thread."""

    def __init__(self, pool, count: int) -> None:
        self._pool, self._count = pool, count

    def submit(self, work: Callable[[Item], Made], item: Item) -> Future:
        return self._pool.submit(work, item)

    def outcome(self, future: Future) -> object:
        return future.result()

    def count(self) -> int:
        return self._count


@contextmanager
def workers_of(
    count: int | None, scheduler: str | None, inputs: Iterable[Path], output: Path | None = None
) -> Iterator[Workers | None]:
    """Those who work while this is open; None for this process alone.

    count: processes here; None: one for each core. scheduler: the address of a Dask cluster that works instead.
    inputs: what its workers read; output: the folder that they will write into. Raises InputError for a cluster that
    cannot be used, before any work; `check_workers` tells of the rest.
    """
    if scheduler is not None:
        from .cluster import cluster

        with cluster(scheduler, [Path(os.path.abspath(path)) for path in inputs], output) as found:
            yield found
    elif count == 1:
        yield None
    else:
        count = count or core_count()
        with process_pool(count, use_threads, 1) as pool:
            yield _Processes(pool, count)


def check_workers(count: int | None, scheduler: str | None) -> None:
    """Raises InputError for what `workers_of` cannot mean."""
    if count is not None and count < 1:
        raise InputError(f"workers: expected 1 or more, got {count}")
    if count is not None and scheduler is not None:
        raise InputError(f"workers: expected none beside a scheduler, which has its own, got {count}")


def results(
    workers: Workers | None, work: Callable[[Item], Made], items: Iterable[Item]
) -> Iterator[tuple[Item, Made]]:
    """Every item with work(item), as they are done. Closing the iterator calls off what has not been begun."""
    if workers is None:
        yield from ((item, work(item)) for item in items)
        return
    items, under_way = iter(items), {}
    try:
        while True:
            for item in islice(items, max(0, _UNDER_WAY * workers.count() - len(under_way))):
                under_way[workers.submit(work, item)] = item
            if not under_way:
                return
            for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                yield under_way.pop(future), workers.outcome(future)
    finally:
        for future in under_way:
            future.cancel()


def work_off(
    numbers: Sequence[int],
    work: Callable[[PerProcess, Path, int], object],
    what: str,
    load: Callable,
    paths: Sequence[Path | None],
    rest: tuple,
    out: Path,
    workers: int | None,
    scheduler: str | None,
) -> None:
    """Calls work(sources, out, number) with every number, by those whom `workers_of` finds. what: the word before the
    bar. sources: load(*paths, *rest), read once by each process that works. out: the folder that is written into.
    Raises InputError as `check_workers`, `check_folder` and load do, before any work."""
    check_workers(workers, scheduler)
    check_folder(out)
    read, out = [path and Path(path).absolute() for path in paths], Path(out).absolute()
    piece = partial(work, PerProcess.of(load, *read, *rest), out)
    with (
        workers_of(workers, scheduler, filter(None, read), out) as those_who_work,
        closing(results(those_who_work, piece, numbers)) as done,
    ):
        for _ in progress(done, what, len(numbers)):
            pass


@dataclass(frozen=True)
class PerProcess:
    """What all pieces of one run need and each process reads for itself, once: load(*arguments), both of which can go
    into another process. run: tells the runs apart that a process works for."""

    load: Callable
    arguments: tuple
    run: str

    @classmethod
    def of(cls, load: Callable, *arguments: object) -> PerProcess:
        """For a run that begins. A path that leads nowhere is told of by load, here and before any process begins."""
        run = cls(load, arguments, uuid.uuid4().hex)
        if not all(path.exists() for path in arguments if isinstance(path, Path)):
            run()
        return run

    def __call__(self) -> object:
        """What was read in this process."""
        return _read(self)


@lru_cache(maxsize=2)
def _read(asked: PerProcess) -> object:
    return asked.load(*asked.arguments)
