"""A Dask scheduler and its workers on this machine, as processes of their own."""

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]


@contextmanager
def dask_cluster(folder: Path, count: int):
    """(address, processes of the workers), as somebody would start them: `dask scheduler`, `dask worker`."""
    file = folder / "scheduler.json"
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    options = {"env": environment, "cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    dask, common = [sys.executable, "-m", "dask"], ["--scheduler-file", str(file), "--no-dashboard"]
    local = ["--host", "127.0.0.1"]
    scheduler = subprocess.Popen([*dask, "scheduler", *common, *local, "--port", "0"], **options)
    worker = [*dask, "worker", *common, *local, "--nthreads", "1", "--no-nanny", "--local-directory", str(folder)]
    workers = [subprocess.Popen(worker, **options) for _ in range(count)]
    try:
        deadline = time.monotonic() + 300
        while not file.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        yield _address(file), workers
    finally:
        for process in (*workers, scheduler):
            process.kill()
            process.wait()


def _address(file: Path) -> str:
    import json

    while True:
        try:
            return json.loads(file.read_text())["address"]
        except ValueError:  # not yet written to its end
            time.sleep(0.02)
