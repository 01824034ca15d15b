"""Slicer's Python layer for the host: imitated as far as the module uses it, or the real one.

When the environment variable SLICER_PYTHON_LAYER names the folder Base/Python of a checkout of Slicer, the real
ScriptedLoadableModule, parameterNodeWrapper, i18n and packaging are used instead of the imitations.
"""

import os
import sys
import types
import typing
import unittest
from pathlib import Path

import slicer
import vtk
from PySide6 import QtWidgets
from qt_host import qMRMLNodeComboBox, qMRMLWidget

REAL_LAYER = os.environ.get("SLICER_PYTHON_LAYER")
MODULE_FILE = Path(__file__).resolve().parents[2] / "ReVert" / "ReVert.py"


class ParameterNode:
    """What parameterNodeWrapper makes of a class: typed properties kept in a vtkMRMLScriptedModuleNode."""

    def __init__(self, node):
        self.parameterNode = node

    def AddObserver(self, event, method, priority=0.0):
        return self.parameterNode.AddObserver(event, method, priority)

    def RemoveObserver(self, tag):
        self.parameterNode.RemoveObserver(tag)

    def StartModify(self):
        return self.parameterNode.StartModify()

    def EndModify(self, was_modified):
        self.parameterNode.EndModify(was_modified)

    def connectGui(self, ui):
        named = {widget.property("SlicerParameterName"): widget for widget in vars(ui).values()}
        return [_Binding(self, name, widget) for name, widget in named.items() if name]

    def disconnectGui(self, bindings):
        for binding in bindings:
            binding.close()


class _Binding:
    """One widget and one parameter, kept equal both ways."""

    def __init__(self, parameters, name, widget):
        self.parameters, self.name = parameters, name
        self.signal, self.read, self.write = _access(widget, parameters, name)
        self.to_widget()
        self.signal.connect(self.to_node)
        self.tag = parameters.AddObserver(vtk.vtkCommand.ModifiedEvent, self.to_widget)

    def to_node(self, *_):
        if self.read() != getattr(self.parameters, self.name):
            setattr(self.parameters, self.name, self.read())

    def to_widget(self, *_):
        self.write(getattr(self.parameters, self.name))

    def close(self):
        self.signal.disconnect(self.to_node)
        self.parameters.RemoveObserver(self.tag)


def _access(widget, parameters, name):
    """(signal, read, write) of a widget."""
    if isinstance(widget, qMRMLNodeComboBox):
        return widget.currentNodeChanged, widget.currentNode, widget.setCurrentNode
    if isinstance(widget, QtWidgets.QComboBox):
        choices = parameters.choices[name]
        widget.clear()
        widget.addItems(choices)
        return (
            widget.currentIndexChanged,
            lambda: choices[widget.currentIndex],
            lambda value: widget.setCurrentIndex(choices.index(value)),  # ValueError for none of them, as in Slicer
        )
    if isinstance(widget, QtWidgets.QCheckBox):
        return widget.toggled, widget.isChecked, widget.setChecked
    if isinstance(widget, QtWidgets.QLineEdit):
        return widget.textChanged, lambda: widget.text, widget.setText
    widget.setRange(*parameters.ranges[name])
    return widget.valueChanged, lambda: widget.value, widget.setValue


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
        if isinstance(default, bool):
            return text == "True" if text else default
        return type(default)(text) if text else default

    return property(get, lambda self, value: self.parameterNode.SetParameter(name, str(value)))


class ScriptedLoadableModule:
    def __init__(self, parent):
        self.parent = parent


class ScriptedLoadableModuleWidget:
    def __init__(self, parent=None):
        super().__init__()
        self.parent = parent or qMRMLWidget()
        self.layout = QtWidgets.QVBoxLayout(self.parent)
        if not parent:
            self.setup()

    def resourcePath(self, name):
        return str(MODULE_FILE.parent / "Resources" / name)

    def setup(self):
        pass

    def cleanup(self):
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
    def delayDisplay(self, message):
        """Slicer shows the message for a moment."""


def _module(name, **members):
    module = types.ModuleType(name)
    vars(module).update(members)
    sys.modules[name] = module
    parent, _, child = name.rpartition(".")
    setattr(sys.modules[parent], child, module)


def install():
    """Puts the layer where the module's imports find it."""
    if REAL_LAYER:
        slicer.__path__.append(str(Path(REAL_LAYER) / "slicer"))
        return
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
