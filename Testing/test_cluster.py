"""Work on a Dask cluster: the same as in one process, with workers lost and runs stopped in the middle."""

import threading
import time
import warnings
from dataclasses import astuple, replace

import numpy as np
import pytest
import tiny
from dask_host import dask_cluster
from phantoms import build, contents, snapshot, write_blocks

from ReVertLib import cluster as module
from ReVertLib.__main__ import main
from ReVertLib.cluster import cluster
from ReVertLib.dataset import build as build_module
from ReVertLib.errors import InputError
from ReVertLib.evaluation import evaluate as evaluate_module
from ReVertLib.evaluation.parts import Parts
from ReVertLib.files import code_hash
from ReVertLib.progress import log
from ReVertLib.resources import SHAPE_MODEL_FILE
from ReVertLib.shape.best_fit import BestFit
from ReVertLib.shape.model import load_model


@pytest.fixture(scope="module")
def dask(tmp_path_factory):
    """Of three workers: two of them are lost."""
    with dask_cluster(tmp_path_factory.mktemp("dask"), 3) as found:
        yield found


def interrupting(*_):
    raise KeyboardInterrupt


def test_stopped_and_robbed_of_a_worker_the_data_set_is_that_of_one_process(dask, tmp_path, monkeypatch):
    """Stopped when the first case is done, and, going on, robbed when two workers are busy."""
    address, workers = dask
    root, whole, out = tmp_path / "in", tmp_path / "whole", tmp_path / "out"
    for number in range(4):
        write_blocks(root / f"p{number}")
    build(root, whole, views="around")
    expected, options = contents(whole), {"views": "around", "workers": None, "scheduler": address}
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(build_module, "_note", interrupting)
        build(root, out, **options)
    stopped = contents(out)
    assert 0 < len(list(out.glob("DRR/*"))) < 8
    assert all(expected[name] == content for name, content in stopped.items() if name != "manifest.json")
    finished = {}

    def rob():
        deadline = time.monotonic() + 300
        while len(list(out.glob(".parts/*"))) < 2 and time.monotonic() < deadline:
            time.sleep(0.002)
        workers[0].kill()
        finished.update({name: when for name, (_, when) in snapshot(out).items() if name.startswith(("DRR", "Mesh"))})

    robber = threading.Thread(target=rob)
    robber.start()
    build(root, out, **options)
    robber.join()
    after = snapshot(out)
    assert {name: content for name, (content, _) in after.items()} == expected
    assert {name: after[name][1] for name in finished} == finished  # nothing was made twice
    assert 0 < len(finished) < len(expected)


def test_robbed_of_a_worker_an_evaluation_is_that_of_one_process(dask, tmp_path, monkeypatch):
    """As soon as one vertebra is measured. With the shape model's modes as they are and few points on what needs no
    network, which take long."""
    address, workers = dask
    model, saved, save = load_model(SHAPE_MODEL_FILE), [], Parts.save
    monkeypatch.setattr(BestFit, "of", lambda: BestFit(model.means, np.moveaxis(model.modes, 0, 2)))
    monkeypatch.setattr(evaluate_module, "CONSTANT_SAMPLES", 1_000)
    for number, level in enumerate(("L5", "L4", "L3")):
        tiny.write_vertebra(tmp_path / "data", level, 650.0 + number, {"ap": 0.0})
    weights = tiny.weights(tmp_path)

    def evaluation(**who):
        return evaluate_module.evaluate(tmp_path / "data", weights, "cpu", samples=1_000, **who)

    def robbing(parts, number, part):
        workers[1].kill()
        saved.append(number)
        save(parts, number, part)

    alone = evaluation(workers=1)
    monkeypatch.setattr(Parts, "save", robbing)
    there = evaluation(scheduler=address)
    assert sorted(saved) == [0, 1, 2]
    assert workers[1].wait(60) != 0
    assert len(alone.rows) == len(there.rows) == 30
    for row, same in zip(alone.rows, there.rows, strict=True):
        assert replace(row, metrics=None, pose=None) == replace(same, metrics=None, pose=None)
        assert astuple(row.metrics) == pytest.approx(astuple(same.metrics), rel=1e-6)


def test_a_scheduler_that_does_not_answer_is_said_before_any_work(tmp_path, monkeypatch, capsys):
    write_blocks(tmp_path / "in/anna")
    monkeypatch.setattr(module, "_ANSWERS_WITHIN_S", 0.3)
    command = ["dataset", str(tmp_path / "in"), str(tmp_path / "out"), "--scheduler"]
    for address, got in (("tcp://127.0.0.1:9", "got Timed out"), ("nowhere", "got ")):
        assert main([*command, address]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"revert: scheduler {address}: expected one that answers, {got}")
    assert main([*command, "tcp://127.0.0.1:9", "--workers", "2"]) == 2
    assert "workers: expected none beside a scheduler, which has its own, got 2" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_workers_of_another_version_or_without_the_data_are_refused(dask, tmp_path, monkeypatch):
    address, _ = dask
    with pytest.raises(InputError, match=rf"worker tcp://.*: expected {tmp_path}/data as it is here, got none"):
        cluster(address, [tmp_path / "data"], tmp_path / "out").__enter__()
    monkeypatch.setattr(module, "__version__", "9.9")
    with pytest.raises(InputError, match=r"worker tcp://.*: expected ReVert 9.9 \(.{8}\), got [^9]"):
        cluster(address, [tmp_path], None).__enter__()
    assert list(tmp_path.iterdir()) == []


def test_a_worker_that_comes_late_is_asked_too(tmp_path):
    expected = module._Expected(module.__version__, code_hash(), (tmp_path / "data",))
    with pytest.raises(InputError, match=r"worker: expected .*data as it is here, got none"):
        module._done(expected, 20, abs, -1)


def said(number: int) -> int:
    log.info("read %d", number)
    log.debug("more")
    warnings.warn("two frames?", stacklevel=1)
    return -number


def test_what_a_worker_logs_and_warns_of_comes_back_with_its_work():
    expected, before = module._Expected(module.__version__, code_hash(), ()), log.level
    assert module._done(expected, 20, said, 3) == (-3, [(20, "read 3"), (30, "two frames?")])
    assert log.level == before
