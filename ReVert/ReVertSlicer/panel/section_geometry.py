"""The panel's part on how the radiograph was taken: from where, and how far source, vertebra and detector are apart."""

from slicer.i18n import tr as _

from ReVertLib.geometry.layers import LayeredGeometry
from ReVertLib.geometry.views import VIEW_ANGLES
from ReVertSlicer.input import geometry_text, radiograph_check, view_geometry

from .section import WARNING, Section, allow, guarded, say, show

CUSTOM = "custom"
UNKNOWN = "not known"
READING = ("bone_dark", "half_turn")
"""How the picture is to be read."""


class GeometrySection(Section):
    """One line that opens when something is missing. Shows what is known, from wherever; what is entered is kept on the
    radiograph's node and comes first."""

    def __init__(self, panel):
        super().__init__(panel)
        self._radiograph, self._asked = None, ()
        self.ui.viewSelector.addItems([*view_geometry.VIEWS, CUSTOM, UNKNOWN])
        self._spins = {
            "sdd_mm": self.ui.sddSpinBox,
            "sod_mm": self.ui.sodSpinBox,
            "yaw_deg": self.ui.yawSpinBox,
            "pitch_deg": self.ui.pitchSpinBox,
            "roll_deg": self.ui.rollSpinBox,
        }
        for key, spin in self._spins.items():
            spin.valueChanged.connect(lambda value, key=key, least=spin.minimum: self.onValue(key, value, least))
        self.spins = (*self._spins.values(), self.ui.magnificationSpinBox, self.ui.spacingSpinBox)
        self.ui.magnificationSpinBox.valueChanged.connect(self.onMagnification)
        self.ui.spacingSpinBox.valueChanged.connect(self.onSpacing)
        self.ui.viewSelector.currentIndexChanged.connect(self.onView)
        self.ui.resetGeometryButton.clicked.connect(self.onReset)
        for button in (self.ui.placeBoxButton, self.ui.placePointButton, self.ui.reconstructButton):
            button.clicked.connect(self.onNextStep)

    def onValue(self, key, value, least):
        """The least value of a field reads "not known"."""
        self._enter(**{key: value if value > least else None})

    def onView(self, index):
        views = list(view_geometry.VIEWS.values())
        if 0 <= index < len(views):
            self._enter(**dict(zip(VIEW_ANGLES, views[index], strict=True)))
        elif self.ui.viewSelector.currentText == UNKNOWN:
            self._enter(**dict.fromkeys(VIEW_ANGLES))
        else:  # custom is what the angles make it
            self.panel.refresh()

    def onMagnification(self, value):
        """Source to detector stays; source to object is what the magnification makes of it."""
        check = self.panel.check
        if check and value > 1 and "sdd_mm" in check.known:
            self._enter(sod_mm=check.known["sdd_mm"].value / value)

    def onSpacing(self, value):
        """The field shows the spacing of columns; that of rows keeps its proportion to it."""
        known = self.panel.check.known.get("pixel_spacing_mm") if self.panel.check else None
        aspect = known.value[1] / known.value[0] if known else 1.0
        self._enter(pixel_spacing_mm=[value, value * aspect] if value > 0 else None)

    def onReset(self, *_args):
        self._enter(**dict.fromkeys(("sdd_mm", "sod_mm", "pixel_spacing_mm", *VIEW_ANGLES, *READING)))

    def onNextStep(self, *_args):
        """The user has gone on: what is known needs one line."""
        self.ui.geometrySection.collapsed = not self._asked

    def _enter(self, **values):
        if self.panel.check is not None:
            guarded(lambda: radiograph_check.enter(self.state.radiograph, **values))
            self.panel.refresh()

    def refresh(self):
        check = self.panel.check
        layers = LayeredGeometry(check.known if check else {})
        for widget in (*self.spins, self.ui.viewSelector):
            allow(widget, "" if check else _("Select a radiograph first."))
        self._showValues(layers)
        self.ui.geometrySection.text = _("Geometry: {line}").format(line=geometry_text.summary(check))
        asked = geometry_text.asked(check)
        hasScale = self.panel.film is not None and bool(check.missing)
        hint = _("Without it the scale of the film is found otherwise, and less well.") if hasScale else ""
        say(self.ui.geometryAskedLabel, [*asked, hint], WARNING)
        self._open(tuple(asked))
        say(self.ui.geometrySourceLabel, geometry_text.sources(check))
        say(self.ui.sizeEffectLabel, [view_geometry.sizeEffect(layers.values)])
        for caption, label in (("geometryCaption", "geometrySourceLabel"), ("effectCaption", "sizeEffectLabel")):
            getattr(self.ui, caption).setVisible(bool(getattr(self.ui, label).text))
        entered = check is not None and bool(radiograph_check.entered(self.state.radiograph))
        allow(self.ui.resetGeometryButton, "" if entered else _("Nothing was entered for this radiograph."))

    def _showValues(self, layers):
        known, view = layers.values, layers.view
        for key, spin in self._spins.items():
            show(spin, float({**known, **view}.get(key, spin.minimum)))
        show(self.ui.spacingSpinBox, known["pixel_spacing_mm"][0] if "pixel_spacing_mm" in known else 0.0)
        show(self.ui.viewSelector, (view_geometry.viewOf(tuple(view.values())) or CUSTOM) if view else UNKNOWN)
        both = "sdd_mm" in known and "sod_mm" in known
        show(self.ui.magnificationSpinBox, known["sdd_mm"] / known["sod_mm"] if both else 0.0)

    def _open(self, asked):
        """Open where something is missing. It closes with another radiograph or the next step, not with the last value
        that is entered: the field must not go away from under the one who has just filled it."""
        another = self.state.radiograph is not self._radiograph
        if another or set(asked) - set(self._asked):
            self.ui.geometrySection.collapsed = not asked
        self._radiograph, self._asked = self.state.radiograph, asked
