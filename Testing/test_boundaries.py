"""The library runs without Slicer, imports point one way, and what is heavy stays where it is needed."""

import ast
import os
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

FORBIDDEN = ("slicer", "qt", "ctk", "PySide6")
HEAVY = ("nanodrr", "torchio", "matplotlib", "itk", "slicer", "PySide6")

IMPORT_EACH = """
import importlib, sys
for name in {modules!r}:
    importlib.import_module(name)
    for unwanted in set({unwanted!r}) & set(sys.modules):
        print(name, unwanted)
        del sys.modules[unwanted]
"""


def unwanted_imports(folder: Path, modules: list[str], unwanted: tuple[str, ...]) -> list[str]:
    """Lines "module unwanted": what each of modules, imported one by one in a fresh process, brings in."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"}
    script = IMPORT_EACH.format(modules=modules, unwanted=unwanted)
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def library_modules(root: Path) -> list[str]:
    return sorted(f"ReVertLib.{path.stem}" for path in (root / "ReVertLib").glob("*.py") if path.stem != "__init__")


def test_no_library_file_imports_slicer_or_qt(root):
    modules = library_modules(root)
    assert len(modules) > 10
    assert unwanted_imports(root, modules, FORBIDDEN) == []


@pytest.mark.parametrize("leak", ["slicer", "PySide6"])
def test_the_import_check_can_fail(tmp_path, leak):
    (tmp_path / "clean.py").write_text("import json\n")
    (tmp_path / "leaky.py").write_text(f"import {leak}\n")
    assert unwanted_imports(tmp_path, ["clean", "leaky"], FORBIDDEN) == [f"leaky {leak}"]


def test_a_reconstruction_imports_nothing_that_only_training_needs(root):
    assert unwanted_imports(root, ["ReVertLib.predict", "ReVertLib.compare"], HEAVY) == []


def test_what_needs_no_network_does_not_import_torch(root):
    names = ("errors", "geometry", "files", "mesh", "volume", "dicom", "radiograph", "align", "metrics", "compare")
    assert unwanted_imports(root, [f"ReVertLib.{name}" for name in names], ("torch",)) == []


def imported_siblings(source: str) -> set[str]:
    """Names of the files that a file of the library imports at file scope by `from .name import` or `from . import`."""
    names: set[str] = set()
    for node in _file_scope(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            names |= {node.module.split(".")[0]} if node.module else {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ReVertLib."):
            names.add(node.module.split(".")[1])
    return names


def _file_scope(tree: ast.AST):
    """Every node that runs when the file is imported: not the bodies of functions."""
    for child in ast.iter_child_nodes(tree):
        if not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            yield child
            yield from _file_scope(child)


def test_imports_point_one_way(root):
    files = (root / "ReVertLib").glob("*.py")
    graph = {path.stem: imported_siblings(path.read_text()) - {"__version__"} for path in files}
    assert "errors" in graph["geometry"]
    TopologicalSorter(graph).prepare()


def test_the_circle_check_can_fail():
    graph = {
        "a": imported_siblings("try:\n    from .b import x\nexcept ImportError:\n    pass\n"),
        "b": imported_siblings("from . import a\n"),
        "c": imported_siblings("def f():\n    from .a import y\n"),
    }
    assert graph["c"] == set()
    with pytest.raises(CycleError):
        TopologicalSorter(graph).prepare()
