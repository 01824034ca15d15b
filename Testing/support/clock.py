"""Time as a test may bound it: on a machine that others use, too."""

import time
from contextlib import suppress
from pathlib import Path


def undisturbed_s() -> float:
    """Seconds on a clock of the calling thread that stands still while the thread is ready to run but other processes
    have the processor. Work and blocking waits of the thread's own count. On systems other than Linux, which do not
    tell, it is the usual clock."""
    return time.perf_counter() - _waiting_for_a_processor_s()


def _waiting_for_a_processor_s() -> float:
    with suppress(OSError, IndexError):
        return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9
    return 0.0
