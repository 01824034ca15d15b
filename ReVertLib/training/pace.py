"""How fast a training goes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Pace:
    """Samples a second, and the share of the time in which a step waits until its samples are there."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """From here on."""
        self._began, self._waited_s, self._samples = time.monotonic(), 0.0, 0

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Meanwhile samples are waited for."""
        began = time.monotonic()
        yield
        self._waited_s += time.monotonic() - began

    def stepped(self, samples: int) -> None:
        """So many samples more were learned from."""
        self._samples += samples

    def __str__(self) -> str:
        passed_s = max(time.monotonic() - self._began, 1e-9)
        return f"{self._samples / passed_s:.0f} samples/s, {self._waited_s / passed_s:.0%} of the time waiting for them"
