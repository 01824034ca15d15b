"""PySide6 made to look like Slicer's `qt`, and the few CTK and qMRML widgets the module's .ui file names.

PythonQt hands out a Qt property as an attribute, where PySide6 has a method: `spinBox.value = 3`, `label.text`. So that
the module's code runs unchanged, every property of every Qt class becomes an attribute here. The attribute of a class
(not of an object) stays what PySide6 made it: `QTimer.singleShot` is a function and a property of the same name.
"""

import os
import sys
import types

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import slicer
from PySide6 import QtCore, QtGui, QtUiTools, QtWidgets

application = QtWidgets.QApplication.instance() or QtWidgets.QApplication([])


class _Attribute:
    """A Qt property as an attribute of the objects of a class."""

    def __init__(self, name, original):
        self.name, self.original = name, original

    def __get__(self, widget, owner):
        if widget is None:
            return self.original if not hasattr(self.original, "__get__") else self.original.__get__(None, owner)
        return widget.property(self.name)

    def __set__(self, widget, value):
        widget.setProperty(self.name, value)


VIRTUAL = ("sizeHint", "minimumSizeHint")
"""Properties that Qt asks the object itself for, by a virtual method; they stay methods here."""


def _give_attributes(qt_class):
    meta = qt_class.staticMetaObject
    for index in range(meta.propertyOffset(), meta.propertyCount()):
        name = meta.property(index).name()
        if name not in VIRTUAL:
            setattr(qt_class, name, _Attribute(name, vars(qt_class).get(name)))


def _qt_members():
    return {name: getattr(part, name) for part in (QtCore, QtGui, QtWidgets) for name in dir(part)}


for _member in _qt_members().values():
    if isinstance(_member, type) and hasattr(_member, "staticMetaObject") and issubclass(_member, QtCore.QObject):
        _give_attributes(_member)
QtCore.QObject.name = _Attribute("objectName", None)


def _write(device, data, original=QtCore.QIODevice.write):
    """PythonQt has an overload for C strings, which ends at the first NUL; which one bytes get, it does not promise."""
    if not isinstance(data, QtCore.QByteArray):
        raise TypeError(f"write: expected a QByteArray, got {type(data).__name__}")
    return original(device, data)


QtCore.QIODevice.write = _write


class qMRMLWidget(QtWidgets.QWidget):
    """Hands its scene on to the widgets below it."""

    isEntered = True

    def setMRMLScene(self, scene):
        for child in self.findChildren(qMRMLNodeComboBox):
            child.setMRMLScene(scene)


class ctkCollapsibleButton(QtWidgets.QWidget):
    """A bar with an arrow and a title, which a click opens and closes. Collapsed, it hides what is in it; what was
    hidden or shown meanwhile is so when it opens."""

    BAR_PX = 24
    WANTED = "visibilityToParent"

    def __init__(self, parent=None):
        super().__init__(parent)
        self._collapsed, self._text, self._forcing = False, "", False
        self.setContentsMargins(0, self.BAR_PX, 0, 0)

    def childEvent(self, event):
        if event.added() and event.child().isWidgetType():
            event.child().installEventFilter(self)

    def eventFilter(self, child, event):
        shown = event.type() == QtCore.QEvent.Type.ShowToParent
        if (shown or event.type() == QtCore.QEvent.Type.HideToParent) and not self._forcing:
            child.setProperty(self.WANTED, shown)
            if shown and self._collapsed:
                self._collapse(True)
        return False

    def _collapse(self, collapsed):
        self._collapsed, self._forcing = collapsed, True
        for child in self.findChildren(QtWidgets.QWidget, options=QtCore.Qt.FindDirectChildrenOnly):
            child.setVisible(not collapsed and child.property(self.WANTED) is not False)
        self._forcing = False
        self.setMaximumHeight(self.BAR_PX if collapsed else 16777215)

    def _rename(self, text):
        self._text = text
        self.setMinimumWidth(self.fontMetrics().horizontalAdvance(text) + 2 * self.BAR_PX)
        self.update()

    def mousePressEvent(self, event):
        if event.position().y() < self.BAR_PX:
            self._collapse(not self._collapsed)

    def paintEvent(self, _event):
        painter, style, option = QtWidgets.QStylePainter(self), self.style(), QtWidgets.QStyleOptionButton()
        option.initFrom(self)
        option.rect = QtCore.QRect(0, 0, self.width, self.BAR_PX)
        painter.drawControl(style.ControlElement.CE_PushButtonBevel, option)
        option.rect = QtCore.QRect(6, 6, 12, 12)
        arrows = style.PrimitiveElement
        painter.drawPrimitive(
            arrows.PE_IndicatorArrowRight if self._collapsed else arrows.PE_IndicatorArrowDown, option
        )
        title = QtCore.QRect(self.BAR_PX, 0, self.width - self.BAR_PX, self.BAR_PX)
        painter.drawText(title, QtCore.Qt.AlignVCenter | QtCore.Qt.AlignLeft, self._text)

    collapsed = QtCore.Property(bool, lambda self: self._collapsed, _collapse)
    text = QtCore.Property(str, lambda self: self._text, _rename)


class _Filter:
    """The part of qMRMLSortFilterProxyModel that hides nodes from the one who shows them."""

    def __init__(self, listing):
        self._hidden, self._listing = (), listing

    @property
    def hiddenNodeIDs(self):
        return self._hidden

    @hiddenNodeIDs.setter
    def hiddenNodeIDs(self, node_ids):
        if self._hidden != tuple(node_ids):
            self._hidden = tuple(node_ids)
            self._listing()


class qMRMLNodeComboBox(QtWidgets.QComboBox):
    """Lists the scene's nodes of its nodeTypes property, with None first."""

    currentNodeChanged = QtCore.Signal(object)
    nodeTypes: list

    def __init__(self, parent=None):
        super().__init__(parent)
        self._filter = _Filter(self._list)

    def sortFilterProxyModel(self):
        return self._filter

    def setMRMLScene(self, scene):
        self._scene, self._shown = scene, None
        for event in (scene.NodeAddedEvent, scene.NodeRemovedEvent, scene.EndImportEvent, scene.EndCloseEvent):
            scene.AddObserver(event, lambda *_: self._list())
        self.currentIndexChanged.connect(lambda *_: self._tell())
        self._list()

    def _list(self):
        current = self.currentNode()
        nodes = [node for kind in self.property("nodeTypes") or [] for node in slicer.util.getNodesByClass(kind)]
        hidden = self._filter.hiddenNodeIDs
        nodes = [node for node in nodes if not node.GetHideFromEditors() and node.GetID() not in hidden]
        self.blockSignals(True)
        self.clear()
        for node in [None, *nodes]:
            self.addItem(node.GetName() if node else "None", node.GetID() if node else "")
        self.setCurrentIndex(max(self.findData(current.GetID() if current else ""), 0))
        self.blockSignals(False)
        self._tell()

    def _tell(self):
        node_id = self.currentData
        if node_id != self._shown:
            self._shown = node_id
            self.currentNodeChanged.emit(self.currentNode())

    def currentNode(self):
        return self._scene.GetNodeByID(self.currentData) if self.currentData else None

    def setCurrentNode(self, node):
        self.setCurrentIndex(max(self.findData(node.GetID() if node else ""), 0))


CUSTOM_WIDGETS = (qMRMLWidget, qMRMLNodeComboBox, ctkCollapsibleButton)
"""Kept for good: the loader registers them for the whole process, but does not keep them alive."""


def load_ui(path):
    """slicer.util.loadUI."""
    loader = QtUiTools.QUiLoader()
    for widget in CUSTOM_WIDGETS:
        loader.registerCustomWidget(widget)
    before = QtCore.qInstallMessageHandler(_without_scene_connections)
    try:
        return loader.load(str(path))
    finally:
        QtCore.qInstallMessageHandler(before)


def _without_scene_connections(_kind, _context, text):
    """The .ui connects the scene's signal as C++ types it; here qMRMLWidget.setMRMLScene hands it on by itself."""
    if "mrmlSceneChanged" not in text and "er name:" not in text:
        sys.stderr.write(text + "\n")


def child_widgets(widget):
    """slicer.util.childWidgetVariables."""
    named = {child.objectName: child for child in widget.findChildren(QtWidgets.QWidget) if child.objectName}
    return types.SimpleNamespace(**named)


class _WidgetModule(types.ModuleType):
    """`ctk`, or the widget classes of `slicer`: a class of its own for every widget that is asked for."""

    def __getattr__(self, name):
        if not name.startswith(("ctk", "q")):
            raise AttributeError(name)
        setattr(self, name, type(name, (QtWidgets.QWidget,), {}))
        return getattr(self, name)


POLL_MS = 5


def run_until(condition, seconds=10.0):
    """Lets Qt's event loop run until condition() or the time is up; whether it came true. It sleeps between events."""
    loop, deadline = QtCore.QEventLoop(), QtCore.QDeadlineTimer(int(seconds * 1000))
    tick = QtCore.QTimer()
    tick.start(POLL_MS)
    while not condition() and not deadline.hasExpired():
        loop.processEvents(QtCore.QEventLoop.ProcessEventsFlag.WaitForMoreEvents)
    return bool(condition())


def install():
    """Puts `qt` and `ctk` where the module's imports find them."""
    qt = types.ModuleType("qt")
    vars(qt).update(_qt_members())
    ctk = _WidgetModule("ctk")
    widgets = _WidgetModule("slicer_widgets")
    for widget in CUSTOM_WIDGETS:
        setattr(ctk if widget.__name__.startswith("ctk") else widgets, widget.__name__, widget)
    for name in ("qMRMLWidget", "qMRMLNodeComboBox", "qSlicerWidget", "qMRMLSliderWidget", "qMRMLSpinBox"):
        setattr(slicer, name, getattr(widgets, name))
    slicer.qMRMLRangeWidget = widgets.qMRMLRangeWidget
    sys.modules["qt"], sys.modules["ctk"] = qt, ctk
