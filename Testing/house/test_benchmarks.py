"""A benchmark says whether its figures can be believed."""

import os
import subprocess
import sys

import bench_metrics
import history
import machine
import pytest
from other_metrics import by_simpleitk
from sample_case import sample_radiograph
from stages import stage_table, stages
from tiny import CUBE

from ReVertLib.inference.predictor import Predictor
from ReVertLib.mesh.mesh import Mesh


def test_a_line_for_an_idle_and_for_a_busy_machine(monkeypatch):
    monkeypatch.setattr(machine.psutil, "cpu_count", lambda: 4)
    assert machine.busyness(0.04, 0.1) == "idle before the run: others use 0.0 of 4 cores, load average 0.1"
    busy = machine.busyness(1.96, 3.07)
    assert busy.startswith("BUSY before the run, so every time below is too long: others use 2.0 of 4 cores")


def test_a_process_that_computes_is_noticed():
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as busy:
        try:
            cores, _ = machine.used_by_others()
        finally:
            busy.kill()
    assert cores > machine.BUSY_CORES


def test_it_stands_in_the_first_lines(monkeypatch):
    monkeypatch.setattr(machine, "used_by_others", lambda: (1.5, 2.0))
    first, second = machine.describe_machine(2).splitlines()
    assert " 2 threads, " in first
    assert second.startswith("BUSY")


SCRIPTS = (
    "bench.py",
    "bench_busy.py",
    "bench_drr.py",
    "bench_icp.py",
    "bench_live.py",
    "bench_metrics.py",
    "bench_runtimes.py",
)
START_EACH = """
import runpy, sys
folder, *scripts = sys.argv[1:]
path, ours = list(sys.path), (f"{folder}/ReVertLib/", f"{folder}/Testing/")
for script in scripts:
    sys.argv, sys.path[:] = [script, "--help"], [f"{folder}/Testing/benchmarks", *path]
    try:
        runpy.run_path(f"{folder}/Testing/benchmarks/{script}", run_name="__main__")
    except SystemExit as end:
        assert end.code == 0, script
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", "")).startswith(ours):
            del sys.modules[name]  # the next script finds it for itself
"""


def test_each_starts_by_itself(root, tmp_path):
    """From any folder and without what pytest adds to the path."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-c", START_EACH, str(root), *SCRIPTS]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("--runs") == 2 * len(SCRIPTS)


def test_a_ratio_that_has_become_worse_is_told(tmp_path, monkeypatch):
    """Earlier 4, 5 and 6: the median is 5 and the quartiles lie 1 apart; another machine's do not count."""
    file = tmp_path / "history.jsonl"
    monkeypatch.setattr(history, "used_by_others", lambda: (0.0, 0.0))
    for ratio in (4.0, 5.0, 6.0):
        history.recorded({"ICP, trimesh": ratio}, 2, file)
        history.recorded({"ICP, trimesh": 50.0}, 1, file)
    for ratio, worse in ((4.1, False), (3.9, True)):
        _, line = history.recorded({"ICP, trimesh": ratio}, 2, file).splitlines()
        assert line.endswith("WORSE than before") == worse
        assert line.split()[2:5] == [f"{ratio:.2f}", "5.00", "1.00"]
        file.write_text("".join(file.read_text().splitlines(keepends=True)[:6]))
    before = len(file.read_text().splitlines())
    assert history.recorded({"new": 1.0}, 2, file).endswith("0 earlier runs on such a machine")
    assert history.recorded({}, 2, file).startswith("nothing to record")
    monkeypatch.setattr(history, "used_by_others", lambda: (1.0, 1.0))
    history.recorded({"new": 9.0}, 2, file)  # beside others: later runs are not held against it
    assert history.recorded({"new": 1.0}, 2, file).endswith("1 earlier runs on such a machine")
    assert len(file.read_text().splitlines()) == before + 3


def test_masks_tell_the_others_what_surfaces_tell_us():
    """A block of 10 mm and one that is 2 mm longer: to a voxel of 0.5 mm."""
    target = Mesh(10.0 * CUBE.vertices, CUBE.faces)
    longer = Mesh(target.vertices * [1.2, 1.0, 1.0], target.faces)
    found = by_simpleitk(*bench_metrics.masks(longer, target), 0.5)
    ours = bench_metrics.figures(longer, target, 5_000)
    assert ours[0] == pytest.approx(20 / 22, abs=0.01)
    assert found == pytest.approx(ours, abs=0.5)
    assert found[0] == pytest.approx(ours[0], abs=0.02)


def test_every_stage_runs_and_has_a_line():
    parts = stages(Predictor(device="cpu"), *sample_radiograph("ap"))
    for run in parts.values():
        run()
    table = stage_table({name: [3.0, 1.0, 2.0] for name in parts}).splitlines()
    assert [line.split("  ")[0] for line in table[1:]] == list(parts)
    assert all(line.split()[-2:] == ["2.00", "1.00"] for line in table[1:])
