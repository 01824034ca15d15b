"""The panel's main button: reconstruct, cancel, follow live; and the device and weights in use."""

import qt
from slicer.i18n import tr as _

from ReVertLib.errors import InputError
from ReVertLib.inference.results import Refusal
from ReVertSlicer.input import geometry_text
from ReVertSlicer.input.panel_words import inPanelWords
from ReVertSlicer.scene import hierarchy, layout, reconstruction_nodes, result_state
from ReVertSlicer.scene.parameters import ARRAYS, BONE, DISTANCE
from ReVertSlicer.work import film_jobs, jobs, likely_views
from ReVertSlicer.work.live_follower import LiveFollower

from .section import Section, allow, chosenPath, guarded, showError, silently

BADGES = {"trust": "#1b7a3a", "check": "#9a5b00", "do not use": "#b00020", result_state.OUT_OF_DATE: "#5f6368"}
"""Background by verdict; white text is legible on each, in a light and in a dark theme."""
UNKNOWN_BADGE = "#5f6368"


class ReconstructSection(Section):
    """Runs the work in the child process; the scene changes only when an answer has come."""

    def __init__(self, panel):
        super().__init__(panel)
        self._follower = None
        self.ui.reconstructButton.clicked.connect(self.onReconstruct)
        self.ui.liveCheckBox.toggled.connect(self.onLive)
        self.ui.browseWeightsButton.clicked.connect(self.onBrowse)

    def onReconstruct(self, *_args):
        """Reconstruct, or Cancel while something runs."""
        if self.panel.runner.isRunning:
            self.panel.cancel()
        elif self._isComplete() and self.panel.ready():
            job = guarded(film_jobs.radiographJob, self.state.radiograph, self.state.sliceIndex, self.state.level)
            if job is not None:
                self.panel.submit(job, lambda answer: self._show(job, answer))

    def _isComplete(self):
        """Whether every length is known; else they are asked for. Of a film a scale is found without."""
        missing = [] if self.panel.film else geometry_text.missingLengths(self.panel.check)
        if missing:
            self.ui.geometrySection.collapsed = False
            showError("\n".join([*missing, _("Enter it under Geometry, or give the image a sidecar.")]))
        return not missing

    def selectResultOf(self, node):
        """No result of another radiograph stands beside this one; a surface of the user's own stays."""
        model = self.state.model
        owner = model.GetNodeReferenceID(hierarchy.RADIOGRAPH) if model is not None else None
        if model is None or (owner and owner != node.GetID()):
            self.state.model = next(iter(hierarchy.parts(node, "surface")), None)
            self.ui.resultLabel.setText("")

    def _isStillSelected(self, job):
        """Whether the panel shows the radiograph and slice that a job came from; one that was deleted counts."""
        node = self.parameters.radiograph
        return node is None or (node.GetID(), self.parameters.sliceIndex) == (job.radiographId, job.sliceIndex)

    def _show(self, job, answer):
        outcomes = job.outcomes(answer)
        if not self._isStillSelected(job):
            self.panel.showText(_("Another radiograph or slice was selected meanwhile; the result is not shown."))
            return
        models = guarded(jobs.showReconstructions, job, outcomes, self.panel.worker.about)
        refused = jobs.refusals(outcomes)
        if refused:
            showError(refused)
        if models:
            self.panel.views.offer(likely_views.likelyViews(job, answer, self.panel.worker.about))
            self.panel.showText(_summary(job, outcomes, self.panel.worker.about))
            self.showModels(models)

    def showModels(self, models):
        """Selects the last of models that were made or updated, all in the colours that are chosen."""
        state = self.parameters
        first = state.model is None
        state.model = models[-1]
        if state.colour == DISTANCE:  # measured on the previous surface
            state.colour = BONE
        for model in models:
            reconstruction_nodes.colourBy(model, ARRAYS[state.colour])
        if first:
            layout.resetThreeDViews()

    def onLive(self, checked):
        """Follows the radiograph until it is unchecked, or the radiograph is replaced or removed."""
        self.stopLive()
        if checked and self._isComplete() and self.panel.ready():
            self._follower = LiveFollower(self.state.radiograph, self._sendFrame, self._showRate)
            self.panel.showText("")
            self._follower.begin()
        with silently(self.ui.liveCheckBox):
            self.ui.liveCheckBox.setChecked(self.isLive)
        self.panel.refresh()

    def stopLive(self):
        if self._follower is not None:
            self._follower.stop()
            self._follower = None
            with silently(self.ui.liveCheckBox):
                self.ui.liveCheckBox.setChecked(False)
            self.ui.framesLabel.setText("")

    @property
    def isLive(self):
        return self._follower is not None

    def _sendFrame(self, finished):
        """Begins the newest frame, unless a comparison is running. What cannot be reconstructed ends the following,
        with the reason."""
        if self.panel.runner.isRunning:
            return False
        try:
            job = film_jobs.frameJob(self.state.radiograph, self.state.sliceIndex, self.state.level)
        except InputError as error:
            self.stopLive()
            showError(str(error))
            return False
        return self.panel.submit(job, lambda answer: self._showFrame(job, job.outcomes(answer), finished), often=True)

    def _showFrame(self, job, outcomes, finished):
        """The next frame is worked on while this one is shown."""
        if not self.isLive:
            return
        finished()
        if self._isStillSelected(job):
            self.panel.views.offer(None)
            shown = jobs.updateReconstructions(job, outcomes, self.panel.worker.about)
            if self.state.model is None and shown:
                self.state.model = shown[-1]
                layout.resetThreeDViews()

    def _showRate(self, framesPerSecond):
        self.ui.framesLabel.setText(_("{rate:.1f} frames/s").format(rate=framesPerSecond))

    def onBrowse(self, *_args):
        path = chosenPath(
            qt.QFileDialog.getOpenFileName(self.panel.parent, _("Weights"), "", _("Weights (*.safetensors)"))
        )
        if path:
            self.state.weights = path

    def refresh(self):
        running = self.panel.runner.isRunning
        self.ui.reconstructButton.setText(_("Cancel") if running and not self.isLive else _("Reconstruct"))
        if self.isLive:
            allow(self.ui.reconstructButton, _("The radiograph is followed live; uncheck that first."))
        else:
            allow(self.ui.reconstructButton, "" if running else self._refusal())
        busy = _("Wait until the work that is running has ended.") if running else ""
        allow(self.ui.liveCheckBox, "" if self.isLive else busy or self._refusal())
        self._showVerdict()
        about = self.panel.worker.about
        self.ui.processLabel.setText(f"{about.device}, {about.weights_sha256[:8]}" if about else _("not started"))

    def _showVerdict(self):
        """The worst of the results as a badge beside the button."""
        worst = result_state.worst(self.panel.results.values())
        self.ui.verdictLabel.setVisible(worst is not None)
        if worst is not None:
            colour = BADGES.get(result_state.OUT_OF_DATE if worst.changed else worst.word, UNKNOWN_BADGE)
            self.ui.verdictLabel.setText(f"{worst.level} {worst.text}".strip())
            self.ui.verdictLabel.setToolTip(worst.reason or worst.verdict)
            self.ui.verdictLabel.setStyleSheet(
                f"background: {colour}; color: white; border-radius: 4px; padding: 2px 6px"
            )

    def _refusal(self):
        """Why nothing can be reconstructed; what is merely missing is asked for on the click."""
        check = self.panel.check
        if check is None:
            return _("Select a radiograph first.")
        return inPanelWords("\n".join(check.problems))


def _summary(job, outcomes, about):
    """What was done, how quickly, and where."""
    done = [outcome.reconstruction for outcome in outcomes if not isinstance(outcome, Refusal)]
    levels = ", ".join(one.geometry.level for one in done)
    text = _("{levels} reconstructed in {seconds:.2f} s on {device}")
    return text.format(levels=levels, seconds=job.seconds(done), device=about.device)
