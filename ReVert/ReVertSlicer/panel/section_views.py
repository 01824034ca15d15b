"""The panel's part on a radiograph that may be from either of two sides: both were answered, the user takes one."""

from slicer.i18n import tr as _

from ReVertSlicer.input.found_film import viewText
from ReVertSlicer.work import likely_views

from .section import WARNING, Section, allow, guarded, say


class ViewsSection(Section):
    """Shows nothing unless the last reconstruction was answered for two views."""

    def __init__(self, panel):
        super().__init__(panel)
        self._likely = None
        self._buttons = self.ui.firstViewButton, self.ui.secondViewButton
        for index, button in enumerate(self._buttons):
            button.clicked.connect(lambda *_args, index=index: self.onTake(index))

    def offer(self, likely):
        """What is to be chosen from: LikelyViews, or None."""
        self._likely = likely

    def onTake(self, index):
        models = guarded(likely_views.take, self._likely, index)
        if models:
            self.panel.showModels(models)
            self.panel.refresh()

    @property
    def isOffered(self):
        """Whether there are two views to choose from, neither of them taken or either."""
        check, likely = self.panel.check, self._likely
        if likely is None or check is None or not self.panel.results:
            return False
        isTheirs = likely.isOf(self.state.radiograph, self.state.sliceIndex)
        return isTheirs and ("yaw_deg" not in check.known or self._taken is not None)

    @property
    def _taken(self):
        return self._likely.taken(self.panel.check.known)

    def refresh(self):
        isShown = self.isOffered
        lines = (
            [_("The radiograph may be from two sides: look at the surfaces and outlines of both.")] if isShown else ()
        )
        say(self.ui.viewsLabel, lines, WARNING if isShown and self._taken is None else None)
        for index, button in enumerate(self._buttons):
            button.setVisible(isShown)
            if isShown:
                button.setText(_("Take {view}").format(view=viewText(self._likely.views[index])))
                allow(button, _("This view is taken.") if index == self._taken else self._busy())

    def _busy(self):
        return _("Wait until the work that is running has ended.") if self.panel.runner.isRunning else ""
