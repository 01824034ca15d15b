"""The panel's first part: which radiograph, and whether it can be trusted to be what it should be."""

from slicer.i18n import tr as _

from ReVertSlicer.input import radiograph_check
from ReVertSlicer.scene import layout

from .section import PROBLEM, WARNING, Section, allow, guarded, say, show

BONE_DARK = {"as found": None, "bright": False, "dark": True}


class RadiographSection(Section):
    """Selects the radiograph and shows what is known about it; what is entered is kept on its node."""

    def __init__(self, panel):
        super().__init__(panel)
        self.ui.boneSelector.addItems(list(BONE_DARK))
        self.ui.sampleButton.clicked.connect(self.onSample)
        self.ui.boneSelector.currentIndexChanged.connect(self.onBone)

    def onSample(self, *_args):
        """Loads the case that comes with the extension and selects it."""
        loaded = guarded(self.logic.loadSampleData)
        if loaded is None:
            return
        self.state.radiograph, self.state.segmentation = loaded.radiograph, loaded.segmentation
        layout.showInSlices(loaded.radiograph)

    def onBone(self, index):
        self._enter(bone_dark=list(BONE_DARK.values())[index])

    def _enter(self, **values):
        if self.state is not None and self.state.radiograph is not None:
            guarded(lambda: radiograph_check.enter(self.state.radiograph, **values))
            self.panel.refresh()

    def refresh(self):
        check = self.panel.check
        allow(self.ui.boneSelector, "" if check else _("Select a radiograph first."))
        stack = check is not None and check.sliceCount > 1
        self.ui.sliceSpinBox.setVisible(stack)
        self.ui.sliceSpinBoxLabel.setVisible(stack)
        for widget in (self.ui.sizeCaption, self.ui.sizeLabel, self.ui.domainCaption, self.ui.domainLabel):
            widget.setVisible(check is not None)
        if stack:
            self.ui.sliceSpinBox.setMaximum(check.sliceCount - 1)
        if check is not None:
            self._showCheck(check)

    def _showCheck(self, check):
        entered = radiograph_check.entered(self.state.radiograph).get("bone_dark")
        show(self.ui.boneSelector, next(name for name, dark in BONE_DARK.items() if dark is entered))
        columns, rows = check.sizePx
        bone = _("bone dark") if check.boneDark.value else _("bone bright")
        self.ui.sizeLabel.setText(f"{columns} × {rows} px, {bone} ({check.boneDark.source})")
        lines = [*check.problems, *check.warnings]
        if len(lines) > 1:
            lines = [f"• {line}" for line in lines]
        colours = PROBLEM if check.problems else WARNING if lines else None
        say(self.ui.domainLabel, lines or [_("looks like what the network was trained on")], colours)
