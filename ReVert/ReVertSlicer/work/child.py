"""One run of the child process: what is written to it and read from it, and its end."""

import logging
import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

import qt
from slicer.i18n import tr as _

import ReVertLib
from ReVertLib.service.messages import Decoder, WireError
from ReVertLib.startup import BLAS_THREADS

LIBRARY_HOME = str(Path(ReVertLib.__file__).resolve().parent.parent)
HAND_OVER_S = 0.02
"""The application waits at most so long for the process to take a request."""


class Child:
    """A worker from its start to its end. onMessage(message), onLine(line of standard error) and, when it ends by
    itself, onEnd(one line why) are called until it is killed."""

    _ending: ClassVar[set] = set()
    """Killed processes until they have ended: Qt would block on one that is released before."""

    def __init__(self, command, onMessage, onLine, onEnd):
        self._program = command[0]
        self._onMessage, self._onLine, self._onEnd = onMessage, onLine, onEnd
        self._decoder, self._pid = Decoder(), None
        self._text, self._lastLine = b"", ""
        self._isHandingOver = False
        self._child = qt.QProcess()
        self._child.setProcessEnvironment(environment())
        self._child.setWorkingDirectory(LIBRARY_HOME)  # or Python would prefer what lies where Slicer was started
        self._child.readyReadStandardOutput.connect(self._read)
        self._child.readyReadStandardError.connect(self._readLog)
        self._child.errorOccurred.connect(self._onError)
        self._child.finished.connect(self._onFinished)
        self._child.start(self._program, command[1:])

    def write(self, data):
        """As a QByteArray: of plain bytes, Qt's overload for a C string would take those up to the first NUL.

        A process that reads takes them now, else it would have to wait for the event loop, which comes only after the
        last answer is drawn. The rest, if any, and what the process says meanwhile, are left to that."""
        self._child.write(qt.QByteArray(data))
        until = time.monotonic() + HAND_OVER_S
        self._isHandingOver = self._pid is not None
        while self._isHandingOver:
            left_ms = int(1000 * (until - time.monotonic()))
            self._isHandingOver = (
                left_ms > 0 and self._child.bytesToWrite() and self._child.waitForBytesWritten(left_ms)
            )

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
        if self._isHandingOver:
            qt.QTimer.singleShot(0, self._read)
            return
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
        if self._isHandingOver:
            qt.QTimer.singleShot(0, self._onFinished)
            return
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


def environment():
    """That of the application, where the library is, and what must be said before numpy is loaded
    (`startup.compute_matrices_alone`)."""
    environment = qt.QProcessEnvironment.systemEnvironment()
    if not environment.contains(BLAS_THREADS):
        environment.insert(BLAS_THREADS, "1")
    known = os.environ.get("PYTHONPATH")
    environment.insert("PYTHONPATH", os.pathsep.join([LIBRARY_HOME, *([known] if known else [])]))
    return environment
