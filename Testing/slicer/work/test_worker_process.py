"""The child process on a real event loop: its answers, and that nobody waits for it."""

import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import slicer_host
from clock import undisturbed_s
from sample_case import SAMPLE_VIEWS, sample_radiograph
from slicer_host import run_until
from worker_host import DEADLINE_S, Asked, is_gone, pid_of, ready, workers

from ReVertLib.inference.results import About, Outcome
from ReVertLib.service.messages import Message
from ReVertLib.service.service import Service


@pytest.fixture
def make_worker():
    with workers() as make:
        yield make


def test_states_from_start_to_stop(make_worker):
    changes = []
    worker = make_worker(onChange=lambda: changes.append(worker.isReady))
    assert (worker.isRunning, worker.isReady, worker.isBusy, worker.about) == (False, False, False, None)
    worker.start("weights.safetensors", "cpu")
    assert (worker.isRunning, worker.isReady) == (True, False)
    assert run_until(lambda: worker.isReady)
    assert worker.about == About("0" * 64, str(Path("weights.safetensors").resolve()), "cpu", {})
    asked = Asked(worker, "echo")
    assert (worker.isBusy, asked.ended) == (True, False)  # nothing is called before the event loop runs
    asked.outcome()
    assert (worker.isBusy, worker.isRunning) == (False, True)
    worker.stop()
    assert (worker.isRunning, worker.isReady, worker.about) == (False, False, None)
    assert changes == [True, False]


def test_a_request_may_come_before_it_is_ready_and_tells_its_stages(make_worker):
    worker = make_worker()
    worker.start()
    pixels = np.arange(12, dtype=np.uint16).reshape(3, 4)
    asked = Asked(worker, "echo", pixels=pixels)
    ((answer,), failures) = asked.outcome()
    assert np.array_equal(answer["pixels"], pixels)
    assert failures == []
    own = [("Reading", 0, 3), ("Thinking", 1, 3), ("Writing", 2, 3)]
    assert asked.stages == [("Starting", 0, 1), ("Loading the weights", 0, 1), *own]
    again = Asked(worker, "echo", number=2)
    assert again.outcome() == ([{"number": 2}], [])
    assert again.stages == own


def test_the_next_request_may_come_from_the_answer_to_the_last(make_worker):
    worker, answers = ready(make_worker()), []

    def ask(number):
        worker.submit(Message("echo", {"number": number}), lambda *_: None, on_done, answers.append)

    def on_done(answer):
        answers.append(answer)
        ask(answer["number"] + 1)

    ask(0)
    assert run_until(lambda: len(answers) >= 20)
    assert answers[:20] == [{"number": number} for number in range(20)]


def test_errors_of_the_work_come_back_and_the_process_stays(make_worker):
    worker = ready(make_worker())
    pid = pid_of(worker)
    assert Asked(worker, "refuse").outcome() == ([], ["box_px: expected a box, got none"])
    assert Asked(worker, "fail").outcome() == ([], ["Unexpected error: division by zero"])
    assert worker.log[0] == "box_px: expected a box, got none"
    assert worker.log[1].startswith("Traceback")
    assert worker.log[-1] == "ZeroDivisionError: division by zero"
    assert Asked(worker, "echo").outcome() == ([{}], [])
    assert pid_of(worker) == pid


def test_work_without_start_or_while_busy_is_refused(make_worker):
    worker = make_worker()
    with pytest.raises(RuntimeError, match="expected to be started and idle"):
        Asked(worker, "echo")
    worker.start()
    Asked(worker, "think")
    with pytest.raises(RuntimeError, match="expected to be started and idle"):
        Asked(worker, "echo")


def test_a_callback_that_fails_does_not_lose_the_next_message(make_worker):
    def on_stage(*_):
        raise ValueError("a mistake of the panel")

    worker, answers = ready(make_worker()), []
    worker.submit(Message("echo", {}), on_stage, answers.append, answers.append)
    assert run_until(lambda: answers)
    assert answers == [{}]


def test_another_choice_is_another_process_and_the_same_is_not(make_worker):
    worker = ready(make_worker(), device="cpu")
    pid = pid_of(worker)
    worker.start(device="cpu")
    assert pid_of(worker) == pid
    ready(worker, device="cuda")
    assert worker.about.device == "cuda"
    assert run_until(lambda: is_gone(pid), DEADLINE_S)


def test_two_workers_at_once(make_worker):
    one, two = make_worker(), make_worker()
    one.start()
    two.start()
    asked = [Asked(one, "think"), Asked(two, "echo", number=2)]
    assert asked[1].outcome() == ([{"number": 2}], [])
    one.cancel()
    assert Asked(two, "echo", number=3).outcome() == ([{"number": 3}], [])
    assert not asked[0].ended


def test_a_request_arrives_although_the_event_loop_stands_still(make_worker, tmp_path):
    """As it does while a view is drawn."""
    worker, path, frame = ready(make_worker()), tmp_path / "frame", np.arange(100_000, dtype=np.uint16)
    asked = Asked(worker, "keep", path=str(path), data=frame)
    deadline = time.monotonic() + DEADLINE_S
    while not (path.exists() and path.stat().st_size == frame.nbytes) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert path.read_bytes() == frame.tobytes()
    assert not asked.ended
    assert asked.outcome() == ([None], [])


def test_what_the_process_says_while_it_takes_a_request_is_told_later(make_worker):
    """Qt tells of it at once."""
    worker = ready(make_worker())
    child = worker._process._child
    child.waitForBytesWritten = lambda _ms: child.waitForReadyRead() and False
    asked = Asked(worker, "echo", number=1)
    assert asked.stages == []
    assert asked.outcome() == ([{"number": 1}], [])
    assert len(asked.stages) == 3
    child.waitForBytesWritten = lambda _ms: child.waitForFinished() and False
    asked = Asked(worker, "crash")
    assert (asked.ended, worker.isRunning) == (False, True)
    reason = "The reconstruction process ended with exit code 3 (out of luck). Please try again."
    assert asked.outcome() == ([], [reason])


def test_a_large_image_goes_there_and_back_without_a_stall(make_worker):
    """18 MB; the longest undisturbed time between two turns of the event loop, the best of three."""
    worker, pixels = ready(make_worker()), np.arange(9_000_000, dtype=np.uint16).reshape(3000, 3000)
    stalls = []
    for _ in range(3):
        turns = [undisturbed_s()]
        asked = Asked(worker, "echo", pixels=pixels)
        while not asked.ended:
            slicer_host.slicer.app.processEvents()
            turns.append(undisturbed_s())
        assert np.array_equal(asked.answers[0]["pixels"], pixels)
        stalls.append(np.diff(turns).max())
    assert min(stalls) < 0.1


def test_the_python_that_runs_it(make_worker, tmp_path, monkeypatch):
    from ReVertSlicer.work import worker_process

    monkeypatch.setenv("PATH", "")
    assert worker_process.workerCommand() == [sys.executable, "-m", "ReVertLib.service.worker"]
    for folder in ("beside", "path"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "PythonSlicer").write_text("#!/bin/sh\n")
        (tmp_path / folder / "PythonSlicer").chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "beside" / "SlicerApp-real"))
    assert worker_process.workerCommand()[0] == str(tmp_path / "beside" / "PythonSlicer")
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    assert worker_process.workerCommand()[0] == str(tmp_path / "path" / "PythonSlicer")


def test_the_real_worker_answers_as_the_service_does(make_worker, tmp_path, monkeypatch):
    """The shipped weights on the sample, from a folder that holds something called numpy."""
    (tmp_path / "numpy.py").write_text("raise RuntimeError('not this one')")
    monkeypatch.chdir(tmp_path)
    worker, service = make_worker(None), Service(device="cpu")
    worker.start(device="cpu")
    for view in SAMPLE_VIEWS:
        pixels, geometry = sample_radiograph(view)
        asked = Asked(worker, "reconstruct", pixels=pixels, geometries=(geometry, geometry))
        ((found,), failures) = asked.outcome()
        assert failures == []
        expected = service.reconstruct(pixels, [geometry, geometry])
        for one, other in zip(found, expected, strict=True):
            assert isinstance(one, Outcome)
            assert np.array_equal(one.reconstruction.mesh.vertices, other.reconstruction.mesh.vertices)
            assert np.array_equal(one.reconstruction.mesh.faces, other.reconstruction.mesh.faces)
            assert one.reconstruction.geometry == other.reconstruction.geometry
            assert one.reconstruction.warnings == other.reconstruction.warnings
            assert len(one.outlines_px) == len(other.outlines_px) > 0
    assert [stage for stage, _, _ in asked.stages] == ["Reconstructing L3", "Drawing the outline"] * 2
    here = service.about.versions.items()  # the tests themselves load torch
    versions = {name: version for name, version in here if name != "torch"}
    assert worker.about == replace(service.about, versions=versions)


@pytest.mark.parametrize(("told", "used"), [(None, "1"), ("2", "2")])
def test_the_process_computes_matrices_alone_unless_the_user_says_otherwise(make_worker, monkeypatch, told, used):
    from ReVertSlicer.work.child import environment

    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    if told:
        monkeypatch.setenv("OPENBLAS_NUM_THREADS", told)
    assert environment().value("OPENBLAS_NUM_THREADS") == used


def test_bytes_go_to_the_process_as_qbytearray_only():
    """The host holds the module to it: Slicer's Qt has an overload that ends at the first NUL."""
    import qt

    with pytest.raises(TypeError, match="expected a QByteArray"):
        qt.QProcess().write(b"one\0two")
