"""The panel's part on how the radiograph was taken: from where, and how far source, vertebra and detector are apart."""

from slicer.i18n import tr as _

from ReVertSlicer.input import radiograph_check, view_geometry

from .section import Section, allow, guarded, show

LENGTHS = ("sdd_mm", "sod_mm")
ANGLES = ("yaw_deg", "pitch_deg", "roll_deg")
CUSTOM = "custom"
UNKNOWN = "not known"


class GeometrySection(Section):
    """Shows what is known, from wherever; what is entered is kept on the radiograph's node and comes first."""

    def __init__(self, panel):
        super().__init__(panel)
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
        self.spins = (*self._spins.values(), self.ui.magnificationSpinBox)
        self.ui.magnificationSpinBox.valueChanged.connect(self.onMagnification)
        self.ui.viewSelector.currentIndexChanged.connect(self.onView)
        self.ui.resetGeometryButton.clicked.connect(self.onReset)

    def onValue(self, key, value, least):
        """The least value of a field reads "not known"."""
        self._enter(**{key: value if value > least else None})

    def onView(self, index):
        views = list(view_geometry.VIEWS.values())
        if 0 <= index < len(views):
            self._enter(**dict(zip(ANGLES, views[index], strict=True)))
        elif self.ui.viewSelector.currentText == UNKNOWN:
            self._enter(**dict.fromkeys(ANGLES))
        else:  # custom is what the angles make it
            self.panel.refresh()

    def onMagnification(self, value):
        """SDD stays; SOD is what the magnification makes of it."""
        check = self.panel.check
        if check and value > 1 and "sdd_mm" in check.known:
            self._enter(sod_mm=check.known["sdd_mm"].value / value)

    def onReset(self, *_args):
        self._enter(**dict.fromkeys((*LENGTHS, *ANGLES, "pixel_spacing_mm", "bone_dark")))

    def _enter(self, **values):
        if self.panel.check is not None:
            guarded(lambda: radiograph_check.enter(self.state.radiograph, **values))
            self.panel.refresh()

    def refresh(self):
        check = self.panel.check
        known = {key: found.value for key, found in check.known.items()} if check else {}
        view = {angle: known.get(angle, 0.0) for angle in ANGLES} if known.keys() & set(ANGLES) else {}
        for key, spin in self._spins.items():
            allow(spin, "" if check else _("Select a radiograph first."))
            show(spin, float({**known, **view}.get(key, spin.minimum)))
        for widget in (self.ui.viewSelector, self.ui.magnificationSpinBox):
            allow(widget, "" if check else _("Select a radiograph first."))
        show(self.ui.viewSelector, (view_geometry.viewOf(tuple(view.values())) or CUSTOM) if view else UNKNOWN)
        both = all(key in known for key in LENGTHS)
        show(self.ui.magnificationSpinBox, known["sdd_mm"] / known["sod_mm"] if both else 0.0)
        self.ui.geometrySourceLabel.setText(self._sources(check) if check else "")
        self.ui.sizeEffectLabel.setText(view_geometry.sizeEffect(known))
        entered = check is not None and bool(radiograph_check.entered(self.state.radiograph))
        allow(self.ui.resetGeometryButton, "" if entered else _("Nothing was entered for this radiograph."))

    @staticmethod
    def _sources(check):
        """The source of each length and of the view, or that it has to be entered."""
        names = {"sdd_mm": "SDD", "sod_mm": "SOD", "yaw_deg": _("view")}
        found = (f"{name}: {check.known[key].source}" for key, name in names.items() if key in check.known)
        asked = (f"{names.get(key, key)}: {reason}" for key, reason in check.missing.items() if key in names)
        return "\n".join([*found, *asked])
