"""A small host for the module without the Slicer application.

slicer-core brings the real MRML scene and the real slicer.util; PySide6 stands in for `qt`. What only the application
has is imitated here as far as ReVert.py uses it: the scripted module base classes, parameterNodeWrapper, i18n, the
loading of a .ui file and two widgets. Import this file before ReVert.py, then `load()` the module.
"""

import importlib.util
import json
import os
import sys
import types
import typing
import unittest
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import slicer
import slicer.util
import vtk
from PySide6 import QtCore, QtGui, QtUiTools, QtWidgets

MODULE_FILE = Path(__file__).resolve().parent.parent / "ReVert" / "ReVert.py"

messages: list[tuple[str, str]] = []
"""(kind, text) of every message the module has shown."""


class MRMLWidget(QtWidgets.QWidget):
    """qMRMLWidget: hands its scene on to the widgets below it."""

    isEntered = True

    def setMRMLScene(self, scene):
        for child in self.findChildren(NodeComboBox):
            child.setMRMLScene(scene)


class CollapsibleButton(QtWidgets.QGroupBox):
    """ctkCollapsibleButton, always open."""


class NodeComboBox(QtWidgets.QComboBox):
    """qMRMLNodeComboBox: lists the scene's nodes of its nodeTypes property, with None first."""

    currentNodeChanged = QtCore.Signal(object)

    def setMRMLScene(self, scene):
        self._scene = scene
        for event in (scene.NodeAddedEvent, scene.NodeRemovedEvent):
            scene.AddObserver(event, lambda *_: self._list())
        self.currentIndexChanged.connect(lambda _: self.currentNodeChanged.emit(self.currentNode()))
        self._list()

    def _list(self):
        current = self.currentNode()
        nodes = [node for kind in self.property("nodeTypes") for node in slicer.util.getNodesByClass(kind)]
        self.blockSignals(True)
        self.clear()
        for node in [None, *nodes]:
            self.addItem(node.GetName() if node else "None", node.GetID() if node else "")
        self.blockSignals(False)
        self.setCurrentNode(current)

    def currentNode(self):
        return self._scene.GetNodeByID(self.currentData()) if self.currentData() else None

    def setCurrentNode(self, node):
        self.setCurrentIndex(max(self.findData(node.GetID() if node else ""), 0))


class ParameterNode:
    """What parameterNodeWrapper makes of a class: typed properties kept in a vtkMRMLScriptedModuleNode."""

    def __init__(self, node):
        self.parameterNode = node

    def AddObserver(self, event, method, priority=0.0):
        return self.parameterNode.AddObserver(event, method, priority)

    def RemoveObserver(self, tag):
        self.parameterNode.RemoveObserver(tag)

    def connectGui(self, ui):
        bindings = []
        for widget in vars(ui).values():
            name = widget.property("SlicerParameterName")
            if name:
                bindings.append(_Binding(self, name, widget))
        return bindings

    def disconnectGui(self, bindings):
        for binding in bindings:
            binding.close()


class _Binding:
    """One widget and one parameter, kept equal both ways."""

    def __init__(self, parameters, name, widget):
        self.parameters, self.name, self.widget = parameters, name, widget
        choices = getattr(parameters, "choices", {}).get(name)
        if isinstance(widget, NodeComboBox):
            self.signal, self.read, self.write = widget.currentNodeChanged, widget.currentNode, widget.setCurrentNode
        elif isinstance(widget, QtWidgets.QComboBox):
            widget.clear()
            widget.addItems(choices)
            self.signal, self.read, self.write = widget.currentTextChanged, widget.currentText, widget.setCurrentText
        else:
            widget.setRange(*parameters.ranges[name])
            self.signal, self.read, self.write = widget.valueChanged, widget.value, widget.setValue
        self.to_widget()
        self.signal.connect(self.to_node)
        self.tag = parameters.AddObserver(vtk.vtkCommand.ModifiedEvent, self.to_widget)

    def to_node(self, *_):
        setattr(self.parameters, self.name, self.read())

    def to_widget(self, *_):
        self.write(getattr(self.parameters, self.name))

    def close(self):
        self.signal.disconnect(self.to_node)
        self.parameters.RemoveObserver(self.tag)


class Choice:
    def __init__(self, choices):
        self.choices = choices


class WithinRange:
    def __init__(self, minimum, maximum):
        self.minimum, self.maximum = minimum, maximum


def parameter_node_wrapper(cls):
    """The class decorator: every annotated name becomes a property over the MRML node."""
    members = {"choices": {}, "ranges": {}}
    for name, annotated in typing.get_type_hints(cls, include_extras=True).items():
        kind, *extras = typing.get_args(annotated) or (annotated,)
        for extra in extras:
            if isinstance(extra, Choice):
                members["choices"][name] = extra.choices
            else:
                members["ranges"][name] = (extra.minimum, extra.maximum)
        is_node = issubclass(kind, slicer.vtkMRMLNode)
        members[name] = _node_property(name) if is_node else _value_property(name, getattr(cls, name, kind()))
    return type(cls.__name__, (ParameterNode,), members)


def _node_property(name):
    def put(self, node):
        self.parameterNode.SetNodeReferenceID(name, node.GetID() if node else None)
        self.parameterNode.Modified()

    return property(lambda self: self.parameterNode.GetNodeReference(name), put)


def _value_property(name, default):
    def get(self):
        text = self.parameterNode.GetParameter(name)
        return json.loads(text) if text else default

    return property(get, lambda self, value: self.parameterNode.SetParameter(name, json.dumps(value)))


class ScriptedLoadableModule:
    def __init__(self, parent):
        self.parent = parent


class ScriptedLoadableModuleWidget:
    def __init__(self, parent=None):
        super().__init__()
        self.parent = parent or MRMLWidget()
        self.layout = QtWidgets.QVBoxLayout(self.parent)

    def resourcePath(self, name):
        return str(MODULE_FILE.parent / "Resources" / name)

    def setup(self):
        pass


class ScriptedLoadableModuleLogic:
    def __init__(self, parent=None):
        super().__init__()

    def getParameterNode(self):
        name = type(self).__name__.removesuffix("Logic")
        found = slicer.mrmlScene.GetSingletonNode(name, "vtkMRMLScriptedModuleNode")
        if found is None:
            node = slicer.vtkMRMLScriptedModuleNode()
            node.SetSingletonTag(name)
            found = slicer.mrmlScene.AddNode(node)
        return found


class ScriptedLoadableModuleTest(unittest.TestCase):
    pass


CUSTOM_WIDGETS = tuple(
    type(name, (widget,), {})
    for name, widget in (
        ("qMRMLWidget", MRMLWidget),
        ("qMRMLNodeComboBox", NodeComboBox),
        ("ctkCollapsibleButton", CollapsibleButton),
    )
)
"""Kept for good: the loader registers them for the whole process, but does not keep them alive."""


def load_ui(path):
    loader = QtUiTools.QUiLoader()
    for widget in CUSTOM_WIDGETS:
        loader.registerCustomWidget(widget)
    return loader.load(str(path))


def child_widgets(widget):
    named = (child for child in widget.findChildren(QtWidgets.QWidget) if child.objectName())
    return types.SimpleNamespace(**{child.objectName(): child for child in named})


def _module(name, **members):
    module = types.ModuleType(name)
    vars(module).update(members)
    sys.modules[name] = module


def load():
    """ReVert.py as a module, in a fresh scene."""
    slicer.mrmlScene = slicer.vtkMRMLScene()
    messages.clear()
    spec = importlib.util.spec_from_file_location("ReVert", MODULE_FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


application = QtWidgets.QApplication.instance() or QtWidgets.QApplication([])
slicer.app = types.SimpleNamespace(processEvents=application.processEvents)
slicer.util.loadUI, slicer.util.childWidgetVariables = load_ui, child_widgets
slicer.util.errorDisplay = lambda text, **_: messages.append(("error", text))
slicer.util.infoDisplay = lambda text, **_: messages.append(("info", text))
slicer.util.resetThreeDViews = lambda: messages.append(("views", "reset"))
_module("qt", **{name: value for part in (QtCore, QtGui, QtWidgets) for name, value in vars(part).items()})
_module("slicer.i18n", tr=lambda text: text, translate=lambda _context, text: text)
_module(
    "slicer.parameterNodeWrapper",
    parameterNodeWrapper=parameter_node_wrapper,
    Choice=Choice,
    WithinRange=WithinRange,
)
_module(
    "slicer.ScriptedLoadableModule",
    ScriptedLoadableModule=ScriptedLoadableModule,
    ScriptedLoadableModuleWidget=ScriptedLoadableModuleWidget,
    ScriptedLoadableModuleLogic=ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest=ScriptedLoadableModuleTest,
)
