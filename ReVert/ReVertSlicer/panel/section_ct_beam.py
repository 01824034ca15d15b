"""The panel's part on looking at an aligned CT: itself in the beam, and its own radiograph over the film."""

from slicer.i18n import tr as _

from ReVertSlicer.scene import ct_alignment_nodes, ct_in_3d, ct_in_beam, ct_over_film
from ReVertSlicer.scene.ct_in_beam import LEVEL
from ReVertSlicer.work import ct_jobs

from .section import Section, allow, guarded, silently

WORDS = {
    ct_over_film.FILM: _("film"),
    ct_over_film.FADED: _("CT over the film"),
    ct_over_film.CHECKERBOARD: _("checkerboard"),
    ct_over_film.DIFFERENCE: _("difference"),
}


class CtBeamSection(Section):
    """Widgets of the same part of the panel as `section_align`'s; what they show is read from the scene."""

    def __init__(self, panel):
        super().__init__(panel)
        self.ui.overFilmSelector.addItems(list(WORDS.values()))
        self.ui.ctInBeamCheckBox.toggled.connect(self.onShowCt)
        self.ui.ctLevelSelector.currentIndexChanged.connect(self.onLevel)
        self.ui.overFilmSelector.currentIndexChanged.connect(self.onPicture)
        self.ui.fadeSlider.valueChanged.connect(self.onFade)
        self.ui.wholeCtCheckBox.toggled.connect(self.onWhole)

    @property
    def _level(self):
        """The level that the CT as one piece is laid as."""
        level = self.ui.ctLevelSelector.currentText
        return level or ct_alignment_nodes.mostTrusted(self.parameters.radiograph)

    @property
    def _opacity(self):
        return self.ui.fadeSlider.value / 100

    def onShowCt(self, shown):
        if self.state is None or self.state.radiograph is None:
            return
        guarded(ct_in_beam.show, self.state.radiograph, self._level if shown else None)
        labels = self.state.ctLabels
        if shown and labels is not None and labels.IsA("vtkMRMLSegmentationNode"):
            ct_in_3d.show(labels, True)
        self.panel.refresh()

    def onLevel(self, _index):
        if self.state is None or self.state.radiograph is None:
            return
        if ct_in_beam.shownLevel(self.state.radiograph):
            guarded(ct_in_beam.show, self.state.radiograph, self._level)
        if self.ui.wholeCtCheckBox.checked:
            self.onWhole(True)
        self.panel.refresh()

    def onPicture(self, index):
        if self.state is not None and self.state.radiograph is not None and index >= 0:
            self._show(list(WORDS)[index])

    def onFade(self, _value):
        if self.state is not None and self.state.radiograph is not None:
            ct_over_film.setOpacity(self.state.radiograph, self._opacity)

    def onWhole(self, whole):
        """The DRR of the whole CT is computed when it is asked for."""
        if self.state is None or self.state.radiograph is None:
            return
        if whole and ct_over_film.wholeOf(self.state.radiograph) != self._level:
            self._project()
        else:
            self._show(ct_over_film.shown(self.state.radiograph))

    def _project(self):
        if self.panel.runner.isRunning or not self.panel.ready(forCt=True):
            return
        job = guarded(ct_jobs.wholeDrrJob, self.state.radiograph, self._level)
        if job is not None:
            self.panel.submit(job, lambda drr: self._keep(job, drr))
            return
        with silently(self.ui.wholeCtCheckBox):
            self.ui.wholeCtCheckBox.setChecked(False)

    def _keep(self, job, drr):
        guarded(ct_jobs.keepWholeDrr, job, drr)
        node = self.parameters.radiograph
        if node is not None and node.GetID() == job.radiographId:
            self._show(ct_over_film.shown(node))

    def _show(self, picture):
        node = self.parameters.radiograph
        whole = bool(self.ui.wholeCtCheckBox.checked) and ct_over_film.wholeOf(node) == self._level
        guarded(lambda: ct_over_film.show(node, picture, self._opacity, whole))
        self.panel.refresh()

    def refresh(self):
        node = self.state.radiograph
        if node is not None:
            ct_in_beam.follow(node)  # also after undo
            ct_over_film.follow(node)
        best = ct_alignment_nodes.mostTrusted(node) if node is not None else None
        isAligned = node is not None and bool(ct_alignment_nodes.poses(node))
        refused = _("Every vertebra was refused.") if isAligned else _("Align the CT first.")
        refusal = "" if best else refused
        running = _("Wait until the work that is running has ended.") if self.panel.runner.isRunning else ""
        self._listLevels(node, best)
        for widget in (self.ui.ctInBeamCheckBox, self.ui.ctLevelSelector, self.ui.overFilmSelector):
            allow(widget, refusal)
        allow(self.ui.wholeCtCheckBox, refusal or running)
        picture = ct_over_film.shown(node) if node is not None else ct_over_film.FILM
        faded = "" if picture == ct_over_film.FADED else _("Choose the CT over the film first.")
        allow(self.ui.fadeSlider, refusal or faded)
        with silently(self.ui.overFilmSelector):
            self.ui.overFilmSelector.setCurrentIndex(list(WORDS).index(picture))
        with silently(self.ui.ctInBeamCheckBox):
            self.ui.ctInBeamCheckBox.setChecked(node is not None and ct_in_beam.shownLevel(node) is not None)

    def _listLevels(self, node, best):
        """The levels that were not refused; the one that is shown, else the one chosen before, else the best."""
        poses = ct_alignment_nodes.poses(node) if node is not None else []
        levels = [pose.GetAttribute(LEVEL) for pose in poses if not ct_alignment_nodes.isRefused(pose)]
        before = self.ui.ctLevelSelector.currentText
        chosen = (ct_in_beam.shownLevel(node) if node is not None else None) or (before if before in levels else best)
        with silently(self.ui.ctLevelSelector):
            self.ui.ctLevelSelector.clear()
            self.ui.ctLevelSelector.addItems(levels)
            if chosen in levels:
                self.ui.ctLevelSelector.setCurrentIndex(levels.index(chosen))
