"""The panel's part on whole films: find the vertebrae, look at their names, and put them right."""

import qt
from slicer.i18n import tr as _

from ReVertLib.geometry.views import VIEW_ANGLES
from ReVertSlicer.input import found_boxes, radiograph_check
from ReVertSlicer.input.found_film import readingText, viewText
from ReVertSlicer.input.panel_words import inPanelWords
from ReVertSlicer.scene import layout
from ReVertSlicer.scene.result_state import knownSha256
from ReVertSlicer.work import film_jobs

from .section import WARNING, Section, allow, guarded, say, silently


class FilmSection(Section):
    """Shows what was found on the selected film and the one next step."""

    def __init__(self, panel):
        super().__init__(panel)
        self._isOurs = False
        self.ui.findButton.clicked.connect(self.onFind)
        self.ui.readingSelector.currentIndexChanged.connect(self.onReading)
        self.ui.namesUpButton.clicked.connect(lambda *_args: self.onMove(-1))
        self.ui.namesDownButton.clicked.connect(lambda *_args: self.onMove(1))
        self.ui.turnFilmButton.clicked.connect(self.onTurn)
        self._viewButtons = self.ui.takeViewButton, self.ui.takeSecondViewButton
        for index, button in enumerate(self._viewButtons):
            button.clicked.connect(lambda *_args, index=index: self.onView(index))
        self._keys = [self._key("PgUp", -1), self._key("PgDown", 1)]

    def _key(self, name, steps):
        key = qt.QShortcut(qt.QKeySequence(name), self.panel.parent)
        key.setEnabled(False)
        key.activated.connect(lambda: self.onMove(steps))
        return key

    def onFind(self, *_args):
        """Find, or Cancel while that runs."""
        if self.panel.runner.isRunning:
            self.panel.cancel()
            return
        job = guarded(film_jobs.findJob, self.state.radiograph, self.state.sliceIndex)
        if job is not None and self.panel.ready():
            layout.showInOneSlice(self.state.radiograph)
            self._isOurs = True
            self.panel.submit(job, lambda spine: self._show(job, spine), self._end)

    def _end(self):
        self._isOurs = False

    def _show(self, job, spine):
        """On the film that was searched, which need not be selected any more."""
        guarded(film_jobs.showFound, job, spine)
        self.panel.refresh()

    def onReading(self, index):
        if self.panel.film is not None and 0 <= index < len(self.panel.film.spine.readings):
            self._rename(reading=index)

    def onMove(self, steps):
        if self.panel.film is not None:
            self._rename(steps=steps)

    def _rename(self, **how):
        guarded(lambda: found_boxes.rename(self.state.radiograph, self.state.sliceIndex, **how))
        self.panel.refresh()

    def onTurn(self, *_args):
        """Reads the film turned by 180 degrees, or as its file states again."""
        turned = radiograph_check.entered(self.state.radiograph).get(radiograph_check.HALF_TURN, False)
        guarded(lambda: radiograph_check.enter(self.state.radiograph, half_turn=not turned or None))
        self.panel.refresh()

    def onView(self, index):
        angles = dict(zip(VIEW_ANGLES, (self.panel.film.spine.views[index].yaw_deg, 0.0, 0.0), strict=True))
        guarded(lambda: radiograph_check.enter(self.state.radiograph, **angles))
        self.panel.refresh()

    def refresh(self):
        film, running = self.panel.film, self.panel.runner.isRunning
        self.ui.findButton.setText(_("Cancel") if self._isOurs else _("Find vertebrae"))
        busy = _("Wait until the work that is running has ended.") if running and not self._isOurs else ""
        allow(self.ui.findButton, busy or self._refusal())
        isNamed = film is not None and bool(film.spine.vertebrae)
        widgets = self.ui.readingSelectorLabel, self.ui.readingSelector, self.ui.namesUpButton, self.ui.namesDownButton
        for widget in widgets:
            widget.setVisible(isNamed)
        for key in self._keys:
            key.setEnabled(isNamed and not running)
        for button in (self.ui.namesUpButton, self.ui.namesDownButton):
            allow(button, _("Wait until the work that is running has ended.") if running else "")
        if isNamed:
            self._listReadings(film)
        self._offer(film if isNamed else None)
        say(self.ui.findLabel, [self._nextStep(film)])
        say(self.ui.filmDoubtsLabel, self._doubts(film) if film is not None else (), WARNING)

    def _refusal(self):
        check = self.panel.check
        return _("Select a radiograph first.") if check is None else inPanelWords("\n".join(check.problems))

    def _listReadings(self, film):
        """The ways to name what was found; below them the present one, where it is none of them."""
        texts = [readingText(reading.labels, reading.probability) for reading in film.spine.readings]
        labels = [reading.labels for reading in film.spine.readings]
        current = labels.index(film.labels) if film.labels in labels else len(texts)
        if current == len(texts):
            texts.append(readingText(film.labels, film.likely))
        with silently(self.ui.readingSelector):
            self.ui.readingSelector.clear()
            self.ui.readingSelector.addItems(texts)
            self.ui.readingSelector.setCurrentIndex(current)

    def _offer(self, film):
        """The buttons for what is still wrong with how the film is read."""
        check = self.panel.check
        turned = bool(film) and radiograph_check.entered(self.state.radiograph).get(radiograph_check.HALF_TURN, False)
        self.ui.turnFilmButton.setText(_("Do not turn the film") if turned else _("Turn the film"))
        self.ui.turnFilmButton.setVisible(turned or (film is not None and film.isUpsideDown(check.turn)))
        isUnknown = film is not None and "yaw_deg" not in check.known and not self.panel.views.isOffered
        views = film.spine.views if isUnknown else ()
        for index, button in enumerate(self._viewButtons):
            button.setVisible(index < len(views))
            if index < len(views):
                button.setText(_("Take the view {view}").format(view=viewText(views[index])))

    def _nextStep(self, film):
        if self.panel.check is None:
            return ""
        count = len(self.panel.placed)
        if film is None:
            return "" if count else _("A whole film: Find vertebrae. One vertebra alone in the image: Reconstruct.")
        if not count:
            return _("None of L1 to L5 was found: place boxes or points by hand.")
        if self.panel.results:
            return ""
        text = _("{count} vertebrae: look at boxes and names on the film, then click Reconstruct.")
        return text.format(count=count)

    def _doubts(self, film):
        """What speaks against what was found, a line each."""
        node, index = self.state.radiograph, self.state.sliceIndex
        isThere = index < self.panel.check.sliceCount  # an empty volume has no slice
        isSame = isThere and film.image == knownSha256(node, index)
        changed = [] if isSame else [_("The image has changed since: find again.")]
        return [*changed, *film.spine.warnings]
