"""A Dask cluster that somebody else started, as workers: docs/many-machines.md says how it is started.

Dask gives the work of a worker that is lost to another one. What a worker logs and warns of comes back with its work.
"""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Future
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from . import __version__
from .errors import InputError, one_line
from .files import code_hash
from .progress import log
from .startup import use_threads

Item = TypeVar("Item")
Made = TypeVar("Made")

_ANSWERS_WITHIN_S = 10
_WORKER_WITHIN_S = 60


@dataclass(frozen=True)
class _Expected:
    """What every worker must have: ReVert, by version and code, and files under the names that they have here."""

    version: str
    code: str
    files: tuple[Path, ...]

    @property
    def missing(self) -> str | None:
        """What is not so in this process, in words."""
        if (self.version, self.code) != (__version__, code_hash()):
            return f"expected ReVert {self.version} ({self.code}), got {__version__} ({code_hash()})"
        absent = next((path for path in self.files if not path.exists()), None)
        return absent and f"expected {absent} as it is here, got none"


class _Cluster:
    """The workers of a Dask client."""

    def __init__(self, client, expected: _Expected) -> None:
        self._client, self._executor, self._expected = client, client.get_executor(pure=False), expected

    def submit(self, work: Callable[[Item], Made], item: Item) -> Future:
        return self._executor.submit(_done, self._expected, log.getEffectiveLevel(), work, item)

    def outcome(self, future: Future) -> object:
        made, lines = future.result()
        for level, line in lines:
            log.log(level, "%s", line)
        return made

    def count(self) -> int:
        return max(1, len(self._client.nthreads()))


@contextmanager
def cluster(address: str, inputs: Sequence[Path], output: Path | None) -> Iterator[_Cluster]:
    """The workers of a scheduler while this is open; the cluster stays when it ends.

    inputs: files and folders that they read, by absolute path. output: the folder that they will write into. Raises
    InputError when dask is not installed, the scheduler does not answer, or a worker has another ReVert, more than one
    thread or not these files; BrokenExecutor for work that ended several workers.
    """
    try:
        from distributed import Client, KilledWorker
    except ImportError as error:
        raise InputError("scheduler: expected dask to be installed, got none; pip install distributed") from error
    for name in ("distributed", "distributed.client", "distributed.core"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what goes wrong is said in one line
    with _mark(output) as mark:
        expected = _Expected(__version__, code_hash(), (*inputs, *mark))
        with _client(Client, address) as client:
            _check_workers(client, expected, address)
            try:
                yield _Cluster(client, expected)
            except KilledWorker as error:
                raise BrokenExecutor(one_line(error)) from error
            except CancelledError as error:
                raise InputError(f"scheduler {address}: expected to answer until the end, got no answer") from error


@contextmanager
def _mark(output: Path | None) -> Iterator[tuple[Path, ...]]:
    """A file in the folder that is written into, or in the one where it will be: who sees it sees the same folder."""
    there = output and next(path for path in (output.absolute(), *output.absolute().parents) if path.is_dir())
    with tempfile.NamedTemporaryFile(dir=there, prefix=".seen-") if there else nullcontext() as file:
        yield (Path(file.name).absolute(),) if file else ()


def _client(kind: type, address: str):
    try:
        return kind(address, timeout=_ANSWERS_WITHIN_S, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"scheduler {address}: expected one that answers, got {one_line(error)[:120]}") from error


def _check_workers(client, expected: _Expected, address: str) -> None:
    """Raises InputError unless there are workers, all of which can do the work."""
    try:
        client.wait_for_workers(1, timeout=_WORKER_WITHIN_S)
    except TimeoutError as error:
        raise InputError(f"scheduler {address}: expected a worker in {_WORKER_WITHIN_S} s, got none") from error
    for worker, answer in client.run(_missing, expected, on_error="return").items():
        if isinstance(answer, Exception):  # it could not even read the question
            raise InputError(f"worker {worker}: expected ReVert {expected.version}, got {one_line(answer)[:120]}")
        if answer:
            raise InputError(f"worker {worker}: {answer}")
    for worker, threads in client.nthreads().items():
        if threads != 1:
            raise InputError(f"worker {worker}: expected one thread, got {threads}; dask worker --nthreads 1")


@lru_cache(maxsize=1)
def _missing(expected: _Expected) -> str | None:
    return expected.missing


def _done(
    expected: _Expected, level: int, work: Callable[[Item], Made], item: Item
) -> tuple[Made, list[tuple[int, str]]]:
    """At a worker: work(item), and the lines it logged. A worker that came later than the others is asked, too."""
    if missing := _missing(expected):
        raise InputError(f"worker: {missing}")
    use_threads(1)
    lines, before = _Lines(level), log.level
    log.addHandler(lines)
    log.setLevel(level)
    try:
        with warnings.catch_warnings(record=True) as raised:
            warnings.simplefilter("default", UserWarning)
            made = work(item)
    finally:
        log.removeHandler(lines)
        log.setLevel(before)
    said = [(logging.WARNING, str(warning.message)) for warning in raised if warning.category is UserWarning]
    return made, [*lines.found, *said]


class _Lines(logging.Handler):
    """Keeps what is logged."""

    def __init__(self, level: int) -> None:
        super().__init__(level)
        self.found: list[tuple[int, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append((record.levelno, record.getMessage()))
