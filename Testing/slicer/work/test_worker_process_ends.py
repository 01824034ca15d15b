"""How the child process ends: cancelled, killed, crashed, never begun; each is told once, or not at all."""

import sys
from contextlib import suppress

import psutil
import pytest
from slicer_host import run_until
from worker_host import DEADLINE_S, FAKE, Asked, is_gone, pid_of, ready, workers

from ReVertLib.service.messages import Message

LAUNCHER = [sys.executable, "-c", "import subprocess, sys; sys.exit(subprocess.call(sys.argv[1:]))", *FAKE]
NOT_PYTHON = [sys.executable, "-c", "print('Traceback of a launcher', flush=True); input()"]


@pytest.fixture
def make_worker():
    with workers() as make:
        yield make


@pytest.mark.parametrize("command", [FAKE, LAUNCHER], ids=["direct", "launcher"])
def test_cancel_in_the_middle(make_worker, command):
    worker = ready(make_worker(command))
    pid, launcher = pid_of(worker), worker._process._child.processId()
    assert (pid == launcher) == (command is FAKE)
    asked = Asked(worker, "think")
    assert run_until(lambda: asked.stages)
    worker.cancel()
    assert run_until(lambda: is_gone(pid) and is_gone(launcher), DEADLINE_S)
    assert (worker.isRunning, worker.isBusy, worker.about) == (False, False, None)
    worker.start()
    assert Asked(worker, "echo", number=1).outcome() == ([{"number": 1}], [])
    assert not asked.ended


def test_a_worker_that_does_not_react_is_ended_behind_its_launcher(make_worker):
    """A stopped process stands for one in the middle of a long computation: it does not see its input end."""
    worker = ready(make_worker(LAUNCHER))
    process = psutil.Process(pid_of(worker))
    process.suspend()
    try:
        worker.cancel()
        assert run_until(lambda: is_gone(process.pid), DEADLINE_S)
    finally:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def test_cancel_before_the_process_has_said_anything(make_worker):
    worker = make_worker(LAUNCHER)
    worker.start()
    asked = Asked(worker, "echo")
    assert run_until(worker._process._child.processId)
    children = psutil.Process(worker._process._child.processId()).children(recursive=True)
    worker.cancel()
    assert run_until(lambda: all(is_gone(child.pid) for child in children), DEADLINE_S)
    assert not asked.ended


def test_cancel_from_within_a_callback(make_worker):
    worker, answers = ready(make_worker()), []
    worker.submit(Message("echo", {}), lambda *_: worker.cancel(), answers.append, answers.append)
    assert run_until(lambda: not worker.isRunning)
    run_until(lambda: answers, 0.3)
    assert answers == []


def test_killed_from_outside(make_worker):
    worker = ready(make_worker())
    asked = Asked(worker, "think")
    assert run_until(lambda: asked.stages)
    psutil.Process(pid_of(worker)).kill()
    answers, failures = asked.outcome()
    assert answers == []
    assert failures == ["The reconstruction process ended with exit code 9 (no message). Please try again."]
    assert not worker.isRunning
    assert Asked(worker, "echo").outcome() == ([{}], [])  # another process is begun for it


def test_a_crash_says_code_and_last_words_once(make_worker):
    worker = ready(make_worker())
    expected = "The reconstruction process ended with exit code 3 (out of luck). Please try again."
    assert Asked(worker, "crash").outcome() == ([], [expected])
    assert worker.log == ["out of luck", expected]


def test_the_end_of_an_idle_process_is_noticed_quietly(make_worker):
    changes = []
    worker = make_worker(onChange=lambda: changes.append(worker.isReady))
    ready(worker)
    psutil.Process(pid_of(worker)).kill()
    assert run_until(lambda: not worker.isRunning)
    assert changes == [True, False]
    assert Asked(worker, "echo").outcome() == ([{}], [])


def test_weights_that_cannot_be_loaded(make_worker):
    worker = make_worker()
    worker.start(device="broken")
    assert Asked(worker, "echo").outcome() == ([], ["weights: expected a file, got none"])
    assert run_until(lambda: not worker.isRunning)
    assert Asked(worker, "echo").outcome() == ([], ["weights: expected a file, got none"])
    worker.start(device="auto")
    assert Asked(worker, "echo").outcome() == ([{}], [])


def test_a_missing_interpreter(make_worker, tmp_path):
    worker = make_worker([str(tmp_path / "PythonSlicer")])
    worker.start()
    (answers, (failure,)) = Asked(worker, "echo").outcome()
    assert answers == []
    assert failure.startswith(f"The reconstruction process could not be started ({tmp_path / 'PythonSlicer'}): ")
    assert not worker.isRunning


def test_garbage_instead_of_messages(make_worker):
    worker = make_worker(NOT_PYTHON)
    worker.start()
    (answers, (failure,)) = Asked(worker, "echo").outcome()
    assert answers == []
    assert failure.startswith("message: expected to begin with")
    assert not worker.isRunning
