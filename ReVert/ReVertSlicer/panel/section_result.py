"""The panel's result: which surface, what its colours mean, whether to trust it, and where to write it."""

import qt
import slicer
from slicer.i18n import tr as _

from ReVertSlicer.scene import beam, export, hierarchy, reconstruction_nodes, undo
from ReVertSlicer.scene.parameters import ARRAYS, CHOICES

from .section import Section, allow, chosenPath, guarded, hideNodes, say


class ResultSection(Section):
    """Follows the selected model."""

    def __init__(self, panel):
        super().__init__(panel)
        self.ui.exportMeshButton.clicked.connect(self.onExport)
        self.ui.showViewCheckBox.toggled.connect(self.onShowView)
        self.ui.colourSelector.currentIndexChanged.connect(self.onColour)
        self.ui.undoButton.clicked.connect(self.onUndo)
        self.ui.redoButton.clicked.connect(self.onRedo)

    def onColour(self, index):
        """Colours the model as chosen; an array that is not there yet leaves it as it is. The parameter node is updated
        from the selector after this."""
        if self.state is not None and self.state.model is not None and index >= 0:
            reconstruction_nodes.colourBy(self.state.model, ARRAYS[CHOICES["colour"][index]])

    def onShowView(self, shown):
        if self.state is not None and self.state.radiograph is not None:
            beam.setViewVisible(self.state.radiograph, shown)

    def onUndo(self, *_args):
        undo.undo()
        self.panel.refresh()

    def onRedo(self, *_args):
        undo.redo()
        self.panel.refresh()

    def onExport(self, *_args):
        kinds = _("Surfaces (*.stl *.ply *.obj *.vtp)")
        path = chosenPath(qt.QFileDialog.getSaveFileName(self.panel.parent, _("Export surface"), "", kinds))
        if path and guarded(lambda: export.exportMesh(self.state.model, path) or True):
            self.panel.showText(_("The surface was written, in LPS, mm."))

    def refresh(self):
        self._hideParts()
        model = self.state.model
        refusal = "" if model is not None else _("Select a model first.")
        for widget in (self.ui.exportMeshButton, self.ui.colourSelector):
            allow(widget, refusal)
        running = _("Wait until the work that is running has ended.") if self.panel.runner.isRunning else ""
        scene = slicer.mrmlScene
        undoable = scene.GetNumberOfUndoLevels() or scene.GetNumberOfRedoLevels()
        self.fold(self.ui.resultSection, bool(undoable or model is not None))
        allow(self.ui.undoButton, running or ("" if scene.GetNumberOfUndoLevels() else _("There is nothing to undo.")))
        allow(self.ui.redoButton, running or ("" if scene.GetNumberOfRedoLevels() else _("There is nothing to redo.")))
        allow(self.ui.showViewCheckBox, "" if self.state.radiograph is not None else _("Select a radiograph first."))
        say(self.ui.resultNote, self._note(model) if model is not None else ())
        self.ui.verdictCaption.setVisible(bool(self.ui.resultNote.text))

    def _hideParts(self):
        """Leaves surfaces to select: ours, and what the user has loaded to compare; not plane, beam and outlines."""
        models = slicer.util.getNodesByClass("vtkMRMLModelNode")
        ours = [node for node in models if node.GetAttribute(hierarchy.KIND) not in (None, "surface")]
        hideNodes(self.ui.modelSelector, ours)

    def _note(self, model):
        """That it is out of date, the verdict with its reason, and every warning of the reconstruction."""
        state = self.panel.results.get(model.GetID())
        return [state.reason if state else "", *map(model.GetAttribute, ("ReVert.Verdict", "ReVert.Warnings"))]
