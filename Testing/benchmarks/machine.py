"""On what machine a benchmark runs, and whether others use it meanwhile."""

from __future__ import annotations

import os
import platform

import psutil
import torch

WATCHED_S = 2.0
BUSY_CORES = 0.2
"""From here on others make a benchmark slower than it would be alone."""


def describe_machine(threads: int) -> str:
    """Two lines: the processor, its cores, the threads used and the versions that matter; and what others do."""
    processor = platform.processor() or platform.machine()
    return (
        f"{processor}, {os.cpu_count()} cores, {threads} threads, {platform.system()}, "
        f"Python {platform.python_version()}, torch {torch.__version__}\n{busyness(*used_by_others())}"
    )


def used_by_others() -> tuple[float, float]:
    """Cores in use while this process sleeps for a moment, and the load average of the last minute."""
    return psutil.cpu_percent(WATCHED_S) / 100 * psutil.cpu_count(), psutil.getloadavg()[0]


def busyness(cores: float, load: float) -> str:
    """A line for a reader of the figures."""
    used = f"others use {cores:.1f} of {psutil.cpu_count()} cores, load average {load:.1f}"
    if cores < BUSY_CORES:
        return f"idle before the run: {used}"
    return f"BUSY before the run, so every time below is too long: {used}"
