"""The work done in this process, behind the face of the module's child process: quick, and as slow as a test wants."""

import qt

from ReVertLib.errors import InputError
from ReVertLib.service.service import Service


class NearWorker:
    """Answers after delay_ms on Qt's event loop. started: every (weights, device) it was started with."""

    def __init__(self, predictor, delay_ms=1, finder=None):
        self._service, self.delay_ms = Service(predictor=predictor, finder=finder), delay_ms
        self.started, self.about, self.log, self._request = [], None, [], None
        self.stopped = 0

    @property
    def isReady(self):
        return self.about is not None

    @property
    def isBusy(self):
        return self._request is not None

    def start(self, weights=None, device="auto"):
        self.started.append((weights, device))
        self.about = self._service.about

    def submit(self, message, onStage, onDone, onFailed):
        request = self._request = (message, onStage, onDone, onFailed)
        onStage("Working", 0, 1)
        qt.QTimer.singleShot(self.delay_ms, lambda: self._answer(request))

    def _answer(self, request):
        if request is not self._request:
            return
        message, _onStage, onDone, onFailed = request
        try:
            answer = self._service.answer(message.kind, message.content)
        except Exception as error:
            self.log.append(repr(error))
            self._request = None
            onFailed(str(error) if isinstance(error, InputError) else f"failed: {error}")
            return
        self._request = None
        onDone(answer)

    def cancel(self):
        self.stop()

    def stop(self):
        self._request = self.about = None
        self.stopped += 1
