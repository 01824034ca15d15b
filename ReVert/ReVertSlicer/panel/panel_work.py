"""The panel's part in the work that a child process does: begin it, cancel it, and show how far it is."""

import logging
from pathlib import Path

import slicer
from slicer.i18n import tr as _

from ReVertLib.errors import one_line
from ReVertSlicer.input.panel_words import inPanelWords
from ReVertSlicer.work import packages

from .section import showError

PROGRESS_STEPS = 1000


class PanelWork:
    """A part of `panel.Panel`, whose ui, state, worker, runner and sections it uses."""

    _startedWeights = None

    def ready(self, forCt=False):
        """Whether work can begin: what is missing is installed if the user agrees, and the process started. forCt:
        whether a CT is to be laid into the beam, which needs more."""
        if packages.missing(forCt) and not packages.install(self.showTextAtOnce, forCt):
            return False
        self._startWorker()
        return True

    def _startWorker(self):
        """With the weights and the device that are chosen; nothing if it runs with these."""
        self._startedWeights = self.state.weights
        self.worker.start(self.state.weights or None, self.state.device)

    def followChoice(self):
        """Loads other weights once they are chosen while others are loaded, so that results of those are known to be
        out of date. A path that is being typed waits until there is such a file."""
        weights = self.state.weights
        chosen = not weights or Path(weights).is_file()
        if chosen and self.worker.isReady and not self.runner.isRunning and weights != self._startedWeights:
            self._startWorker()

    def submit(self, job, onDone, onEnd=lambda: None, often=False):
        """Sends a job of jobs.py or film_jobs.py to the process; onDone(what came of it) unless it fails or is
        cancelled. onEnd: is called first, however it ends. often: whether another follows at once, so that the widgets
        need not follow each, and progress is not shown."""

        def finish(answer):
            try:
                onDone(answer)
            except Exception as error:  # called from Qt, so nothing else would show it
                logging.exception("ReVert: what came back could not be shown")
                self.fail(_("The result could not be shown: {reason}").format(reason=one_line(error)))
            self._refreshAfter(often)

        message = job.message
        self.runner.run(message.kind, message, finish, self.fail, onEnd, isShown=not often)
        self._refreshAfter(often)

    def _refreshAfter(self, often):
        """`refreshSections`; where work follows work, as often as one can read."""
        if not (often and self.runner.isRunning):
            self.refreshSections()
        elif not self._refreshSeldom.isActive():
            self._refreshSeldom.start()

    def cancel(self):
        self.runner.cancel()
        self._startWorker()  # so that the next click is quick again
        self.showText(_("Cancelled; nothing in the scene was changed."))
        self.refreshSections()

    def fail(self, text):
        """What went wrong, in one line; the log below has the rest."""
        self._reconstruct.stopLive()
        logging.error("ReVert: %s", text)
        self.showText(inPanelWords(text))
        self._showLog()
        showError(text)
        self.refreshSections()

    def showText(self, text):
        self.ui.stageLabel.setText(text)
        self.ui.stageLabel.setVisible(bool(text))

    def showTextAtOnce(self, text):
        """Before work that blocks the application, which would not paint the text otherwise."""
        self.showText(text)
        slicer.app.processEvents()

    def onProgress(self, progress):
        """Shows a runner.Progress; None: nothing runs any more."""
        self.ui.progressBar.setValue(round(PROGRESS_STEPS * progress.share) if progress else 0)
        self.ui.progressBar.setVisible(progress is not None)
        self.showText(progress.text if progress else "")
        self._showLog()

    def _showLog(self):
        self.ui.logText.setPlainText("\n".join(self.worker.log))
