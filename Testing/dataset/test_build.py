"""Building a data set: going on after a stop, what stays in memory, bad options and folders."""

import io
import json
import logging
import shutil
import sys

import pytest
from phantoms import build, contents, snapshot, write_blocks

from ReVertLib.dataset import build_case
from ReVertLib.dataset.layout import read_dataset
from ReVertLib.errors import InputError
from ReVertLib.imaging.radiograph import read_radiograph
from ReVertLib.projection.drr import Vertebra


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
    monkeypatch.setattr(build_case, "read_ct", lambda *_: pytest.fail("CT read"))
    build(root, out)
    after = snapshot(out)
    assert after.pop("manifest.json")[0] == manifest
    assert after == before


class Terminal(io.StringIO):
    """A standard error on which a bar is drawn."""

    def isatty(self):
        return True


def test_a_bar_of_the_cases_is_drawn_on_a_terminal_alone(tmp_path, monkeypatch, caplog):
    write_blocks(tmp_path / "in/anna", ((20, 14),))
    caplog.set_level(logging.INFO, "revert")
    drawn = []
    for kind in (Terminal, io.StringIO):
        monkeypatch.setattr(sys, "stderr", stream := kind())
        build(tmp_path / "in", tmp_path / kind.__name__)
        drawn.append(stream.getvalue())
    assert "cases:" in drawn[0] and "0/1" in drawn[0]
    assert drawn[1] == ""


def test_of_an_isolated_case_only_what_is_around_its_labels_stays_in_memory(one, tmp_path, monkeypatch):
    seen = []

    class Looked(Vertebra):
        def __init__(self, ct, labels, label, context):
            seen.extend((context, volume.array) for volume in (ct, labels))
            super().__init__(ct, labels, label, context)

    monkeypatch.setattr(build_case, "Vertebra", Looked)
    build(one[0], tmp_path / "alone")
    build(one[0], tmp_path / "context", context=True)
    assert [context for context, _ in seen] == [False] * 4 + [True] * 4
    for context, array in seen:
        # Boxes of 8 x 17 x 12 voxels with one more all around, where the whole is 40 x 26 x 22.
        assert array.shape == ((40, 26, 22) if context else (10, 19, 14))
        assert context or array.base is None  # not a view that keeps the whole


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

    real = build_case.write_drr
    monkeypatch.setattr(build_case, "write_drr", write)
    with pytest.raises(KeyboardInterrupt):
        build(root, out)
    assert sorted(p.name for p in out.iterdir()) == ["DRR", "Mesh", "manifest.json"]
    assert [item.vertebra for item in read_dataset(out)] == ["anna_segment_21"]
    assert len(read_dataset(out)[0].images) == 5
    written.clear()
    monkeypatch.setattr(build_case, "write_drr", lambda drr, path: (written.append(path), real(drr, path)))
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

    monkeypatch.setattr(build_case, "write_drr", fail)
    with pytest.raises(InputError, match="No space left"):
        build(one[0], tmp_path / "full")


def test_an_error_nobody_foresaw_costs_only_its_case(tmp_path, monkeypatch, caplog):
    """Of reading one case, and of drawing one vertebra of another."""
    for name in ("anna", "bert", "carl"):
        write_blocks(tmp_path / "in" / name)

    def read(path):
        if path.parent.name == "anna":
            raise MemoryError
        return real_read(path)

    def write(drr, path):
        if "bert_segment_22" in str(path):
            raise RuntimeError("out of\n  luck")
        real_write(drr, path)

    real_read, real_write = build_case.read_ct, build_case.write_drr
    monkeypatch.setattr(build_case, "read_ct", read)
    monkeypatch.setattr(build_case, "write_drr", write)
    with pytest.raises(InputError, match="expected files that can be used, got others in anna, bert_segment_22; man"):
        build(tmp_path / "in", tmp_path / "out")
    manifest = json.loads((tmp_path / "out/manifest.json").read_text())
    assert list(manifest["vertebrae"]) == ["bert_segment_21", "carl_segment_21", "carl_segment_22"]
    assert manifest["failed"] == {"anna": "MemoryError", "bert_segment_22": "RuntimeError: out of luck"}
    assert "skipped bert label 22: RuntimeError: out of luck" in caplog.messages
    assert [item.vertebra for item in read_dataset(tmp_path / "out")] == list(manifest["vertebrae"])


def test_a_data_set_of_nothing_is_an_error_in_the_end(tmp_path):
    """A vertebra of which there is no CT; the manifest says so."""
    write_blocks(tmp_path / "data/anna", names=("other.nii.gz", "segmentation.nii.gz"))
    with pytest.raises(InputError, match="cases: expected a lumbar vertebra that can be used, got none; manifest"):
        build(tmp_path / "data", tmp_path / "out")
    (skipped,) = json.loads((tmp_path / "out/manifest.json").read_text())["skipped"]
    assert skipped == {"case": "anna", "label": None, "reason": "CT: expected one beside the label map, got none"}


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
        ({"views": "all"}, "views: expected one of seed, clinical, around, got 'all'"),
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
