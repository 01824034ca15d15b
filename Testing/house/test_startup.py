"""What a command loads and what it costs in memory; how threads wait; whether garbage is collected."""

import gc
import json
import os
import subprocess
import sys

import pytest

from ReVertLib.errors import InputError
from ReVertLib.startup import garbage_uncollected, use_threads

RUN_AND_LIST_MODULES = """
import json, sys
from pathlib import Path
from ReVertLib.cli.main import main
try:
    code = main({arguments!r})
except SystemExit as end:
    code = end.code
status = Path("/proc/self/status")
kept = status.read_text().split() if status.exists() else []
peak_kb = int(kept[kept.index("VmHWM:") + 1]) if kept else None
print(json.dumps({{"code": code, "peak_kb": peak_kb, "modules": sorted(sys.modules)}}))
"""
PEAK_MB = 400


def run_python(root, script, **environment):
    """Standard output of a script in a fresh process that finds the library."""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(root), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def ended(root, *arguments):
    """Exit code, peak memory in kB (None but on Linux) and modules at the end of a command."""
    return json.loads(run_python(root, RUN_AND_LIST_MODULES.format(arguments=list(arguments))).splitlines()[-1])


def test_help_loads_nothing_heavy(root):
    end = ended(root, "--help")
    assert end["code"] == 0
    assert not {"numpy", "scipy", "torch", "vtkmodules", "SimpleITK", "pydicom", "tqdm"} & set(end["modules"])


@pytest.fixture(scope="module")
def reconstruction(root, tmp_path_factory):
    """The end of a reconstruction of the sample, and its surface."""
    surface = tmp_path_factory.mktemp("startup") / "surface.stl"
    image = root / "Resources" / "sample" / "verse008_L3_ap.png"
    return ended(root, "reconstruct", str(image), "-o", str(surface)), surface


def test_a_reconstruction_loads_only_what_it_needs(reconstruction):
    end, surface = reconstruction
    assert end["code"] == 0
    assert surface.is_file()
    modules = set(end["modules"])
    assert "onnxruntime" in modules
    unneeded = {"torch", "torch_geometric", "sympy", "matplotlib", "vtk", "pandas", "pydicom", "nanodrr"}
    assert not unneeded & modules


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
def test_a_reconstruction_needs_little_memory(reconstruction):
    assert reconstruction[0]["peak_kb"] * 1024 / 1e6 < PEAK_MB


def test_a_comparison_loads_no_torch(root, reconstruction):
    surface = str(reconstruction[1])
    end = ended(root, "compare", surface, surface)
    assert end["code"] == 0
    assert not {"torch", "matplotlib", "pydicom"} & set(end["modules"])


def test_threads_wait_passively_unless_the_user_says_otherwise(root):
    script = (
        "import os; os.environ.pop('OMP_WAIT_POLICY', 0); {}; import ReVertLib; print(os.environ['OMP_WAIT_POLICY'])"
    )
    assert run_python(root, script.format("pass")) == "PASSIVE\n"
    assert run_python(root, script.format("os.environ['OMP_WAIT_POLICY'] = 'ACTIVE'")) == "ACTIVE\n"


@pytest.mark.parametrize(("before", "after"), [("", "1"), ("3", "3")])
def test_the_command_line_computes_matrices_alone_unless_the_user_says_otherwise(root, before, after):
    """And says so before numpy is loaded."""
    script = f"""
import os, sys
os.environ.pop("OPENBLAS_NUM_THREADS", 0)
os.environ |= {{"OPENBLAS_NUM_THREADS": "{before}"}} if "{before}" else {{}}
from ReVertLib.cli.main import main
assert "numpy" not in sys.modules
main(["no-such-command"])
print(os.environ["OPENBLAS_NUM_THREADS"])
"""
    assert run_python(root, script) == f"{after}\n"


def test_it_is_said_before_torch_is_loaded(root):
    """OpenMP reads the setting when torch is loaded."""
    script = "import ReVertLib, sys; print('torch' in sys.modules)"
    assert run_python(root, script) == "False\n"


@pytest.mark.parametrize("before", ["import torch", "pass"])
def test_the_number_of_threads(root, before):
    script = (
        f"{before}; from ReVertLib.startup import use_threads; use_threads(1); import torch; "
        "print(torch.get_num_threads())"
    )
    assert run_python(root, script, OMP_NUM_THREADS="2") == "1\n"


def test_no_threads():
    with pytest.raises(InputError, match="threads: expected at least 1, got 0"):
        use_threads(0)


def test_garbage_is_collected_again_afterwards():
    with pytest.raises(KeyError), garbage_uncollected():
        assert not gc.isenabled()
        raise KeyError
    assert gc.isenabled()
