"""The panel's part on where the vertebrae are: boxes and points, placed in the slice view, kept in the scene."""

import qt
from slicer.i18n import tr as _

from ReVertLib.geometry.levels import LEVELS
from ReVertSlicer.input import placement, placing
from ReVertSlicer.input.panel_words import inPanelWords
from ReVertSlicer.scene import layout

from .section import Section, allow, guarded, silently

LEVEL, RESULT = 0, 3
"""The columns of the level, which can be edited, and of what came of it: a problem, or verdict and expected error."""

FRAME_PX = 6
"""What the table is higher than its heading and rows."""


class VertebraSection(Section):
    """Lists what is placed on the radiograph and starts placing more."""

    def __init__(self, panel):
        super().__init__(panel)
        self._placed, self._states = [], {}
        self._row = self._asked = None
        header = [_("Level"), _("Placed as"), _("Centre, pixels"), _("Result")]
        self.ui.vertebraTable.setColumnCount(len(header))
        self.ui.vertebraTable.setHorizontalHeaderLabels(header)
        self.ui.vertebraTable.verticalHeader().setVisible(False)
        columns = self.ui.vertebraTable.horizontalHeader()
        columns.setSectionResizeMode(qt.QHeaderView.ResizeToContents)
        columns.setSectionResizeMode(RESULT, qt.QHeaderView.Stretch)
        self._buttons = {placement.BOX: self.ui.placeBoxButton, placement.POINT: self.ui.placePointButton}
        for kind, button in self._buttons.items():
            button.clicked.connect(lambda *_args, kind=kind: self.onPlace(kind))
        self.ui.removeVertebraButton.clicked.connect(self.onRemove)
        self.ui.vertebraTable.itemSelectionChanged.connect(self._allowRemoving)
        self.ui.vertebraTable.itemChanged.connect(self.onRelabel)
        self._keys = [self._key(level[1:], lambda level=level: self.onKey(level)) for level in LEVELS]
        self._keys.append(self._key("Esc", self.stopPlacing))
        self._setRow(None)

    def _key(self, name, action):
        key = qt.QShortcut(qt.QKeySequence(name), self.panel.parent)
        key.activated.connect(action)
        key.activatedAmbiguously.connect(action)  # another one of Slicer's has the same key
        return key

    def onPlace(self, kind):
        """The next clicks in a slice view place the level that is selected and those after it, one by one: downwards,
        or upwards from the lowest. A second click on the button ends that."""
        if self._row is not None and self._row[1] == kind:
            self.stopPlacing()
            return
        layout.showInOneSlice(self.state.radiograph)
        upwards = self.state.level == LEVELS[-1]
        self._setRow((self.state.radiograph, kind, LEVELS[::-1] if upwards else LEVELS))
        self._place(self.state.level)

    def onKey(self, level):
        """A digit while vertebrae are placed: the next click places this level instead."""
        self.state.level = level  # the refresh that follows does the rest

    def stopPlacing(self):
        if self._row is not None:
            node, *_ = self._row
            self._setRow(None)
            placing.stopPlacing(node)
            self.panel.showText("")

    def _setRow(self, row):
        """row: (radiograph, kind, levels in their order) that are being placed, or None. Only then digits and Esc are
        keys, and the button of the kind is down."""
        self._row, self._asked = row, None
        for key in self._keys:
            key.setEnabled(row is not None)
        for kind, button in self._buttons.items():
            button.setChecked(row is not None and row[1] == kind)

    def _place(self, level):
        """Asks for a click on level. Where that cannot be placed, the one that was asked for before is asked for on."""
        state, (node, kind, _levels) = self.state, self._row
        if guarded(placing.startPlacing, node, level, kind, state.sliceIndex):
            text = _("Click on {level} in a slice view; 1 to 5: another level; Esc: end.")
            self.panel.showText(text.format(level=level))
            self._asked = level
        if self._asked is None:
            self.stopPlacing()
        else:
            state.level = self._asked

    def _placeNext(self, before, now):
        """Goes on with the next level once the one that was asked for is placed; ends when Slicer has ended placing."""
        if self._row is None or self._asked is None:
            return
        if len(now) == len(before) + 1 and self._asked in now:
            levels = self._row[2]
            left = [level for level in levels[levels.index(self._asked) + 1 :] if level not in now]
            if left:
                self._place(left[0])
            else:
                self.stopPlacing()
        elif not placing.isPlacing():
            self.stopPlacing()
        elif self.state.level != self._asked:
            self._place(self.state.level)

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
            self.stopPlacing()
        for button in self._buttons.values():
            allow(button, "" if node is not None else _("Select a radiograph first."))
        found, states = self.panel.placed, {state.level: state for state in self.panel.results.values()}
        before = [vertebra.level for vertebra in self._placed]
        if (found, states) != (self._placed, self._states):
            self._placed, self._states = found, states
            with silently(self.ui.vertebraTable):
                self._fill()
        for widget in (self.ui.vertebraTable, self.ui.removeVertebraButton):
            widget.setVisible(bool(found))
        self._allowRemoving()
        self._placeNext(before, [vertebra.level for vertebra in found])

    def _fill(self):
        table = self.ui.vertebraTable
        table.setRowCount(len(self._placed))
        for row, vertebra in enumerate(self._placed):
            u0, v0, u1, v1 = vertebra.boxPx
            kind = _("box") if vertebra.pointIndex is None else _("point")
            centre = f"{(u0 + u1 - 1) / 2:.0f}, {(v0 + v1 - 1) / 2:.0f}"
            state = self._states.get(vertebra.level)
            result = inPanelWords(vertebra.problem) or (state.text if state else "")
            for column, text in enumerate((vertebra.level, kind, centre, result)):
                item = qt.QTableWidgetItem(text)
                item.setToolTip((state.reason or state.verdict) if state and column == RESULT else text)
                if column != LEVEL:
                    item.setFlags(qt.Qt.ItemIsSelectable | qt.Qt.ItemIsEnabled)
                table.setItem(row, column, item)
        table.resizeRowsToContents()
        table.setFixedHeight((len(self._placed) + 1) * table.rowHeight(0) + FRAME_PX)

    def _allowRemoving(self):
        chosen = self._placed and self.ui.vertebraTable.currentRow() >= 0
        allow(self.ui.removeVertebraButton, "" if chosen else _("Select a vertebra in the table first."))
