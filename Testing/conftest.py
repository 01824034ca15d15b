"""What many tests share."""

import os

# Before numpy and torch start their thread pools: small tests are quicker without, above all on a busy machine.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from pathlib import Path

import psutil
import pytest

LONGEST = (
    "slicer/test_faults.py",
    "house/test_wheel.py",
    "cli/test_demo_film.py",
    "docs/test_pages.py",
    "evaluation/test_evaluate.py",
    "slicer/panel/test_panel_film.py",
)
"""Files that take long. `make test` hands out files in the order of collection, and no core waits for another in the
end when these come first."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.removeprefix("Testing/").startswith(LONGEST))


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def resources(root: Path) -> Path:
    """What is shipped: weights, template, sample case."""
    return root / "Resources"


@pytest.fixture(scope="module", autouse=True)
def no_worker_outlives_its_tests():
    """The Slicer module's child processes take 570 MB each."""
    yield
    assert [line for line in map(command_line, psutil.Process().children(recursive=True)) if "worker" in line] == []


def command_line(process: psutil.Process) -> str:
    """ "" for a process that has ended."""
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""
