"""Building a data set: resuming after every kind of stop, several processes, Ctrl-C, bad options and folders."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest
from phantoms import build, contents, snapshot, write_blocks

from ReVertLib import dataset_case
from ReVertLib.dataset import read_dataset
from ReVertLib.drr import DrrView, c_arm, vertebra_drr
from ReVertLib.errors import InputError
from ReVertLib.radiograph import read_radiograph
from ReVertLib.volume import read_label_map, read_volume


@pytest.fixture
def one(tmp_path):
    """(a root with one case of two vertebrae, a finished data set of it)."""
    write_blocks(tmp_path / "in/anna")
    build(tmp_path / "in", tmp_path / "out")
    return tmp_path / "in", tmp_path / "out"


def test_a_second_run_reads_no_ct_and_changes_nothing(one, monkeypatch):
    root, out = one
    before = snapshot(out)
    manifest = before.pop("manifest.json")[0]
    monkeypatch.setattr(dataset_case, "read_volume", lambda *_: pytest.fail("CT read"))
    build(root, out)
    after = snapshot(out)
    assert after.pop("manifest.json")[0] == manifest
    assert after == before


@pytest.mark.parametrize("file", ["rendering/03.png", "rendering/00.json", "rendering/poses.json", "mesh"])
def test_a_vertebra_that_has_lost_a_file_is_made_again_and_no_other(one, file):
    root, out = one
    before = snapshot(out)
    lost = out / "Mesh/anna_segment_22.stl" if file == "mesh" else out / "DRR/anna_segment_22" / file
    lost.unlink()
    build(root, out)
    after = snapshot(out)
    assert {name: content for name, (content, _) in after.items()} == {n: content for n, (content, _) in before.items()}
    changed = {name for name in after if after[name][1] != before[name][1]} - {"manifest.json"}
    assert changed and all("anna_segment_22" in name for name in changed)


def test_stopped_in_the_middle_the_finished_stays_and_the_next_run_goes_on(one, tmp_path, monkeypatch):
    root, whole = one
    out, written = tmp_path / "stopped", []

    def write(drr, path):
        if len(written) == 7:  # the third image of the second vertebra
            raise KeyboardInterrupt
        written.append(path)
        real(drr, path)

    real = dataset_case.write_drr
    monkeypatch.setattr(dataset_case, "write_drr", write)
    with pytest.raises(KeyboardInterrupt):
        build(root, out)
    assert sorted(p.name for p in out.iterdir()) == ["DRR", "Mesh", "manifest.json"]
    assert [item.vertebra for item in read_dataset(out)] == ["anna_segment_21"]
    assert len(read_dataset(out)[0].images) == 5
    written.clear()
    monkeypatch.setattr(dataset_case, "write_drr", lambda drr, path: (written.append(path), real(drr, path)))
    build(root, out)
    assert len(written) == 5
    assert contents(out) == contents(whole)


def test_what_a_killed_run_left_behind_is_swept_away(one, tmp_path):
    root, whole = one
    out = tmp_path / "killed"
    part = out / ".parts" / "anna_segment_22" / "DRR" / "rendering"
    part.mkdir(parents=True)
    (part / "07.png").write_bytes(b"half")
    (out / ".parts" / "manifest.json").write_text('{"ver')
    build(root, out)
    assert contents(out) == contents(whole)
    # Killed between the two steps of moving: the surface is there, the images are not.
    shutil.rmtree(out / "DRR" / "anna_segment_22")
    build(root, out)
    assert contents(out) == contents(whole)


def test_an_unwritable_output_is_no_reason_to_skip(one, tmp_path, monkeypatch):
    def fail(*_):
        raise InputError("output 00.png: expected to be written, got No space left on device")

    monkeypatch.setattr(dataset_case, "write_drr", fail)
    with pytest.raises(InputError, match="No space left"):
        build(one[0], tmp_path / "full")


SCRIPT = """
import sys
from ReVertLib.dataset_builder import build_dataset
if __name__ == "__main__":
    build_dataset(sys.argv[1], sys.argv[2], "seed", workers=2, size_px=128, say=lambda text: None)
"""


def started(folder: Path, out: Path) -> subprocess.Popen:
    """SCRIPT in a process of its own on the cases of folder."""
    script = folder.parent / "run.py"
    script.write_text(SCRIPT)
    environment = os.environ | {"PYTHONPATH": str(dataset_case.__file__).rsplit("/ReVertLib", 1)[0]}
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
        before, deadline = len(list(out.glob("DRR/*"))), time.monotonic() + 60
        while not list(out.glob(".parts/*/DRR/rendering/0*.png")) and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(moments.uniform(0.0, 0.4))
        process.kill()
        process.communicate(timeout=30)
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
    deadline = time.monotonic() + 60
    while not list(out.glob("DRR/*")) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    errors = process.communicate(timeout=30)[1]
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


def test_of_two_cases_of_one_name_the_first_is_taken(tmp_path):
    for folder in ("x", "y"):
        write_blocks(tmp_path / f"in/{folder}/anna")
    build(tmp_path / "in", tmp_path / "out")
    manifest = json.loads((tmp_path / "out/manifest.json").read_text())
    assert list(manifest["vertebrae"]) == ["anna_segment_21", "anna_segment_22"]
    assert manifest["skipped"] == [{"case": "anna", "label": None, "reason": "another case has the same name"}]


def test_the_manifest_keeps_vertebrae_of_cases_that_are_gone(one):
    root, out = one
    write_blocks(root / "carl", ((23, 10),))
    shutil.rmtree(root / "anna")
    build(root, out)
    vertebrae = json.loads((out / "manifest.json").read_text())["vertebrae"]
    assert list(vertebrae) == ["anna_segment_21", "anna_segment_22", "carl_segment_23"]
    assert [item.vertebra for item in read_dataset(out)] == list(vertebrae)


def test_context_shows_what_stands_beside_the_vertebra(one, tmp_path):
    """The second vertebra of the case is in the picture only in context; the geometry stays."""
    root, alone = one
    build(root, tmp_path / "context", context=True)
    name = "DRR/anna_segment_22/rendering/00"
    pictures = [read_radiograph(out / f"{name}.png").pixels for out in (alone, tmp_path / "context")]
    lit = [(pixels > 0.02 * pixels.max()).sum() for pixels in pictures]
    assert lit[1] > 1.2 * lit[0]
    assert (alone / f"{name}.json").read_text() == (tmp_path / "context" / f"{name}.json").read_text()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"views": "all"}, "views: expected one of seed, clinical, got 'all'"),
        ({"workers": 0}, "workers: expected 1 or more, got 0"),
        ({"size_px": 8}, "size: expected 32 to 8192 pixels a side, got 8"),
        ({"views": "seed"}, "expected a data set of seed views, 48 px, the vertebra alone, got one of clinical views"),
        ({"size_px": 64}, "expected a data set of clinical views, 64 px, the vertebra alone, got one of .*, 48 px"),
        ({"context": True}, "48 px, in context, got one of clinical views, 48 px, the vertebra alone"),
    ],
)
def test_bad_options(one, options, message):
    root, out = one
    before = contents(out)
    with pytest.raises(InputError, match=message):
        build(root, out, **options)
    assert contents(out) == before


def test_bad_folders(one, tmp_path):
    root, _ = one
    with pytest.raises(InputError, match="cases: expected a folder"):
        build(tmp_path / "none", tmp_path / "new")
    foreign = tmp_path / "foreign" / "DRR"
    foreign.mkdir(parents=True)
    with pytest.raises(InputError, match="output: expected an empty folder or one of this command, got 'DRR' in it"):
        build(root, tmp_path / "foreign")
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="output: expected a folder that can be made, got"):
        build(root, tmp_path / "file")
    (tmp_path / "foreign" / "manifest.json").write_text('{"options": {"views": "clinical"}}')
    with pytest.raises(InputError, match=r"output: expected the manifest.json of a data set, got"):
        build(root, tmp_path / "foreign")
    assert not any(foreign.iterdir())
