"""The panel's first part: which radiograph, and whether it can be trusted to be what it should be."""

from slicer.i18n import tr as _

from ReVertSlicer.input import radiograph_check
from ReVertSlicer.scene import layout

from .section import Section, allow, guarded, isDark, show

BONE_DARK = {"as found": None, "bright": False, "dark": True}

PROBLEM, WARNING = ("#b00020", "#ff8a80"), ("#8a4b00", "#ffb74d")
"""Colours of text on a light and on a dark background."""


class RadiographSection(Section):
    """Selects the radiograph and shows what is known about it; what is entered is kept on its node."""

    def __init__(self, panel):
        super().__init__(panel)
        self.ui.boneSelector.addItems(list(BONE_DARK))
        self.ui.sampleButton.clicked.connect(self.onSample)
        self.ui.boneSelector.currentIndexChanged.connect(self.onBone)
        self.spins = (self.ui.spacingSpinBox,)
        self.ui.spacingSpinBox.valueChanged.connect(self.onSpacing)

    def onSample(self, *_args):
        """Loads the case that comes with the extension and selects it."""
        loaded = guarded(self.logic.loadSampleData)
        if loaded is None:
            return
        self.state.radiograph, self.state.segmentation = loaded.radiograph, loaded.segmentation
        layout.showInSlices(loaded.radiograph)

    def onBone(self, index):
        self._enter(bone_dark=list(BONE_DARK.values())[index])

    def onSpacing(self, value):
        """The field shows the spacing of columns; that of rows keeps its proportion to it."""
        known = self.panel.check.known.get("pixel_spacing_mm") if self.panel.check else None
        aspect = known.value[1] / known.value[0] if known else 1.0
        self._enter(pixel_spacing_mm=[value, value * aspect] if value > 0 else None)

    def _enter(self, **values):
        if self.state is not None and self.state.radiograph is not None:
            guarded(lambda: radiograph_check.enter(self.state.radiograph, **values))
            self.panel.refresh()

    def refresh(self):
        check = self.panel.check
        for widget in (self.ui.boneSelector, self.ui.spacingSpinBox):
            allow(widget, "" if check else _("Select a radiograph first."))
        stack = check is not None and check.sliceCount > 1
        self.ui.sliceSpinBox.setVisible(stack)
        self.ui.sliceSpinBoxLabel.setVisible(stack)
        if check is None:
            for label in (self.ui.sizeLabel, self.ui.spacingSourceLabel, self.ui.domainLabel):
                label.setText("")
            show(self.ui.spacingSpinBox, 0.0)
            return
        if stack:
            self.ui.sliceSpinBox.setMaximum(check.sliceCount - 1)
        self._showCheck(check)

    def _showCheck(self, check):
        entered = radiograph_check.entered(self.state.radiograph).get("bone_dark")
        show(self.ui.boneSelector, next(name for name, dark in BONE_DARK.items() if dark is entered))
        spacing = check.known.get("pixel_spacing_mm")
        show(self.ui.spacingSpinBox, spacing.value[0] if spacing else 0.0)
        self.ui.spacingSourceLabel.setText(_sourceOf(check, "pixel_spacing_mm"))
        columns, rows = check.sizePx
        bone = _("bone dark") if check.boneDark.value else _("bone bright")
        self.ui.sizeLabel.setText(f"{columns} × {rows} px, {bone} ({check.boneDark.source})")
        lines = [*check.problems, *check.warnings]
        self.ui.domainLabel.setText("\n".join(lines) or _("looks like what the network was trained on"))
        colour = (PROBLEM if check.problems else WARNING)[isDark(self.panel.parent)]
        self.ui.domainLabel.setStyleSheet(f"color: {colour}" if lines else "")


def _sourceOf(check, key):
    """Where a value is from, or why there is none."""
    if key in check.known:
        return _("from: {source}").format(source=check.known[key].source) + _uneven(check.known[key].value)
    return check.missing.get(key, "")


def _uneven(spacing):
    """What the field does not show: that pixels are not square."""
    u, v = spacing
    return "" if abs(u - v) < 1e-6 else _("; pixels of {u:.4g} × {v:.4g} mm").format(u=u, v=v)
