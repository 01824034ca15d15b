"""On what machine a benchmark runs, and whether others use it meanwhile."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
import torch

WATCHED_S = 2.0
BUSY_CORES = 0.2
"""From here on others make a benchmark slower than it would be alone."""


def describe_machine(threads: int) -> str:
    """Two lines: the processor, its cores, the threads used and the versions that matter; and what others do."""
    return (
        f"{processor()}, {threads} threads, {platform.system()}, "
        f"Python {platform.python_version()}, torch {torch.__version__}\n{busyness(*used_by_others())}"
    )


def processor() -> str:
    """Its name and how many cores there are."""
    cpuinfo, name = Path("/proc/cpuinfo"), platform.processor() or platform.machine()
    if cpuinfo.exists():
        named = (
            line.split(":")[1].strip() for line in cpuinfo.read_text().splitlines() if line.startswith("model name")
        )
        name = next(named, name)
    return f"{name}, {os.cpu_count()} cores"


@dataclass(frozen=True)
class Bounds:
    """What the machine can do with the threads that are set: bytes a second copied, single precision operations a
    second in a large product of matrices."""

    bytes_per_s: float
    flops_per_s: float

    @classmethod
    def measured(cls) -> Bounds:
        source, matrix = torch.zeros(1 << 26), torch.ones(1024, 1024)
        target, product = torch.empty_like(source), torch.empty_like(matrix)
        copy_s = _shortest_s(lambda: target.copy_(source))
        product_s = _shortest_s(lambda: torch.mm(matrix, matrix, out=product))
        return cls(2 * 4 * len(source) / copy_s, 2 * 1024**3 / product_s)

    def __str__(self) -> str:
        return f"bounds here: {self.bytes_per_s / 1e9:.1f} GB/s copied, {self.flops_per_s / 1e9:.0f} GFLOP/s multiplied"


def _shortest_s(run: Callable[[], object], turns: int = 7) -> float:
    times = []
    for _ in range(turns):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def used_by_others() -> tuple[float, float]:
    """Cores in use while this process sleeps for a moment, and the load average of the last minute."""
    return psutil.cpu_percent(WATCHED_S) / 100 * psutil.cpu_count(), psutil.getloadavg()[0]


def busyness(cores: float, load: float) -> str:
    """A line for a reader of the figures."""
    used = f"others use {cores:.1f} of {psutil.cpu_count()} cores, load average {load:.1f}"
    if cores < BUSY_CORES:
        return f"idle before the run: {used}"
    return f"BUSY before the run, so every time below is too long: {used}"
