"""One piece of work at a time: its stages, the time it may still take, its end."""

import pytest
import slicer_host


class QuietWorker:
    """A worker whose answers the test gives."""

    def __init__(self, ready):
        self.isReady, self.cancelled = ready, 0

    def submit(self, message, onStage, onDone, onFailed):
        self.message, self.stage, self.done, self.fail = message, onStage, onDone, onFailed

    def cancel(self):
        self.cancelled += 1


@pytest.fixture
def runner_module():
    slicer_host.load()
    from ReVertSlicer.work import runner

    return runner


@pytest.fixture
def clock(runner_module, monkeypatch):
    """The time the runner sees."""
    now = [100.0]
    monkeypatch.setattr(runner_module.time, "monotonic", lambda: now[0])
    return now


def running(runner_module, ready=True):
    """(runner, worker, what it told, what was answered) with a reconstruction on its way."""
    told, answers = [], []
    worker = QuietWorker(ready)
    runner = runner_module.Runner(worker, told.append)
    runner.run("reconstruct", "message", answers.append, lambda text: answers.append(("failed", text)))
    return runner, worker, told, answers


def test_stage_share_and_time_left_are_told(runner_module, clock):
    runner, worker, told, _ = running(runner_module)
    expected = runner_module.FIRST_GUESS_S["reconstruct"]
    clock[0] += expected / 2
    worker.stage("Reconstructing L3", 0, 1)
    assert runner.isRunning
    assert told[-1] == runner_module.Progress("Reconstructing L3", pytest.approx(0.5), pytest.approx(expected / 2))


def test_a_cold_start_takes_the_start_as_well(runner_module, clock):
    _, worker, told, _ = running(runner_module, ready=False)
    worker.stage("Loading PyTorch", 0, 1)
    assert told[-1].secondsLeft == pytest.approx(sum(runner_module.FIRST_GUESS_S[k] for k in ("start", "reconstruct")))
    assert told[-1].text == "Loading PyTorch, about 8 s left"


def test_it_never_claims_to_be_done_before_it_is(runner_module, clock):
    _, worker, told, _ = running(runner_module)
    clock[0] += 1000
    worker.stage("Reconstructing L3", 0, 1)
    assert told[-1].share < 1
    assert told[-1].secondsLeft == 0
    assert told[-1].text == "Reconstructing L3"


def test_the_next_guess_is_how_long_it_took(runner_module, clock):
    runner, worker, told, answers = running(runner_module)
    clock[0] += 4.0
    worker.done("reply")
    assert (answers, told[-1], runner.isRunning) == (["reply"], None, False)
    runner.run("reconstruct", "message", answers.append, answers.append)
    assert told[-1].secondsLeft == pytest.approx(4.0)


def test_a_cold_start_tells_how_long_starting_takes(runner_module, clock):
    runner, worker, told, answers = running(runner_module, ready=False)
    clock[0] += 12.0
    worker.done("reply")
    runner.run("compare", "message", answers.append, answers.append)  # the process was lost meanwhile
    start = 12.0 - runner_module.FIRST_GUESS_S["reconstruct"]
    assert told[-1].secondsLeft == pytest.approx(start + runner_module.FIRST_GUESS_S["compare"])


def test_failure_ends_it_once(runner_module, clock):
    runner, worker, told, answers = running(runner_module)
    worker.fail("worker: expected to answer, got an end")
    assert answers == [("failed", "worker: expected to answer, got an end")]
    assert told[-1] is None
    assert not runner.isRunning


def test_cancel_stops_the_process_and_says_nothing_more(runner_module, clock):
    runner, worker, told, answers = running(runner_module)
    runner.cancel()
    runner.cancel()
    assert (worker.cancelled, answers, told[-1]) == (1, [], None)


@pytest.mark.parametrize(("ready", "shown"), [(True, False), (False, True)], ids=["warm", "cold"])
def test_of_work_that_is_not_shown_only_a_cold_start_is_told(runner_module, clock, ready, shown):
    told, answers, worker = [], [], QuietWorker(ready)
    runner = runner_module.Runner(worker, told.append)
    runner.run("reconstruct", "message", answers.append, answers.append, isShown=False)
    worker.stage("Reconstructing L3", 0, 1)
    assert (bool(told), runner._timer.isActive()) == (shown, shown)
    clock[0] += 2.0
    worker.done("reply")
    assert (answers, runner.isRunning, None in told) == (["reply"], False, shown)


def test_time_goes_on_without_a_word_from_the_process(runner_module):
    _, _, told, _ = running(runner_module)
    before = len(told)
    assert slicer_host.run_until(lambda: len(told) > before + 1, 2)


def test_work_in_many_stages_tells_how_many_are_done_and_its_end_comes_first(runner_module, clock):
    told, calls = [], []
    worker = QuietWorker(True)
    runner = runner_module.Runner(worker, told.append)
    runner.run("folder", "message", calls.append, calls.append, lambda: calls.append("end"))
    clock[0] += 30.0
    worker.stage("Radiograph 4 of 12", 3, 12)
    assert (told[-1].share, told[-1].secondsLeft) == (pytest.approx(0.25), pytest.approx(90.0))
    worker.done("answer")
    assert calls == ["end", "answer"]
    assert told[-1] is None
    runner.run("folder", "message", calls.append, calls.append, lambda: calls.append("cancelled"))
    runner.cancel()
    assert calls == ["end", "answer", "cancelled"]
