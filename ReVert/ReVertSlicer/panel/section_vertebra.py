"""The panel's part on where the vertebrae are: boxes and points, placed in the slice view, kept in the scene."""

import qt
from slicer.i18n import tr as _

from ReVertSlicer.input import placement
from ReVertSlicer.scene import layout

from .section import Section, allow, guarded

RESULT = 3
"""The column of what came of it: a problem, or verdict and expected error."""


class VertebraSection(Section):
    """Lists what is placed on the radiograph and starts placing more."""

    def __init__(self, panel):
        super().__init__(panel)
        self._placed, self._states = [], {}
        header = [_("Level"), _("Placed as"), _("Centre, pixels"), _("Result")]
        self.ui.vertebraTable.setColumnCount(len(header))
        self.ui.vertebraTable.setHorizontalHeaderLabels(header)
        self.ui.vertebraTable.setVisible(False)
        self.ui.placeBoxButton.clicked.connect(lambda *_args: self.onPlace("box"))
        self.ui.placePointButton.clicked.connect(lambda *_args: self.onPlace("point"))
        self.ui.removeVertebraButton.clicked.connect(self.onRemove)
        self.ui.vertebraTable.itemSelectionChanged.connect(self._allowRemoving)

    def onPlace(self, kind):
        """The next click in a slice view places the level that is selected."""
        state = self.state
        layout.showInSlices(state.radiograph)
        guarded(lambda: placement.startPlacing(state.radiograph, state.level, kind, state.sliceIndex))

    def onRemove(self, *_args):
        row = self.ui.vertebraTable.currentRow()
        if 0 <= row < len(self._placed):
            placement.remove(self._placed[row])
            self.panel.refresh()

    def refresh(self):
        node = self.state.radiograph
        refusal = "" if node is not None else _("Select a radiograph first.")
        allow(self.ui.placeBoxButton, refusal)
        allow(self.ui.placePointButton, refusal)
        found, states = self.panel.placed, {state.level: state for state in self.panel.results.values()}
        if (found, states) != (self._placed, self._states):
            self._placed, self._states = found, states
            self._fill()
        self._allowRemoving()

    def _fill(self):
        table = self.ui.vertebraTable
        table.setRowCount(len(self._placed))
        for row, vertebra in enumerate(self._placed):
            u0, v0, u1, v1 = vertebra.boxPx
            kind = _("box") if vertebra.pointIndex is None else _("point")
            centre = f"{(u0 + u1 - 1) / 2:.0f}, {(v0 + v1 - 1) / 2:.0f}"
            state = self._states.get(vertebra.level)
            result = vertebra.problem or (state.text if state else "")
            for column, text in enumerate((vertebra.level, kind, centre, result)):
                item = qt.QTableWidgetItem(text)
                item.setToolTip((state.reason or state.verdict) if state and column == RESULT else text)
                table.setItem(row, column, item)
        table.setVisible(bool(self._placed))

    def _allowRemoving(self):
        chosen = self._placed and self.ui.vertebraTable.currentRow() >= 0
        allow(self.ui.removeVertebraButton, "" if chosen else _("Select a vertebra in the table first."))
