"""What else becomes of the result: a segmentation for other modules."""

from slicer.i18n import tr as _

from ReVertSlicer.scene import hierarchy, segmentation_nodes

from .section import Section, allow, guarded


class OutputsSection(Section):
    """Buttons below the result; all follow the selected model."""

    def __init__(self, panel):
        super().__init__(panel)
        self.ui.toSegmentationButton.clicked.connect(self.onToSegmentation)

    def onToSegmentation(self, *_args):
        if guarded(segmentation_nodes.toSegmentation, self.state.model):
            self.panel.showText(_("The surfaces are a segmentation, as they lie now."))
            self.panel.refresh()

    def refresh(self):
        model = self.state.model
        made = model is not None and model.GetNodeReference(hierarchy.RADIOGRAPH) is not None
        allow(self.ui.toSegmentationButton, "" if made else _("Select a reconstructed model first."))
