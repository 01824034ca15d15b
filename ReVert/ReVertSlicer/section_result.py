"""The panel's result: which surface, what its colours mean, whether to trust it, and where to write it."""

import qt
from slicer.i18n import tr as _

from . import export, result, view
from .parameters import ARRAYS
from .section import Section, allow, guarded


class ResultSection(Section):
    """Follows the selected model."""

    def __init__(self, panel):
        super().__init__(panel)
        self.ui.exportMeshButton.clicked.connect(self.onExport)
        self.ui.showViewCheckBox.toggled.connect(self.onShowView)
        self.ui.colourSelector.currentIndexChanged.connect(self.onColour)

    def onColour(self, *_args):
        """The colour the user asks for; an array that is not there yet leaves the model as it is."""
        if self.state is not None and self.state.model is not None:
            result.colourBy(self.state.model, ARRAYS[self.state.colour])

    def onShowView(self, shown):
        if self.state is not None and self.state.radiograph is not None:
            view.setViewVisible(self.state.radiograph, shown)

    def onExport(self, *_args):
        path = qt.QFileDialog.getSaveFileName(
            self.panel.parent, _("Export surface"), "", _("Surfaces (*.stl *.ply *.obj *.vtp)")
        )
        path = path if isinstance(path, str) else path[0]
        if path and guarded(lambda: export.exportMesh(self.state.model, path) or True):
            self.panel.say(_("The surface was written, in LPS, mm."))

    def refresh(self):
        model = self.state.model
        refusal = "" if model is not None else _("Select a model first.")
        for widget in (self.ui.exportMeshButton, self.ui.colourSelector):
            allow(widget, refusal)
        allow(self.ui.showViewCheckBox, "" if self.state.radiograph is not None else _("Select a radiograph first."))
        self.ui.resultNote.setText(_note(model) if model is not None else "")


def _note(model):
    """The verdict with its reason, and every warning of the reconstruction."""
    lines = (model.GetAttribute(name) for name in ("ReVert.Verdict", "ReVert.Warnings"))
    return "\n".join(line for line in lines if line)
