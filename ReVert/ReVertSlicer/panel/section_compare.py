"""The panel's comparison of the result with a CT segmentation."""

import html
import math

import qt
import slicer
from slicer.i18n import tr as _

from ReVertSlicer.scene import comparison_nodes, export, hierarchy, results_table
from ReVertSlicer.scene.colours import SIGNED_DISTANCE
from ReVertSlicer.scene.parameters import DISTANCE
from ReVertSlicer.work import jobs

from .section import Section, allow, chosenPath, guarded, hideNodes, silently

FORMATS = {
    "dice": ("Dice", "{:.3f}"),
    "hd95_mm": ("HD95, mm", "{:.2f}"),
    "assd_mm": ("ASSD, mm", "{:.2f}"),
    "nsd_2mm": ("NSD at 2 mm", "{:.3f}"),
    "chamfer_mm2": ("Chamfer, mm²", "{:.2f}"),
    "volume_mm3": (_("Volume, mm³"), "{:.0f}"),
    "target_volume_mm3": (_("Volume in CT, mm³"), "{:.0f}"),
    "turned_deg": (_("Turned by the alignment, °"), "{:.1f}"),
    "moved_mm": (_("Moved by the alignment, mm"), "{:.1f}"),
}


class CompareSection(Section):
    """Lists the segments, suggests the one of the model's level, and measures in the child process."""

    def __init__(self, panel):
        super().__init__(panel)
        self._listed = None
        self._waiting = []
        self.ui.compareButton.clicked.connect(self.onCompare)
        self.ui.compareAllButton.clicked.connect(self.onCompareAll)
        self.ui.segmentSelector.currentIndexChanged.connect(self.onSegment)
        self.ui.removeAlignmentButton.clicked.connect(self.onRemoveAlignment)
        self.ui.showPlotButton.clicked.connect(self.onShowPlot)
        self.ui.exportTableButton.clicked.connect(self.onExport)

    def onSegment(self, index):
        ids = self._listed[1] if self._listed else []
        if self.state is not None and 0 <= index < len(ids):
            self.state.segmentId = ids[index]

    def onCompare(self, *_args):
        """Measures the selected model against the selected segment."""
        self._compareEach([(self.state.model, self.state.segmentId)])

    def onCompareAll(self, *_args):
        """Measures every reconstructed level against the segment of its name."""
        self._compareEach(results_table.pairs(self.state.segmentation))

    def _compareEach(self, pairs):
        if self.panel.ready():
            self._waiting = list(pairs)
            self._next()

    def _next(self):
        if not self._waiting:
            return
        model, segmentId = self._waiting.pop(0)
        state = self.parameters
        job = guarded(jobs.comparisonJob, model, state.segmentation, segmentId, state.alignment)
        if job is None:
            self._waiting.clear()
            return
        self.panel.submit(job, lambda found: self._show(job, found))

    def _show(self, job, found):
        table = guarded(jobs.showComparison, job, found)
        if table is None:
            self._waiting.clear()
            return
        self.parameters.colour = DISTANCE
        self._next()

    def onRemoveAlignment(self, *_args):
        comparison_nodes.removeAlignment(self.state.model)
        self.panel.refresh()

    def onShowPlot(self, *_args):
        slicer.modules.plots.logic().ShowChartInLayout(hierarchy.part(self.state.model, "chart"))

    def onExport(self, *_args):
        path = chosenPath(
            qt.QFileDialog.getSaveFileName(self.panel.parent, _("Export results"), "", _("Tables (*.csv)"))
        )
        if path and guarded(lambda: export.exportTable(results_table.resultsTable(), path) or True):
            self.panel.showText(_("The table was written."))

    def refresh(self):
        state = self.state
        hideNodes(self.ui.segmentationSelector, hierarchy.allParts("segmentation"))  # of the models themselves
        self.fold(self.ui.compareSection, _hasSegmentation())
        self._listSegments(state.segmentation)
        running = self.panel.runner.isRunning
        ready = state.model is not None and state.segmentation is not None and bool(state.segmentId)
        busy = _("Wait until the work that is running has ended.") if running else ""
        allow(self.ui.compareButton, busy or ("" if ready else _("Select a model and a segment first.")))
        pairs = results_table.pairs(state.segmentation) if state.segmentation is not None else []
        allow(
            self.ui.compareAllButton, busy or ("" if pairs else _("No reconstructed level has a segment of its name."))
        )
        aligned = state.model is not None and comparison_nodes.alignmentOf(state.model) is not None
        allow(self.ui.removeAlignmentButton, "" if aligned else _("The model is not aligned."))
        compared = state.model is not None and hierarchy.part(state.model, "chart") is not None
        allow(self.ui.showPlotButton, "" if compared else _("Compare the model first."))
        text = _shown(state.model) if state.model is not None else ""
        self.ui.resultLabel.setText(text)
        self.ui.resultLabel.setVisible(bool(text))
        results = results_table.resultsTable()
        allow(self.ui.exportTableButton, "" if results else _("There are no results yet: click Compare first."))

    def _listSegments(self, segmentationNode):
        """Lists the segments anew when they, their names or the model's level have changed."""
        segmentation = segmentationNode.GetSegmentation() if segmentationNode is not None else None
        ids = list(segmentation.GetSegmentIDs()) if segmentation else []
        names = [segmentation.GetSegment(segmentId).GetName() for segmentId in ids]
        model = self.state.model
        level = model.GetAttribute("ReVert.Level") if model is not None else None
        listing = (segmentationNode and segmentationNode.GetID(), ids, names, level)
        if listing != self._listed:
            self._listed = listing
            with silently(self.ui.segmentSelector):
                self.ui.segmentSelector.clear()
                self.ui.segmentSelector.addItems(names)
            if ids:  # while a scene opens its segmentation comes after the choice of a segment
                self.state.segmentId = self._suggested(segmentationNode, ids, level)
        if self.state.segmentId in ids:
            with silently(self.ui.segmentSelector):
                self.ui.segmentSelector.setCurrentIndex(ids.index(self.state.segmentId))

    def _suggested(self, segmentationNode, ids, level):
        """The segment named like the level; else the one that was selected; else the first."""
        found = comparison_nodes.suggestedSegment(segmentationNode, level) if level else ""
        return found or (self.state.segmentId if self.state.segmentId in ids else ids[0])


def _hasSegmentation():
    """Whether there is a segmentation to compare with."""
    own = hierarchy.allParts("segmentation")
    return any(node not in own for node in slicer.util.getNodesByClass("vtkMRMLSegmentationNode"))


def _shown(modelNode):
    """The model's comparison as HTML; after another reconstruction only that it is out of date."""
    table = hierarchy.part(modelNode, "comparison")
    if table is None:
        return ""
    if modelNode.GetPolyData() is None or not modelNode.GetPolyData().GetPointData().HasArray(SIGNED_DISTANCE):
        return _("Out of date: the surface was reconstructed again since. Compare again.")
    return figures(table)


def figures(tableNode):
    """The figures as a small HTML table, the baseline beside them, below what speaks against them."""
    table = tableNode.GetTable()
    titles = (f"<b>{_('radiograph')}</b>", _("baseline"))
    head = "".join(f"<td align='right'>&nbsp;&nbsp;{title}</td>" for title in titles)
    rows = []
    for row in range(table.GetNumberOfRows()):
        name, *values = (table.GetValue(row, column).ToString() for column in range(3))
        title, form = FORMATS[name]
        texts = ("" if math.isnan(value) else form.format(value) for value in map(float, values))
        cells = "".join(f"<td align='right'>&nbsp;&nbsp;{text}</td>" for text in texts)
        rows.append(f"<tr><td>{title}</td>{cells}</tr>")
    warnings = (tableNode.GetAttribute(comparison_nodes.WARNINGS) or "").splitlines()
    above = "".join(f"<p><b>{html.escape(line)}</b></p>" for line in warnings)
    note = _("Baseline: the mean vertebra of 87 patients laid over the CT, no radiograph used.")
    return f"{above}<table><tr><td></td>{head}</tr>{''.join(rows)}</table><p>{note}</p>"
