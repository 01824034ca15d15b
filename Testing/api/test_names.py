"""`import ReVertLib as revert`: what it offers, and that it costs nothing before it is used."""

import inspect
import subprocess
import sys

import pytest
from imports import unwanted_imports

import ReVertLib as revert


def test_every_public_name_is_there_and_described():
    assert set(revert.__all__) <= set(dir(revert))
    for name in revert.__all__:
        if name != "__version__":
            assert len(getattr(revert, name).__doc__) > 20, name
    with pytest.raises(AttributeError, match="module 'ReVertLib' has no attribute 'reconstrukt'"):
        _ = revert.reconstrukt


@pytest.mark.parametrize("name", ["reconstruct", "film", "fuse", "fuse_films", "measure", "compare", "drr"])
def test_the_functions_say_their_types(name):
    function = getattr(revert, name)
    assert set(inspect.signature(function).parameters) | {"return"} == set(function.__annotations__)
    assert "Raises InputError" in function.__doc__


def test_the_import_is_light(root):
    assert unwanted_imports(root, ["ReVertLib"], ("numpy", "torch", "SimpleITK", "vtkmodules")) == []
    assert unwanted_imports(root, ["ReVertLib.api.compare"], ("torch", "torch_geometric", "matplotlib")) == []
    assert unwanted_imports(root, ["ReVertLib.api.reconstruct"], ("torch", "vtk", "matplotlib")) == []


def test_a_name_is_the_function_whatever_was_imported_before(root):
    code = (
        "import ReVertLib.projection.drr, ReVertLib.metrics.compare, ReVertLib.spine.film, ReVertLib.cli.measure;"
        "import ReVertLib as revert;"
        "names = ('reconstruct', 'film', 'fuse', 'measure', 'compare', 'drr');"
        "print(*(type(getattr(revert, name)).__name__ for name in names))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["function"] * 6
