"""A small host for the module without the Slicer application.

slicer-core brings the real MRML scene and the real slicer.util; PySide6 stands in for `qt` (qt_host.py). Slicer's
Python layer is imitated, or the real one where there is a checkout (layer_host.py). What else only the application has
is here.
Import this file before ReVert.py, then `load()` the module.
"""

import importlib.util
import sys
import types
from pathlib import Path
from weakref import WeakSet

import layer_host
import qt_host
import scene_host
import slicer
import slicer.util
import vtk
from layer_host import MODULE_FILE
from qt_host import run_until

__all__ = ["MODULE_FILE", "answers", "load", "messages", "run_until"]

SUPPORT = Path(__file__).resolve().parent
"""The folder of this file, from which a fresh process finds it."""

messages: list[tuple[str, str]] = []
"""(kind, text) of every message the module has shown."""

answers: dict[str, bool] = {}
"""What the user answers to a question of a kind ("confirm"); without an entry: yes."""


def _say(kind):
    def shown(text, *_, **__):
        messages.append((kind, text))
        return answers.get(kind, True)

    return shown


class _LayoutManager:
    """That of a main window without slice views."""

    def sliceViewNames(self):
        return ()

    def mrmlSliceLogics(self):
        return vtk.vtkCollection()

    def resetThreeDViews(self):
        messages.append(("views", "reset"))


class _Application:
    """slicer.app."""

    applicationVersion = "5.12 host"

    processEvents = staticmethod(qt_host.application.processEvents)

    def testingEnabled(self):
        return False

    def layoutManager(self):
        return _LayoutManager()

    def moduleManager(self):
        return types.SimpleNamespace(connect=lambda *_: None, disconnect=lambda *_: None)

    def translate(self, _context, text):
        return text

    def mainWindow(self):
        return None

    def connect(self, _signal, _slot):
        """Nothing ever happens to this application."""


def load():
    """ReVert.py as a module, in a fresh scene, with nothing left of the one before; its files are read only once."""
    scene_host.new_scene()
    messages.clear()
    answers.clear()
    if "ReVert" not in sys.modules:
        spec = importlib.util.spec_from_file_location("ReVert", MODULE_FILE)
        sys.modules["ReVert"] = importlib.util.module_from_spec(spec)  # decorators look the module up by its name
        slicer.modules.revert = types.SimpleNamespace(path=str(MODULE_FILE))
        spec.loader.exec_module(sys.modules["ReVert"])
    _forget()
    return sys.modules["ReVert"]


def _forget():
    """Empties what the module's files keep of nodes and images: their private sets, dictionaries and caches."""
    for file in [module for name, module in sys.modules.items() if name.startswith("ReVertSlicer.")]:
        for name, value in vars(file).items():
            if hasattr(value, "cache_clear"):
                value.cache_clear()
            elif isinstance(value, (dict, set, WeakSet)) and name.islower() and not name.startswith("__"):
                value.clear()


slicer.app = _Application()
slicer.modules = types.SimpleNamespace()  # scene_host.py fills it
qt_host.install()
layer_host.install()
slicer.util.loadUI, slicer.util.childWidgetVariables = qt_host.load_ui, qt_host.child_widgets
slicer.util.errorDisplay = _say("error")
slicer.util.warningDisplay = _say("warning")
slicer.util.infoDisplay = _say("info")
slicer.util.confirmOkCancelDisplay = _say("confirm")
