"""What is packaged is complete, the extension's descriptions agree, and the installed layout works."""

import json
import os
import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

NOT_SHIPPED = ("CMakeLists.txt", "Screenshots", "__pycache__")


def cmake_list(text: str, name: str) -> list[str]:
    """The items of `set(name ...)` in a CMake file."""
    return re.search(rf"set\({name}\s+([^)]*)\)", text).group(1).split()


def listed(root: Path, folder: str, name: str) -> list[str]:
    return cmake_list((root / folder / "CMakeLists.txt").read_text(), name)


def files_below(folder: Path, excluded: tuple[str, ...] = ()) -> list[str]:
    """Relative paths of the files in folder, without Python files and without what has a part in excluded."""
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(
        path.as_posix()
        for path in paths
        if not set(path.parts) & set(excluded) and path.suffix != ".py" and not path.name.startswith(".")
    )


def extension_description(root: Path) -> dict[str, str]:
    """EXTENSION_* of CMakeLists.txt, lower-case names without the prefix."""
    text = (root / "CMakeLists.txt").read_text()
    found = dict(re.findall(r'set\(EXTENSION_(\w+) "([^"]*)"\)', text))
    return {key.lower(): value for key, value in found.items()}


def s4ext_description(root: Path) -> dict[str, str]:
    lines = (line for line in (root / "ReVert.s4ext").read_text().splitlines() if not line.startswith("#"))
    return {key: value for key, _, value in (line.partition(" ") for line in lines)}


def test_cmake_list_reads_one_item_per_line():
    assert cmake_list("set(OTHER\n  x.py\n  )\nset(FILES\n  a.py\n  b.py\n  )", "FILES") == ["a.py", "b.py"]


def test_every_library_file_is_packaged(root):
    names = listed(root, "ReVertLib", "MODULE_PYTHON_SCRIPTS")
    assert names == sorted(path.name for path in (root / "ReVertLib").glob("*.py"))


def test_every_file_of_the_module_is_packaged(root):
    parts = sorted(path.relative_to(root / "ReVert").as_posix() for path in (root / "ReVert").glob("*/*.py"))
    assert listed(root, "ReVert", "MODULE_PYTHON_SCRIPTS") == ["ReVert.py", *parts]


def test_every_resource_of_the_library_is_packaged(root):
    assert listed(root, "Resources", "REVERT_RESOURCES") == files_below(root / "Resources", NOT_SHIPPED)


def test_every_resource_of_the_module_is_packaged(root):
    names = [name.removeprefix("Resources/") for name in listed(root, "ReVert", "MODULE_PYTHON_RESOURCES")]
    assert names == files_below(root / "ReVert" / "Resources")


def test_every_folder_with_a_package_list_is_built(root):
    folders = re.findall(r"add_subdirectory\((\w+)\)", (root / "CMakeLists.txt").read_text())
    assert sorted(folders) == sorted(path.parent.name for path in root.glob("*/CMakeLists.txt"))


@pytest.mark.parametrize(
    "key", ["homepage", "category", "contributors", "description", "iconurl", "screenshoturls", "depends"]
)
def test_s4ext_agrees_with_cmake(root, key):
    assert s4ext_description(root)[key] == extension_description(root)[key] != ""


def test_index_entry_agrees_with_cmake(root):
    entry = json.loads((root / "ReVert.json").read_text())
    cmake, s4ext = extension_description(root), s4ext_description(root)
    assert re.search(r"project\((\w+)\)", (root / "CMakeLists.txt").read_text()).group(1) == "ReVert"
    assert entry["category"] == cmake["category"]
    assert entry["build_dependencies"] == cmake["depends"].split()
    assert entry["scm_url"] == s4ext["scmurl"] == cmake["homepage"] + ".git"
    assert (entry["scm_type"], entry["scm_revision"]) == (s4ext["scm"], s4ext["scmrevision"])
    assert entry["build_subdirectory"] == s4ext["build_subdirectory"]
    assert entry["enabled"] == (s4ext["enabled"] == "1")


def test_package_and_extension_name_the_same_home(root):
    assert f'Homepage = "{extension_description(root)["homepage"]}"' in (root / "pyproject.toml").read_text()


def test_icon_is_128_pixels_and_is_the_one_the_url_names(root):
    icon = root / "ReVert" / "Resources" / "Icons" / "ReVert.png"
    header = icon.read_bytes()[:24]
    assert header[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", header[16:24]) == (128, 128)
    assert extension_description(root)["iconurl"].endswith("/main/" + icon.relative_to(root).as_posix())


def install(root: Path, home: Path) -> None:
    """Lays out what the CMake lists name as Slicer's macros install it in qt-scripted-modules."""
    lists = {
        "ReVert": ("MODULE_PYTHON_SCRIPTS", "MODULE_PYTHON_RESOURCES"),
        "ReVertLib": ("MODULE_PYTHON_SCRIPTS",),
        "Resources": ("REVERT_RESOURCES",),
    }
    for folder, names in lists.items():
        target = home if folder == "ReVert" else home / folder
        for file in (file for name in names for file in listed(root, folder, name)):
            (target / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / folder / file, target / file)


def test_installed_layout_finds_library_and_resources(root, tmp_path):
    install(root, tmp_path)
    code = "import ReVert, ReVertLib.template as t; t.load_template(); print(t.__file__, t.RESOURCES)"
    script = f"import slicer_host; {code}"
    paths = os.pathsep.join([str(tmp_path), str(root / "Testing")])
    environment = {**os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(tmp_path / "ReVertLib" / "template.py"), str(tmp_path / "Resources")]
