"""Pools of processes: quiet while they work, gone when their parent is."""

import os
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import psutil

from ReVertLib import processes
from ReVertLib.processes import process_pool
from ReVertLib.progress import log

SCRIPT = """
import os, sys, time
from ReVertLib.processes import process_pool
if __name__ == "__main__":
    pool = process_pool(1, int)
    print(pool.submit(os.getpid).result(), flush=True)
    time.sleep(60)
"""


def test_each_begins_as_told_and_deaf_to_ctrl_c(tmp_path):
    here = os.getcwd()
    with process_pool(1, os.chdir, tmp_path) as pool:
        assert Path(pool.submit(os.getcwd).result()) == tmp_path
        assert pool.submit(signal.getsignal, signal.SIGINT).result() == signal.SIG_IGN
        assert pool.submit(os.getpid).result() != os.getpid()
        held_back = pool.submit(signal.pthread_sigmask, signal.SIG_BLOCK, ()).result()
        assert signal.SIGINT in held_back  # from the first moment, while it still imports
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
    assert os.getcwd() == here


def test_they_end_with_a_parent_that_is_killed(tmp_path):
    (tmp_path / "run.py").write_text(SCRIPT)
    environment = os.environ | {"PYTHONPATH": str(Path(processes.__file__).parents[1])}
    command = [sys.executable, str(tmp_path / "run.py")]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as parent:
        child = psutil.Process(int(parent.stdout.readline()))
        assert child.is_running()
        parent.kill()
        deadline = time.monotonic() + 300
        while child.is_running() and child.status() != psutil.STATUS_ZOMBIE and time.monotonic() < deadline:
            time.sleep(0.02)
        assert time.monotonic() < deadline


def told() -> int:
    """What a worker says of its work."""
    log.info("read %s", "a.png")
    log.debug("more")
    warnings.warn("two frames?", stacklevel=1)
    return os.getpid()


def test_what_they_log_and_warn_of_arrives_here(caplog):
    with caplog.at_level("INFO", "revert"), process_pool(1) as pool:
        number = pool.submit(told).result()
        pool.shutdown()
        records = [(r.name, r.levelname, r.getMessage(), r.process) for r in caplog.records]
    assert records == [("revert", "INFO", "read a.png", number), ("revert", "WARNING", "two frames?", number)]


def test_a_quiet_parent_hears_warnings_only(caplog):
    with caplog.at_level("WARNING", "revert"), process_pool(1) as pool:
        pool.submit(told).result()
    assert caplog.messages == ["two frames?"]
