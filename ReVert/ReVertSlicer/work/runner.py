"""One piece of work at a time on the child process: what stage it is in, how long it may take, what came of it."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

import qt
from slicer.i18n import tr as _

FIRST_GUESS_S = {"start": 8.0, "reconstruct": 0.3, "find": 1.0, "film": 5.0, "compare": 4.0}
"""How long a kind of work takes, until it was seen once. Of other kinds only the share of stages done is known."""

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

    def run(self, kind, message, onDone: Callable, onFailed: Callable, onEnd: Callable = lambda: None, isShown=True):
        """Sends message; later onDone(reply) or onFailed(text), unless it is cancelled. kind: of FIRST_GUESS_S, or one
        that tells how many of its stages are done. onEnd: called before these, and also when it is cancelled. isShown:
        whether onProgress is told of it; it is of a cold start in any case."""
        self._begin(kind, onEnd, isShown)
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

    def _begin(self, kind, onEnd, isShown):
        self._kind, self._cold, self._onEnd = kind, not self.worker.isReady, onEnd
        self._isShown = isShown or self._cold
        self._done, self._total = 0, 1
        self._started = time.monotonic()
        self._stageText = _("Starting the reconstruction process") if self._cold else _("Sending the image")
        if self._isShown:
            self._timer.start()
            self._report()

    def _stage(self, stage, done, total):
        self._stageText, self._done, self._total = stage, done, total
        if self._isShown:
            self._report()

    def _expected(self):
        return self._seconds[self._kind] + (self._seconds["start"] if self._cold else 0.0)

    def _report(self):
        elapsed = time.monotonic() - self._started
        if self._kind not in self._seconds:
            left = elapsed * (self._total - self._done) / self._done if self._done else 0.0
            self._onProgress(Progress(self._stageText, self._done / max(self._total, 1), left))
            return
        share = min(elapsed / self._expected(), 0.95)
        self._onProgress(Progress(self._stageText, share, max(self._expected() - elapsed, 0.0)))

    def _end(self, callback, answer):
        elapsed = time.monotonic() - self._started
        if self._kind in self._seconds:
            self._learn(elapsed)
        logging.debug("ReVert: %s took %.3f s", self._kind, elapsed)
        self._finish()
        callback(answer)

    def _learn(self, elapsed):
        if self._cold:
            self._seconds["start"] = max(elapsed - self._seconds[self._kind], 0.5)
        else:
            self._seconds[self._kind] = max(elapsed, 0.05)

    def _finish(self):
        self._kind = None
        self._timer.stop()
        self._onEnd()
        if self._isShown:
            self._onProgress(None)
