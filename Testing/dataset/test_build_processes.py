"""Building a data set in several processes that are stopped: by Ctrl-C, and killed."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
from phantoms import build, contents, write_blocks
from projections import vertebra_drr

from ReVertLib.dataset import build_case
from ReVertLib.dataset.layout import read_dataset
from ReVertLib.imaging.labels import read_label_map
from ReVertLib.imaging.radiograph import read_radiograph
from ReVertLib.imaging.volume import read_volume
from ReVertLib.projection.drr import DrrView, c_arm

SCRIPT = """
import signal
import sys
from ReVertLib.dataset.build import build_dataset
if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job begins deaf to it
    build_dataset(sys.argv[1], sys.argv[2], "seed", workers=2, size_px=128)
"""


def started(folder: Path, out: Path) -> subprocess.Popen:
    """SCRIPT in a process of its own on the cases of folder."""
    script = folder.parent / "run.py"
    script.write_text(SCRIPT)
    environment = os.environ | {"PYTHONPATH": str(build_case.__file__).rsplit("/ReVertLib", 1)[0]}
    command = [sys.executable, str(script), str(folder), str(out)]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True)


def left_of(group: int) -> list[int]:
    """The processes of a group that still run."""
    alive = (p.info for p in psutil.process_iter(["pid", "status"]) if p.info["status"] != psutil.STATUS_ZOMBIE)
    return [info["pid"] for info in alive if _group(info["pid"]) == group]


def _group(pid: int) -> int | None:
    with suppress(ProcessLookupError, PermissionError):
        return os.getpgid(pid)


def test_killed_at_any_moment_the_next_run_makes_the_same(tmp_path):
    """The parent alone is killed: its processes end by themselves and nothing half-written is ever in place."""
    for number in range(4):
        write_blocks(tmp_path / f"in/p{number}")
    whole, out = tmp_path / "whole", tmp_path / "out"
    build(tmp_path / "in", whole, views="seed", size_px=128)
    expected, moments = contents(whole), np.random.default_rng(0)
    for kill in range(2):
        process = started(tmp_path / "in", out)
        before, deadline = len(list(out.glob("DRR/*"))), time.monotonic() + 300
        while not list(out.glob(".parts/*/DRR/rendering/0*.png")) and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(moments.uniform(0.0, 0.4))
        process.kill()
        process.communicate(timeout=300)
        while left_of(process.pid) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert left_of(process.pid) == []
        found = {name: content for name, content in contents(out).items() if not name.startswith(".parts")}
        found.pop("manifest.json")
        assert found.items() <= expected.items()
        assert all(len(item.images) == 24 for item in (read_dataset(out) if list(out.glob("DRR/*")) else []))
        assert len(list(out.glob("DRR/*"))) >= before, kill
    build(tmp_path / "in", out, views="seed", size_px=128)
    assert contents(out) == expected


def test_ctrl_c_stops_all_processes_and_keeps_whole_vertebrae(tmp_path):
    for number in range(8):
        write_blocks(tmp_path / f"in/p{number}")
    out = tmp_path / "out"
    process = started(tmp_path / "in", out)
    deadline = time.monotonic() + 300
    while not list(out.glob("DRR/*")) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    errors = process.communicate(timeout=300)[1]
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert errors.count("Traceback") == 1  # the parent's, none of the workers'
    assert not (out / ".parts").exists()
    items = read_dataset(out)
    assert 0 < len(items) <= 5  # of 16: what was waiting has not been begun
    assert {len(item.images) for item in items} == {24}
    assert {p.stem for p in (out / "Mesh").iterdir()} == {item.vertebra for item in items}
    assert not any(p.name.startswith(".") for p in out.rglob("*"))
    case = tmp_path / "in" / items[0].case
    ct, labels = read_volume(case / "ct.nii.gz"), read_label_map(case / "segmentation.nii.gz")
    drr = vertebra_drr(ct, labels, items[0].label, DrrView(pitch_deg=330), c_arm(128), (128, 128))
    assert np.array_equal(read_radiograph(items[0].images[23]).pixels, drr.pixels)
