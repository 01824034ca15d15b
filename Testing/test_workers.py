"""Many pieces of work, by this process or by several."""

import os
import time

import pytest

from ReVertLib import progress
from ReVertLib.errors import InputError
from ReVertLib.workers import PerProcess, check_workers, results, workers_of


def process_of(number: int) -> int:
    time.sleep(0.02)
    if number == 7:
        raise InputError("number: expected another, got 7")
    return os.getpid()


def test_every_piece_is_done_once_by_processes_and_few_wait():
    asked = []
    with workers_of(2, None, []) as found:
        done = dict(results(found, process_of, (asked.append(n) or n for n in range(6))))
        begun = results(found, process_of, (asked.append(n) or n for n in range(100, 200)))
        next(begun)
        begun.close()
        with pytest.raises(InputError, match="got 7"):
            list(results(found, process_of, range(20)))
    assert sorted(done) == [*range(6)] and os.getpid() not in done.values()
    assert len(set(done.values())) == 2
    assert asked == [*range(6), *range(100, 104)]


def test_without_others_this_process_works_piece_by_piece():
    with workers_of(1, None, []) as found:
        assert dict(results(found, process_of, range(2))) == {0: os.getpid(), 1: os.getpid()}
    for bad in (0, -1):
        with pytest.raises(InputError, match=f"workers: expected 1 or more, got {bad}"):
            check_workers(bad, None)


def test_what_all_pieces_need_is_read_once_for_each_run():
    read = []
    for _ in range(2):
        needed = PerProcess.of(lambda a, b: read.append(a + b) or len(read), 2, 3)
        assert needed() == needed() == len(read)
    assert read == [5, 5]


def test_a_process_that_works_beside_another_draws_no_bar(monkeypatch):
    monkeypatch.setattr(progress.sys.stderr, "isatty", lambda: True, raising=False)
    progress.log.setLevel("INFO")
    try:
        assert progress.is_shown()
        monkeypatch.setattr(progress.multiprocessing, "parent_process", object)
        assert not progress.is_shown()
    finally:
        progress.log.setLevel("NOTSET")


def test_what_is_not_there_is_told_of_before_any_process_begins(tmp_path):
    read = []
    PerProcess.of(read.append, tmp_path)
    assert read == []
    PerProcess.of(read.append, tmp_path / "gone")
    assert read == [tmp_path / "gone"]
