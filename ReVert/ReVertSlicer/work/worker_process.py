"""The child process that does the work, so that the application never blocks (see ReVertLib.service.worker)."""

import logging
import os
import shutil
import signal
import sys
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import qt
from slicer.i18n import tr as _

import ReVertLib
from ReVertLib.service.messages import Decoder, WireError, encode
from ReVertLib.startup import BLAS_THREADS

LOG_LINES = 200
LIBRARY_HOME = str(Path(ReVertLib.__file__).resolve().parent.parent)


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
        self._process = _Process([*self._command, *options], self._onMessage, self._log.append, self._onEnd)

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


class _Process:
    """A worker from its start to its end. onMessage(message), onLine(line of standard error) and, when it ends by
    itself, onEnd(one line why) are called until it is killed."""

    _ending: ClassVar[set] = set()
    """Killed processes until they have ended: Qt would block on one that is released before."""

    def __init__(self, command, onMessage, onLine, onEnd):
        self._program = command[0]
        self._onMessage, self._onLine, self._onEnd = onMessage, onLine, onEnd
        self._decoder, self._pid = Decoder(), None
        self._text, self._lastLine = b"", ""
        self._child = qt.QProcess()
        self._child.setProcessEnvironment(_environment())
        self._child.setWorkingDirectory(LIBRARY_HOME)  # or Python would prefer what lies where Slicer was started
        self._child.readyReadStandardOutput.connect(self._read)
        self._child.readyReadStandardError.connect(self._readLog)
        self._child.errorOccurred.connect(self._onError)
        self._child.finished.connect(self._onFinished)
        self._child.start(self._program, command[1:])

    def write(self, data):
        """As a QByteArray: of plain bytes, Qt's overload for a C string would take those up to the first NUL."""
        self._child.write(qt.QByteArray(data))

    def kill(self):
        """Ends it at once. The program may be a mere launcher, so the worker is ended by its own id as well; one that
        has not told it yet ends when its input does."""
        self._onEnd = None
        self._ending.add(self)
        if self._pid is not None:
            with suppress(OSError):  # it may have ended by itself
                os.kill(self._pid, getattr(signal, "SIGKILL", signal.SIGTERM))
        self._child.kill()

    @property
    def _isObserved(self):
        return self._onEnd is not None

    def _read(self):
        data = self._child.readAllStandardOutput().data()
        try:
            messages = self._decoder.feed(data) if self._isObserved else []
        except WireError as error:
            onEnd = self._onEnd
            self.kill()
            onEnd(str(error))
            return
        for message in messages:
            if message.kind == "started":
                self._pid = message.content["pid"]
            elif self._isObserved:  # what was called before may have killed it
                self._dispatch(message)

    def _dispatch(self, message):
        """A callback that fails must not stop the messages after it."""
        try:
            self._onMessage(message)
        except Exception:
            logging.exception("ReVert: a message of the reconstruction process could not be handled")

    def _readLog(self):
        *lines, self._text = (self._text + self._child.readAllStandardError().data()).split(b"\n")
        for line in lines:
            self._logLine(line)

    def _logLine(self, line):
        text = line.decode(errors="replace").rstrip()
        if text:
            self._lastLine = text
            self._onLine(text)

    def _onError(self, error):
        """Only this error is not followed by `finished`. It may come before `start` returns, so it is told later."""
        if error == qt.QProcess.FailedToStart:
            text = _("The reconstruction process could not be started ({program}): {reason}")
            reason = text.format(program=self._program, reason=self._child.errorString())
            qt.QTimer.singleShot(0, lambda: self._close(reason))

    def _onFinished(self, *_args):
        self._read()
        self._readLog()
        self._logLine(self._text)
        text = _("The reconstruction process ended with exit code {code} ({line}). Please try again.")
        self._close(text.format(code=self._child.exitCode(), line=self._lastLine or _("no message")))

    def _close(self, reason):
        onEnd, self._onEnd = self._onEnd, None
        self._ending.discard(self)
        self._child.deleteLater()
        if onEnd is not None:
            onEnd(reason)


def _environment():
    """That of the application, where the library is, and what must be said before numpy is loaded
    (`startup.compute_matrices_alone`)."""
    environment = qt.QProcessEnvironment.systemEnvironment()
    if not environment.contains(BLAS_THREADS):
        environment.insert(BLAS_THREADS, "1")
    known = os.environ.get("PYTHONPATH")
    environment.insert("PYTHONPATH", os.pathsep.join([LIBRARY_HOME, *([known] if known else [])]))
    return environment
