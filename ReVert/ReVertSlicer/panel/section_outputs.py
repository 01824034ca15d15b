"""What else becomes of the result: measurements in the scene, a segmentation for other modules, a page to read."""

import qt
from slicer.i18n import tr as _

from ReVertSlicer.scene import hierarchy, measured, measurement_nodes, report, segmentation_nodes

from .section import Section, allow, chosenPath, guarded, silently


class OutputsSection(Section):
    """Buttons and a check box below the result; all follow the selected model."""

    def __init__(self, panel):
        super().__init__(panel)
        self.ui.toSegmentationButton.clicked.connect(self.onToSegmentation)
        self.ui.exportReportButton.clicked.connect(self.onReport)
        self.ui.measurementsCheckBox.toggled.connect(self.onMeasurements)

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

    def onMeasurements(self, shown):
        if self.state is not None:
            guarded(measurement_nodes.showMeasurements, self.state.model, shown)
            self.panel.refresh()

    def refresh(self):
        model = self.state.model
        radiograph = model.GetNodeReference(hierarchy.RADIOGRAPH) if model is not None else None
        made = radiograph is not None
        for button in (self.ui.toSegmentationButton, self.ui.exportReportButton):
            allow(button, "" if made else _("Select a reconstructed model first."))
        self._refreshMeasurements(radiograph)

    def _refreshMeasurements(self, radiograph):
        shown, refusal = False, _("Select a reconstructed model first.")
        if radiograph is not None:
            measurement_nodes.follow(radiograph)  # also those of a scene that was opened, or that undo brought back
            shown = measurement_nodes.isShown(radiograph)
            known = shown or any(map(measured.isMeasured, hierarchy.parts(radiograph, "surface")))
            refusal = "" if known else _("Nothing was measured of this surface; reconstruct again.")
        allow(self.ui.measurementsCheckBox, refusal)
        with silently(self.ui.measurementsCheckBox):
            self.ui.measurementsCheckBox.setChecked(shown)
