"""The command line in the process of the tests."""

import pytest
import tiny
from few_points import few_points  # noqa: F401

from ReVertLib.__main__ import main


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return tiny.weights(tmp_path_factory.mktemp("weights"))


@pytest.fixture
def run(capsys):
    """Runs the command and gives (exit code, stdout, stderr)."""

    def run_main(*arguments):
        code = main([str(a) for a in arguments])
        return code, *capsys.readouterr()

    return run_main


@pytest.fixture
def image(tmp_path, resources):
    """A copy of the sample radiograph with its sidecar, to be spoilt."""
    for suffix in (".png", ".json"):
        (tmp_path / f"film{suffix}").write_bytes((resources / f"sample/verse008_L3_ap{suffix}").read_bytes())
    return tmp_path / "film.png"
