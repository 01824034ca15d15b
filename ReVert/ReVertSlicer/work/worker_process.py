"""The child process that does the work, so that the application never blocks (see ReVertLib.service.worker)."""

import shutil
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from ReVertLib.service.messages import encode

from .child import Child

LOG_LINES = 200


def workerCommand():
    """Program and arguments that run the worker: in Slicer by its own Python, which has what is installed there."""
    beside = shutil.which("PythonSlicer", path=str(Path(sys.executable).parent))
    return [shutil.which("PythonSlicer") or beside or sys.executable, "-m", "ReVertLib.service.worker"]


@dataclass(frozen=True)
class _Request:
    """The callbacks of a request."""

    onStage: Callable[[str, int, int], Any]
    onDone: Callable[[Any], Any]
    onFailed: Callable[[str], Any]


class Worker:
    """One process, begun by `start`, that answers one request at a time, given by `submit`, and stays warm in between.

    command: program and arguments, `workerCommand` if None. onChange: called whenever `isReady` has changed.
    Nothing here blocks: the callbacks are called from Qt's event loop.
    """

    def __init__(self, command=None, onChange=lambda: None):
        self._command = command or workerCommand()
        self._onChange = onChange
        self._options = self._process = self._request = self._about = self._startError = None
        self._log = deque(maxlen=LOG_LINES)

    @property
    def isRunning(self):
        """Whether there is a process, ready or still loading."""
        return self._process is not None

    @property
    def isReady(self):
        """Whether the weights are loaded and warm."""
        return self._about is not None

    @property
    def isBusy(self):
        """Whether a request waits for its answer."""
        return self._request is not None

    @property
    def about(self):
        """Weights, device and versions, a ReVertLib About; None unless it is ready."""
        return self._about

    @property
    def log(self):
        """The last lines that the process wrote, and those of every error with its traceback."""
        return list(self._log)

    def start(self, weights=None, device="auto"):
        """Begins a process, unless one runs with the same choice. weights: path of a file, None for the shipped ones.
        Another choice ends the process that runs, and its request as `cancel` does."""
        choice = (str(Path(weights).resolve()) if weights else None, device)
        if self.isRunning and self._options == choice:
            return
        self.stop()
        self._options, self._startError = choice, None
        options = [*(["--weights", choice[0]] if weights else []), "--device", device]
        self._process = Child([*self._command, *options], self._onMessage, self._log.append, self._onEnd)

    def submit(self, message, onStage, onDone, onFailed):
        """Sends a ReVertLib Message; it may be sent before the process is ready, and begins one if it has died.

        What is called back: onStage(text, done, total) any number of times, then once either onDone(what
        `Service.answer` returns) or onFailed(one line). Nothing once it is cancelled. Raises RuntimeError before any
        `start` and while a request is not answered.
        """
        if self._options is None or self.isBusy:
            raise RuntimeError("worker: expected to be started and idle when it is given work")
        data = encode(message)
        self.start(*self._options)
        self._request = _Request(onStage, onDone, onFailed)
        self._process.write(data)

    def cancel(self):
        """Forgets the request and ends the process, which may be in the middle of a computation, at once."""
        self.stop()

    def stop(self):
        """Ends the process, if there is one, at once; `start` begins another."""
        process, wasReady = self._process, self.isReady
        self._process = self._request = self._about = None
        if process is not None:
            process.kill()
        if wasReady:
            self._onChange()

    def _onMessage(self, message):
        content = message.content
        if message.kind == "ready":
            self._about = content["about"]
            self._onChange()
        elif message.kind == "stage" and self.isBusy:
            self._request.onStage(content["stage"], content["done"], content["total"])
        elif message.kind == "done":
            self._forgetRequest().onDone(content["answer"])
        elif message.kind == "failed":
            self._onFailure(**content)

    def _onFailure(self, kind, reason, traceback):
        self._log.extend(traceback.splitlines() or [reason])
        text = reason if kind == "input" else _("Unexpected error: {reason}").format(reason=reason)
        if not self.isReady:
            self._startError = text  # it could not be loaded, and ends
        if self.isBusy:
            self._forgetRequest().onFailed(text)

    def _onEnd(self, reason):
        """The process has ended without having been stopped."""
        request, wasReady = self._request, self.isReady
        self._process = self._request = self._about = None
        self._log.append(reason)
        if request is not None:
            request.onFailed(self._startError or reason)
        if wasReady:
            self._onChange()

    def _forgetRequest(self):
        request, self._request = self._request, None
        return request
