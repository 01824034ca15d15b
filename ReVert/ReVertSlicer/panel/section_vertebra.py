"""The panel's part on where the vertebrae are: boxes and points, placed in the slice view, kept in the scene."""

import qt
from slicer.i18n import tr as _

from ReVertLib.geometry.levels import LEVELS
from ReVertSlicer.input import placement
from ReVertSlicer.scene import layout

from .section import Section, allow, guarded, silently

LEVEL, RESULT = 0, 3
"""The columns of the level, which can be edited, and of what came of it: a problem, or verdict and expected error."""


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
        self.ui.vertebraTable.itemChanged.connect(self.onRelabel)
        self._keys = [qt.QShortcut(qt.QKeySequence(level[1:]), self.panel.parent) for level in LEVELS]
        for level, key in zip(LEVELS, self._keys, strict=True):
            key.activated.connect(lambda level=level: self.onKey(level))
        self._setRow(None)

    def onPlace(self, kind):
        """The next clicks in a slice view place the level that is selected and those after it, one by one: downwards,
        or upwards from the lowest."""
        layout.showInOneSlice(self.state.radiograph)
        upwards = self.state.level == LEVELS[-1]
        self._setRow((self.state.radiograph, kind, LEVELS[::-1] if upwards else LEVELS))
        self._place()

    def onKey(self, level):
        """A digit while vertebrae are placed: the next click places this level instead."""
        self.state.level = level
        self._place()

    def _setRow(self, row):
        """row: (radiograph, kind, levels in their order) that are being placed, or None. Only then digits are keys."""
        self._row = row
        for key in self._keys:
            key.setEnabled(row is not None)

    def _place(self):
        state, (_node, kind, _levels) = self.state, self._row
        if guarded(placement.startPlacing, state.radiograph, state.level, kind, state.sliceIndex):
            text = _("Click on {level} in a slice view; 1 to 5: another level; Esc: end.")
            self.panel.showText(text.format(level=state.level))

    def _placeNext(self, before, now):
        """Goes on with the next level once the one that is selected was placed."""
        if self._row is None or len(now) != len(before) + 1 or self.state.level not in now:
            return
        _node, _kind, levels = self._row
        left = [level for level in levels[levels.index(self.state.level) + 1 :] if level not in now]
        if left:
            self.state.level = left[0]
            self._place()
        else:
            self._setRow(None)
            self.panel.showText("")

    def onRelabel(self, item):
        """A level that was typed into the table."""
        vertebra = self._placed[item.row()]
        if item.column() == LEVEL and item.text().strip() != vertebra.level:
            guarded(placement.setLevel, vertebra, item.text().strip().upper())
            self._states = None  # so that the table shows what came of it
            self.panel.refresh()

    def onRemove(self, *_args):
        row = self.ui.vertebraTable.currentRow()
        if 0 <= row < len(self._placed):
            placement.remove(self._placed[row])
            self.panel.refresh()

    def refresh(self):
        node = self.state.radiograph
        if self._row is not None and self._row[0] is not node:
            self._setRow(None)
        refusal = "" if node is not None else _("Select a radiograph first.")
        allow(self.ui.placeBoxButton, refusal)
        allow(self.ui.placePointButton, refusal)
        found, states = self.panel.placed, {state.level: state for state in self.panel.results.values()}
        if (found, states) != (self._placed, self._states):
            before, self._placed, self._states = self._placed, found, states
            with silently(self.ui.vertebraTable):
                self._fill()
            self._placeNext([vertebra.level for vertebra in before], [vertebra.level for vertebra in found])
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
                if column != LEVEL:
                    item.setFlags(qt.Qt.ItemIsSelectable | qt.Qt.ItemIsEnabled)
                table.setItem(row, column, item)
        table.setVisible(bool(self._placed))

    def _allowRemoving(self):
        chosen = self._placed and self.ui.vertebraTable.currentRow() >= 0
        allow(self.ui.removeVertebraButton, "" if chosen else _("Select a vertebra in the table first."))
