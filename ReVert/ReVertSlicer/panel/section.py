"""What the parts of the panel have in common."""

from contextlib import contextmanager

import qt
import slicer

from ReVertLib.errors import InputError
from ReVertSlicer.input.panel_words import inPanelWords

PROBLEM, WARNING = ("#b00020", "#ff8a80"), ("#8a4b00", "#ffb74d")
"""Colours of text on a light and on a dark background."""


class Section:
    """One collapsible part of the panel; connects its own widgets and keeps them up to date. spins: its fields for
    numbers that belong to the radiograph."""

    spins = ()

    def __init__(self, panel):
        self.panel, self.ui = panel, panel.ui
        self._isFilled = False

    @property
    def logic(self):
        return self.panel.logic

    @property
    def state(self):
        """The parameter node, or None while the panel is not shown."""
        return self.panel.state

    @property
    def parameters(self):
        """The parameter node at any time: work may end after the user has left the module."""
        return self.state or self.logic.getParameterNode()

    def fold(self, widget, isFilled):
        """Opens the section's widget when something has come to show and closes it when the last has gone; in between
        it stays as the user has it."""
        if isFilled != self._isFilled:
            self._isFilled = isFilled
            widget.collapsed = not isFilled

    def refresh(self):
        """Brings the widgets in agreement with the scene; called after every change, with a state."""
        raise NotImplementedError


def guarded(action, *arguments):
    """action(*arguments); an InputError is shown as one line, and None returned."""
    try:
        return action(*arguments)
    except InputError as error:
        showError(str(error))
        return None


def showError(text):
    """A message box with a line of ours or of the library, in the panel's words."""
    slicer.util.errorDisplay(inPanelWords(text))


def say(label, lines, colours=None):
    """Lines of ours or of the library in a label, in the panel's words; without any the label is hidden. colours: on a
    light and on a dark background; None: as any text."""
    text = inPanelWords("\n".join(filter(None, lines)))
    label.setText(text)
    label.setVisible(bool(text))
    label.setStyleSheet(f"color: {colours[isDark(label.window())]}" if colours else "")


def allow(widget, refusal=""):
    """Enables widget, or disables it with the reason as its tool tip."""
    usual = widget.property("usualToolTip")
    if usual is None:
        usual = widget.property("toolTip")
        widget.setProperty("usualToolTip", usual)
    widget.setEnabled(not refusal)
    widget.setToolTip(refusal or usual)


def hideNodes(selector, nodes):
    """Leaves nodes out of what a node selector offers."""
    if hasattr(selector, "sortFilterProxyModel"):  # a stand-in lists whatever it lists
        selector.sortFilterProxyModel().hiddenNodeIDs = [node.GetID() for node in nodes]


@contextmanager
def silently(widget):
    """Blocks the widget's signals inside."""
    blocked = widget.blockSignals(True)
    try:
        yield
    finally:
        widget.blockSignals(blocked)


def show(widget, value):
    """Sets the value of a spin box or the text of a combo box, silently, where it is another: setting the same again
    would throw away what the user is typing."""
    with silently(widget):
        if isinstance(value, str):
            widget.setCurrentText(value)
        elif round(min(max(value, widget.minimum), widget.maximum), widget.decimals) != widget.value:
            widget.setValue(value)


def forgetTyping(spin):
    """Shows the value of a spin box again instead of what is being typed."""
    with silently(spin):
        spin.setValue(spin.value)


def isDark(widget):
    """Whether widget has the colours of a dark theme: text that is lighter than what it stands on."""
    text, background = (widget.palette.color(role) for role in (qt.QPalette.WindowText, qt.QPalette.Window))
    return text.lightness() > background.lightness()


def chosenPath(answer):
    """The path in what a file dialog returns: a text, or in some bindings of Qt a pair of it and the filter."""
    return answer if isinstance(answer, str) else answer[0]
