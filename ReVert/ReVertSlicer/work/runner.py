"""One piece of work at a time on the child process: what stage it is in, how long it may take, what came of it."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

import qt
from slicer.i18n import tr as _

FIRST_GUESS_S = {"start": 8.0, "reconstruct": 0.3, "compare": 4.0}
"""How long a kind of work takes, until it was seen once."""

TICK_MS = 100


@dataclass(frozen=True)
class Progress:
    """stage: what is being done. share: 0..1 of the time it will take. secondsLeft: the rest of that time."""

    stage: str
    share: float
    secondsLeft: float

    @property
    def text(self):
        if self.secondsLeft < 1:
            return self.stage
        return _("{stage}, about {seconds:.0f} s left").format(stage=self.stage, seconds=self.secondsLeft)


class Runner:
    """worker: see process.Worker. onProgress: is called with a Progress, or None when the work has ended."""

    def __init__(self, worker, onProgress):
        self.worker = worker
        self._onProgress = onProgress
        self._seconds = dict(FIRST_GUESS_S)
        self._kind = None
        self._timer = qt.QTimer()
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._report)

    @property
    def isRunning(self):
        return self._kind is not None

    def run(self, kind, message, onDone: Callable, onFailed: Callable):
        """Sends message; later onDone(reply) or onFailed(text), unless it is cancelled. kind: of FIRST_GUESS_S."""
        self._begin(kind)
        self.worker.submit(
            message,
            onStage=self._stage,
            onDone=lambda reply: self._end(onDone, reply),
            onFailed=lambda failure: self._end(onFailed, failure),
        )

    def cancel(self):
        """Stops the work and the process with it; no callback follows."""
        if self.isRunning:
            self.worker.cancel()
            self._finish()

    def _begin(self, kind):
        self._kind, self._cold = kind, not self.worker.isReady
        self._started = time.monotonic()
        self._stageText = _("Starting the reconstruction process") if self._cold else _("Sending the image")
        self._timer.start()
        self._report()

    def _stage(self, stage, _done, _total):
        self._stageText = stage
        self._report()

    def _expected(self):
        return self._seconds[self._kind] + (self._seconds["start"] if self._cold else 0.0)

    def _report(self):
        elapsed = time.monotonic() - self._started
        share = min(elapsed / self._expected(), 0.95)
        self._onProgress(Progress(self._stageText, share, max(self._expected() - elapsed, 0.0)))

    def _end(self, callback, answer):
        elapsed = time.monotonic() - self._started
        if self._cold:
            self._seconds["start"] = max(elapsed - self._seconds[self._kind], 0.5)
        else:
            self._seconds[self._kind] = max(elapsed, 0.05)
        logging.debug("ReVert: %s took %.3f s", self._kind, elapsed)
        self._finish()
        callback(answer)

    def _finish(self):
        self._kind = None
        self._timer.stop()
        self._onProgress(None)
