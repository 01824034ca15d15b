"""The library runs without Slicer, imports point one way, and what is heavy stays where it is needed."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from imports import unwanted_imports

FORBIDDEN = ("slicer", "qt", "ctk", "PySide6", "vtk")
"""Slicer and Qt, which only ReVert/ knows, and all of VTK at once, of which the library loads the parts it uses."""

HEAVY = ("nanodrr", "torchio", "matplotlib", "itk", "slicer", "PySide6")


def library_modules(root: Path) -> list[str]:
    """Every module of the library, in all its rooms, by its dotted name."""
    files = (path.relative_to(root) for path in (root / "ReVertLib").rglob("*.py") if path.stem != "__init__")
    return sorted(".".join(path.with_suffix("").parts) for path in files)


def test_no_library_file_imports_slicer_qt_or_all_of_vtk(root):
    modules = library_modules(root)
    assert {"ReVertLib.errors", "ReVertLib.geometry.camera", "ReVertLib.cli.demo"} <= set(modules)
    assert unwanted_imports(root, modules, FORBIDDEN) == []


def test_the_import_check_can_fail(tmp_path):
    """Each is seen: slicer brings in all of VTK, which then is a leak of its own."""
    (tmp_path / "clean.py").write_text("import json\n")
    for leak in ("vtk", "PySide6", "slicer"):
        (tmp_path / f"leaks_{leak}.py").write_text(f"import {leak}\n")
    found = unwanted_imports(tmp_path, ["clean", "leaks_vtk", "leaks_PySide6", "leaks_slicer"], FORBIDDEN)
    assert [line for line in found if line != "leaks_slicer vtk"] == [
        "leaks_vtk vtk",
        "leaks_PySide6 PySide6",
        "leaks_slicer slicer",
    ]


def test_a_reconstruction_imports_nothing_that_only_training_needs(root):
    assert unwanted_imports(root, ["ReVertLib.inference.predictor", "ReVertLib.metrics.compare"], HEAVY) == []


WITHOUT_TORCH = ("geometry", "mesh", "imaging", "registration", "metrics", "measurement", "inference", "finding")
WITHOUT_TORCH += ("fusion", "report", "spine", "service")


def test_what_a_user_of_weights_needs_does_not_import_torch(root):
    modules = [name for name in library_modules(root) if name.split(".")[1] in WITHOUT_TORCH]
    counts = [sum(name.split(".")[1] == room for name in modules) for room in WITHOUT_TORCH]
    assert min(counts) > 2
    assert unwanted_imports(root, modules, ("torch",)) == []


ROOMS = (
    {"errors", "failures", "startup", "processes", "workers", "cluster", "resources", "files", "progress"},
    {"geometry"},
    {"mesh"},
    {"imaging", "registration"},
    {"anatomy", "metrics", "projection"},
    {"dataset", "network", "measurement"},
    {"shape", "inference"},
    {"report", "synthesis", "finding", "fusion"},
    {"spine"},
    {"ct_registration"},
    {"service"},
    {"training", "evaluation"},
    {"calibration"},
    {"api"},
    {"cli"},
    {"__main__", "__init__"},
)
"""The library from left to right: a file imports only from its own room and from rooms of the sets to the left."""

SLICER_ROOMS = ({"input"}, {"scene"}, {"work"}, {"panel"})
"""The same for the module."""


def imports_of(path: Path, package: Path, nodes=ast.walk) -> set[str]:
    """The modules of a package, dotted and without its name, that a file of it imports; nodes: which of its tree."""
    here, found = path.relative_to(package).parts[:-1], set()
    for node in nodes(ast.parse(path.read_text())):
        if not isinstance(node, ast.ImportFrom):
            continue
        parts = node.module.split(".") if node.module else []
        if node.level:
            parts = [*here[: len(here) - node.level + 1], *parts]
        elif parts.pop(0) != package.name:
            continue
        names = [alias.name for alias in node.names] if package.joinpath(*parts).is_dir() else [None]
        found |= {".".join([*parts, name] if name else parts) for name in names if name != "__version__"}
    return found


def at_file_scope(tree: ast.AST):
    """Every node that runs when a file is imported: not the bodies of functions."""
    for child in ast.iter_child_nodes(tree):
        if not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            yield child
            yield from at_file_scope(child)


def against_the_order(package: Path, rooms: tuple[set[str], ...]) -> list[str]:
    """Lines "file imports module" for imports that point to the right, or to another room of the same set."""
    place = {room: i for i, of_one_place in enumerate(rooms) for room in of_one_place}
    wrong = []
    for path in sorted(package.rglob("*.py")):
        name = ".".join(path.relative_to(package).with_suffix("").parts)
        room = name.split(".")[0]
        for imported in sorted(imports_of(path, package)):
            other = imported.split(".")[0]
            if room != other and place[other] >= place[room] and not {room, other} <= rooms[0]:
                wrong.append(f"{name} imports {imported}")
    return wrong


@pytest.mark.parametrize(
    ("folder", "rooms"), [("ReVertLib", ROOMS), ("ReVert/ReVertSlicer", SLICER_ROOMS)], ids=["library", "module"]
)
def test_rooms_import_only_from_their_left(root, folder, rooms):
    folders = {path.name for path in (root / folder).iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders <= set().union(*rooms)
    assert against_the_order(root / folder, rooms) == []


def test_the_order_check_can_fail(tmp_path):
    package = tmp_path / "house"
    for room, text in (
        ("left", "from house.right.door import x\n"),
        ("right", "from ..left import door\n"),
        ("beside", "def f():\n    from house.right import door\n"),
    ):
        (package / room).mkdir(parents=True)
        (package / room / "door.py").write_text(text)
    rooms = ({"left"}, {"right", "beside"})
    assert against_the_order(package, rooms) == ["beside.door imports right.door", "left.door imports right.door"]


def import_graph(package: Path) -> dict[str, set[str]]:
    """By module of a package, what it imports when it is imported."""
    files = package.rglob("*.py")
    return {
        ".".join(path.relative_to(package).with_suffix("").parts): imports_of(path, package, at_file_scope)
        for path in files
    }


@pytest.mark.parametrize("folder", ["ReVertLib", "ReVert/ReVertSlicer"])
def test_no_imports_run_in_a_circle(root, folder):
    graph = import_graph(root / folder)
    assert len(graph) > 30
    TopologicalSorter(graph).prepare()


def test_the_circle_check_can_fail(tmp_path):
    (tmp_path / "a.py").write_text("try:\n    from .b import x\nexcept ImportError:\n    pass\n")
    (tmp_path / "b.py").write_text("from . import a\n")
    (tmp_path / "c.py").write_text("def f():\n    from .a import y\n")
    graph = import_graph(tmp_path)
    assert graph == {"a": {"b"}, "b": {"a"}, "c": set()}
    with pytest.raises(CycleError, match="nodes are in a cycle"):
        TopologicalSorter(graph).prepare()
