"""A wheel holds every file and every resource, and what it installs works outside the checkout."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

PACKAGED = ("ReVertLib", "Resources")
BESIDE = ("pyproject.toml", "setup.py", "README.md", "LICENSE.txt")
NOT_INSTALLED = {"Screenshots", "CMakeLists.txt", "__pycache__"}


def files_below(folder):
    """Relative paths of the files of a folder that belong into a wheel."""
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return [path.as_posix() for path in paths if not NOT_INSTALLED & set(path.parts)]


def run(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(root, tmp_path_factory):
    """Built without a network from a copy of the sources, since setuptools leaves files beside them."""
    folder = tmp_path_factory.mktemp("wheel")
    sources = folder / "sources"
    for name in PACKAGED:
        shutil.copytree(root / name, sources / name, ignore=shutil.ignore_patterns("Screenshots", "__pycache__"))
    for name in BESIDE:
        shutil.copy(root / name, sources / name)
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet"]
    run([sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", str(folder), str(sources)])
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def revert(wheel, tmp_path_factory):
    """Runs the installed command line in a folder of its own, where the checkout is not found."""
    target, elsewhere = tmp_path_factory.mktemp("target"), tmp_path_factory.mktemp("elsewhere")
    options = ["--no-deps", "--no-index", "--quiet", "--target", str(target)]
    run([sys.executable, "-m", "pip", "install", *options, str(wheel)])
    environment = {**os.environ, "PYTHONPATH": str(target)}
    where = run([sys.executable, "-c", "import ReVertLib; print(ReVertLib.__file__)"], cwd=elsewhere, env=environment)
    assert Path(where.strip()) == target / "ReVertLib" / "__init__.py"

    def call(*arguments, how=("-m", "ReVertLib")):
        return run([sys.executable, *how, *arguments], cwd=elsewhere, env=environment)

    call.folder, call.resources = elsewhere, target / "ReVertLib" / "Resources"
    return call


BY_FEW_POINTS = """
import functools
from ReVertLib.cli.main import main
from ReVertLib.mesh import render
from ReVertLib.metrics import compare, surface
from ReVertLib.registration import icp
compare.surface_metrics = functools.partial(surface.surface_metrics, samples=2_000)
icp._MOVING_POINTS, icp._NEAREST_POINTS = 1_250, 5_000
render._OVERSAMPLED = 1
raise SystemExit(main())
"""
"""The command line with comparisons and pictures in a part of their time; nobody looks at them here."""


def test_the_wheel_holds_every_file(root, wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if name.startswith("ReVertLib/")}
    library = {f"ReVertLib/{name}" for name in files_below(root / "ReVertLib")}
    resources = {f"ReVertLib/Resources/{name}" for name in files_below(root / "Resources")}
    assert "ReVertLib/py.typed" in library
    assert "ReVertLib/Resources/weights/context.safetensors" in resources
    assert names == library | resources


def test_the_installed_command_line_works_elsewhere(revert):
    assert "reconstruct" in revert("--help")
    sample = revert.resources / "sample"
    revert("reconstruct", str(sample / "verse008_L3_ap.png"), "-o", "L3.stl")
    assert (revert.folder / "L3.stl").stat().st_size > 100_000
    table = revert("compare", "L3.stl", str(sample / "segmentation.nii.gz"), "--label", "22", how=("-c", BY_FEW_POINTS))
    assert "Dice" in table
    revert("demo", how=("-c", BY_FEW_POINTS))
    assert (revert.folder / "demo" / "report.json").is_file()
