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


def globs(text: str, name: str) -> list[str]:
    """The patterns of `file(GLOB_RECURSE name RELATIVE here CONFIGURE_DEPENDS ...)` in a CMake file."""
    found = re.search(rf"file\(GLOB_RECURSE {name}\s+RELATIVE \S+\s+CONFIGURE_DEPENDS\s+([^)]*)\)", text)
    return found.group(1).split()


def listed(root: Path, folder: str, name: str) -> list[str]:
    """The files that a list of a folder's CMakeLists.txt names, as CMake finds them, relative to the folder."""
    here = root / folder
    found = set()
    for pattern in globs((here / "CMakeLists.txt").read_text(), name):
        base = here / pattern
        found |= {path for path in base.parent.rglob(base.name) if path.is_file()}
    return sorted(path.relative_to(here).as_posix() for path in found)


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


def python_files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.py"))


def test_globs_are_read_one_to_a_line():
    text = "file(GLOB_RECURSE FILES\n  RELATIVE ${HERE}\n  CONFIGURE_DEPENDS\n  a/*.png\n  *.py\n  )"
    assert globs(text, "FILES") == ["a/*.png", "*.py"]


@pytest.mark.parametrize("folder", ["ReVertLib", "ReVert"])
def test_every_python_file_is_packaged(root, folder):
    names = listed(root, folder, "MODULE_PYTHON_SCRIPTS")
    assert names == python_files(root / folder)
    assert len(names) > 30


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


def test_the_repository_is_named_as_the_index_of_extensions_demands(root):
    assert json.loads((root / "ReVert.json").read_text())["scm_url"].endswith("/SlicerReVert.git")
    described = {**extension_description(root), **s4ext_description(root)}
    urls = [url for value in described.values() for url in value.split() if "revert-spine" in url]
    assert len(urls) > 4
    assert all("revert-spine/SlicerReVert" in url for url in urls)


def test_the_description_has_licences_and_links(root):
    description = extension_description(root)["description"]
    assert "MIT" in description and "CC BY-SA 4.0" in description
    assert description.count("https://github.com/") == 2


def test_the_self_test_is_a_test_of_ctest(root):
    assert "slicer_add_python_unittest(SCRIPT ReVert.py)" in (root / "ReVert" / "CMakeLists.txt").read_text()


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
    code = (
        "import ReVert, ReVertLib.anatomy.template as t, ReVertLib.resources as r; t.load_template();"
        "print(t.__file__, r.RESOURCES)"
    )
    script = f"import slicer_host; {code}"
    paths = os.pathsep.join([str(tmp_path), str(root / "Testing" / "support")])
    environment = {**os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(tmp_path / "ReVertLib" / "anatomy" / "template.py"), str(tmp_path / "Resources")]
