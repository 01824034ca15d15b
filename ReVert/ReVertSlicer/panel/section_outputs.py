"""What else becomes of the result: a segmentation for other modules, a page to read."""

import qt
from slicer.i18n import tr as _

from ReVertSlicer.scene import hierarchy, report, segmentation_nodes

from .section import Section, allow, chosenPath, guarded


class OutputsSection(Section):
    """Buttons below the result; all follow the selected model."""

    def __init__(self, panel):
        super().__init__(panel)
        self.ui.toSegmentationButton.clicked.connect(self.onToSegmentation)
        self.ui.exportReportButton.clicked.connect(self.onReport)

    def onToSegmentation(self, *_args):
        if guarded(segmentation_nodes.toSegmentation, self.state.model):
            self.panel.showText(_("The surfaces are a segmentation, as they lie now."))
            self.panel.refresh()

    def onReport(self, *_args):
        path = chosenPath(qt.QFileDialog.getSaveFileName(self.panel.parent, _("Report"), "", _("Web pages (*.html)")))
        if path:
            self.panel.showTextAtOnce(_("Drawing the pictures"))  # which takes seconds
            written = guarded(lambda: report.exportReport(self.state.model, path) or True)
            self.panel.showText(_("The report was written.") if written else "")

    def refresh(self):
        model = self.state.model
        made = model is not None and model.GetNodeReference(hierarchy.RADIOGRAPH) is not None
        for button in (self.ui.toSegmentationButton, self.ui.exportReportButton):
            allow(button, "" if made else _("Select a reconstructed model first."))
