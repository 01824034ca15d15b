"""The panel's part on aligning a CT to the radiograph: what to align, how it went, and what becomes of it."""

import html

import qt
import slicer
from slicer.i18n import tr as _

from ReVertLib.ct_registration.records import ACCEPTED, CHECK, REFUSED
from ReVertSlicer.input.panel_words import inPanelWords
from ReVertSlicer.scene import ct_alignment_nodes, ct_in_3d, ct_report, hierarchy
from ReVertSlicer.scene.ct_in_beam import LEVEL
from ReVertSlicer.scene.ct_voxels import isCt
from ReVertSlicer.scene.result_state import changedSince
from ReVertSlicer.work import ct_jobs

from .section import WARNING, Section, allow, chosenPath, guarded, hideNodes, say

BADGES = {ACCEPTED: "#1b7a3a", CHECK: "#9a5b00", REFUSED: "#b00020"}
"""Background by verdict; white text is legible on each, in a light and in a dark theme."""


class AlignSection(Section):
    """Runs the alignment in the child process; the scene changes only when an answer has come."""

    def __init__(self, panel):
        super().__init__(panel)
        self._isOurs, self._suggestedOf = False, None
        self.ui.alignCtButton.clicked.connect(self.onAlign)
        self.ui.acceptCtButton.clicked.connect(self.onAccept)
        self.ui.removeCtButton.clicked.connect(self.onRemove)
        self.ui.exportCtButton.clicked.connect(self.onExport)

    def onAlign(self, *_args):
        """Align, or Cancel while that runs."""
        if self.panel.runner.isRunning:
            self.panel.cancel()
            return
        state = self.state
        given = state.radiograph, state.ct, state.ctLabels, state.second, state.sliceIndex, state.level
        job = guarded(ct_jobs.alignJob, *given)
        if job is not None and self.panel.ready(forCt=True):
            self._isOurs = True
            self.panel.submit(job, lambda answer: self._show(job, answer), self._end)

    def _end(self):
        self._isOurs = False

    def _show(self, job, answer):
        """On the radiograph that it was asked for, which need not be selected any more."""
        if guarded(ct_jobs.showAlignment, job, answer, self.panel.worker.about):
            text = _("{count} vertebrae of the CT looked for in {seconds:.0f} s")
            found = answer.registration
            self.panel.showText(text.format(count=len(found.vertebrae), seconds=found.seconds))
        self.panel.refresh()

    def onAccept(self, *_args):
        """Keeps the alignment, and offers to compare in place what was reconstructed."""
        state = self.state
        ct_alignment_nodes.accept(state.radiograph)
        if state.ctLabels is not None and state.ctLabels.IsA("vtkMRMLSegmentationNode"):
            state.segmentation, state.alignment = state.ctLabels, "none"
        self.panel.refresh()

    def onRemove(self, *_args):
        ct_alignment_nodes.remove(self.state.radiograph)
        self.panel.refresh()

    def onExport(self, *_args):
        folder = qt.QFileDialog.getExistingDirectory(self.panel.parent, _("Folder for the alignment"))
        if folder and guarded(lambda: ct_report.exportAlignment(self.state.radiograph, chosenPath(folder)) or True):
            self.panel.showText(_("Transforms, surfaces and report were written."))

    def refresh(self):
        state = self.state
        hideNodes(self.ui.ctSelector, _thatAreNoCt())
        hideNodes(self.ui.ctLabelsSelector, hierarchy.allParts("segmentation"))
        ours = hierarchy.allParts("ctDrr", "ctWholeDrr", "ctOverFilm")
        for selector in (self.ui.radiographSelector, self.ui.secondSelector):
            hideNodes(selector, ours)
        self._suggest()
        poses = ct_alignment_nodes.poses(state.radiograph) if state.radiograph is not None else []
        self.fold(self.ui.alignSection, bool(poses or state.ct is not None))
        running = self.panel.runner.isRunning
        busy = _("Wait until the work that is running has ended.") if running else ""
        self.ui.alignCtButton.setText(_("Cancel") if self._isOurs else _("Align CT to the radiograph"))
        allow(self.ui.alignCtButton, "" if self._isOurs else busy or self._refusal())
        self.ui.ctResultLabel.setText(resultText(poses))
        self.ui.ctResultLabel.setVisible(bool(poses))
        say(self.ui.ctNotesLabel, self._notes(poses) if poses else (), WARNING)
        without = "" if poses else _("Align the CT first.")
        for button in (self.ui.removeCtButton, self.ui.exportCtButton):
            allow(button, busy or without)
        allow(self.ui.acceptCtButton, busy or without or self._notToAccept(poses))

    def _notes(self, poses):
        """That it is out of date, and what is to be said of the whole alignment."""
        changed = changedSince(poses[0], self.state.radiograph, self.panel.check)
        text = _("Out of date: changed since it was made: {what}. Align again.")
        found = ct_report.warningsOf(self.state.radiograph)
        return [text.format(what=changed), *found] if changed else found

    def _notToAccept(self, poses):
        if all(map(ct_alignment_nodes.isRefused, poses)):
            return _("Every vertebra was refused.")
        return _("It is accepted.") if ct_alignment_nodes.isAccepted(self.state.radiograph) else ""

    def _suggest(self):
        """The segmentation to compare with and the CT it is of, once for each segmentation."""
        state, segmentation = self.state, self.state.segmentation
        if segmentation is None or segmentation is self._suggestedOf:
            return
        self._suggestedOf = segmentation
        if state.ctLabels is None:
            state.ctLabels = segmentation
        if state.ct is None:
            state.ct = ct_in_3d.ctOf(segmentation)

    def _refusal(self):
        """What is missing, in the panel's words."""
        check, state = self.panel.check, self.state
        if check is None:
            return _("Select a radiograph first.")
        if check.problems:
            return inPanelWords("\n".join(check.problems))
        if state.ct is None:
            return _("Select the CT first.")
        return "" if state.ctLabels is not None else _("Select the segmentation of the CT's vertebrae first.")


def resultText(poses):
    """Levels with verdict, expected error and reason as an HTML table."""
    rows = []
    for pose in poses:
        found, error = ct_alignment_nodes.judgement(pose), ct_alignment_nodes.expected(pose)
        badge = f"<td bgcolor='{BADGES[found['word']]}'><font color='white'>&nbsp;{found['word']}&nbsp;</font></td>"
        right = _("±{across:.1f} mm across, ±{along:.2g} mm along the beam, ±{turned:.1f}°").format(
            across=error["across_mm"], along=error["along_mm"], turned=error["turned_deg"]
        )
        error = "" if found["word"] == REFUSED else right + "; "
        level = pose.GetAttribute(LEVEL)
        rows.append(
            f"<tr><td><b>{level}</b>&nbsp;</td>{badge}<td>&nbsp;{error}{html.escape(found['reason'])}</td></tr>"
        )
    return f"<table cellpadding='2'>{''.join(rows)}</table>"


def _thatAreNoCt():
    return [node for node in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode") if not isCt(node)]
