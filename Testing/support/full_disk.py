"""A disk that has no room left, for a test: no file may grow beyond some bytes."""

import resource
import signal
from contextlib import contextmanager


@contextmanager
def full_disk(room):
    """Files may have `room` bytes meanwhile; what is more is not written, and whoever looks at the result of a write is
    told."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
