"""The panel's last part: every radiograph of a folder, without the scene."""

import shutil
import time
from pathlib import Path

import qt
from slicer.i18n import tr as _

from ReVertSlicer.work import jobs

from .section import Section, allow, guarded, say

_TRIES, _WAIT_S = 10, 0.02


class ManySection(Section):
    """Runs a jobs.FolderJob in the child process. The scene keeps no folders: their names may be a patient's."""

    def __init__(self, panel):
        super().__init__(panel)
        self._isOurs = False
        self.ui.manyInputButton.clicked.connect(lambda *_args: self._choose(self.ui.manyInputEdit))
        self.ui.manyOutputButton.clicked.connect(lambda *_args: self._choose(self.ui.manyOutputEdit))
        for edit in (self.ui.manyInputEdit, self.ui.manyOutputEdit):
            edit.textChanged.connect(lambda *_args: self.state is not None and self.refresh())
        self.ui.manyButton.clicked.connect(self.onRun)

    def _choose(self, edit):
        folder = qt.QFileDialog.getExistingDirectory(self.panel.parent, _("Folder"), edit.text)
        if folder:
            edit.setText(folder)

    def onRun(self, *_args):
        """Reconstruct the folder, or Cancel while that runs."""
        if self.panel.runner.isRunning:
            self.panel.cancel()
            return
        job = guarded(jobs.folderJob, self.ui.manyInputEdit.text, self.ui.manyOutputEdit.text)
        if job is not None and self.panel.ready():
            say(self.ui.manyResultLabel, [])
            self._isOurs = True
            self.panel.submit(job, self._show, lambda: self._end(job))

    def _end(self, job):
        """However it ended: what was being written goes, what was finished stays."""
        self._isOurs = False
        for _try in range(_TRIES):
            shutil.rmtree(job.unfinished, ignore_errors=True)
            if not Path(job.unfinished).exists():
                return
            time.sleep(_WAIT_S)  # the process that was ended may still hold a file

    def _show(self, found):
        """Names are shown, but kept nowhere."""
        failed = found["failed"]
        total = found["done"] + len(failed)
        lines = [_("{done} of {total} radiographs reconstructed.").format(done=found["done"], total=total)]
        lines += [reason if name in reason else f"{name}: {reason}" for name, reason in failed.items()]
        say(self.ui.manyResultLabel, lines)
        self.panel.showText(lines[0])

    def refresh(self):
        ours, running = self._isOurs, self.panel.runner.isRunning
        self.ui.manyButton.setText(_("Cancel") if ours else _("Reconstruct all"))
        busy = _("Wait until the work that is running has ended.") if running and not ours else ""
        chosen = self.ui.manyInputEdit.text.strip() and self.ui.manyOutputEdit.text.strip()
        allow(self.ui.manyButton, busy or ("" if chosen else _("Choose both folders first.")))
