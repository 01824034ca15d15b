"""The worker as a process: what it says and when, what it keeps to itself, and when it ends."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from ReVertLib.inference.results import About
from ReVertLib.service.messages import Decoder, Message, encode
from ReVertLib.service.worker import _share_the_processor

DEADLINE_S = 120.0
"""For what happens at all, however busy the machine is; nothing takes as long."""
FAKE = Path(__file__).parents[1] / "support" / "fake_worker.py"


class Talk:
    """A worker with the fake service, and all it has said."""

    def __init__(self, *options):
        pipes = {name: subprocess.PIPE for name in ("stdin", "stdout", "stderr")}
        self.process = subprocess.Popen([sys.executable, str(FAKE), *options], **pipes)
        self.decoder, self.heard, self.said, self.found = Decoder(), [], [], None

    def ask(self, kind, **content):
        self.process.stdin.write(encode(Message(kind, content)))
        self.process.stdin.flush()

    def until(self, *kinds):
        """The next message of one of kinds; those before it have been said, too."""
        while not self.said or self.said[-1].kind not in kinds or self.said[-1] is self.found:
            while not self.heard:
                data = self.process.stdout.read1()
                assert data, self.process.stderr.read().decode()
                self.heard += self.decoder.feed(data)
            self.said.append(self.heard.pop(0))
        self.found = self.said[-1]
        return self.found

    def end(self):
        """(exit code, standard error), once its input has ended."""
        errors = self.process.communicate(timeout=DEADLINE_S)[1]
        return self.process.returncode, errors.decode()


@pytest.fixture
def talk():
    talks = []

    def begin(*options):
        talks.append(Talk(*options))
        return talks[-1]

    yield begin
    for one in talks:
        one.process.kill()
        one.process.communicate()


def stages(messages):
    return [tuple(m.content.values()) for m in messages if m.kind == "stage"]


def test_it_says_who_it_is_and_what_it_loads(talk):
    worker = talk("--weights", "some.safetensors", "--device", "cpu")
    ready = worker.until("ready")
    assert [m.kind for m in worker.said] == ["started", "stage", "stage", "ready"]
    assert worker.said[0].content == {"pid": worker.process.pid}
    assert stages(worker.said) == [("Starting", 0, 1), ("Loading the weights", 0, 1)]
    assert ready.content == {"about": About("0" * 64, "some.safetensors", "cpu", {})}


def test_requests_are_answered_in_order_even_those_that_came_early(talk):
    worker = talk()
    for number in range(3):
        worker.ask("echo", number=number, pixels=np.full((600, 700), number, np.uint16))
    worker.until("ready")
    for number in range(3):
        answer = worker.until("done").content["answer"]
        assert answer["number"] == number
        assert (answer["pixels"] == number).all()
    thinking = [("Reading", 0, 3), ("Thinking", 1, 3), ("Writing", 2, 3)]
    assert stages(worker.said)[2:] == 3 * thinking


def test_what_libraries_print_does_not_disturb_the_messages(talk):
    worker = talk()
    worker.ask("print")
    assert worker.until("done").content == {"answer": None}
    assert worker.end() == (0, "a library says hello\nand so does one in C\n")


def test_errors_are_told_apart_and_leave_it_able_to_answer(talk):
    worker = talk()
    worker.ask("refuse")
    told = {"kind": "input", "reason": "box_px: expected a box, got none", "traceback": ""}
    assert worker.until("done", "failed").content == told
    for kind, reason in (("fail", "division by zero"), ("unheard_of", "no attribute 'unheard_of'")):
        worker.ask(kind)
        failed = worker.until("done", "failed").content
        assert failed["kind"] == "failed"
        assert reason in failed["reason"]
        assert failed["traceback"].startswith("Traceback")
    worker.ask("echo", number=1)
    assert worker.until("done").content == {"answer": {"number": 1}}


def test_when_it_cannot_be_loaded_it_says_why_and_ends(talk):
    worker = talk("--device", "broken")
    failed = worker.until("failed").content
    assert (failed["kind"], failed["reason"]) == ("input", "weights: expected a file, got none")
    assert worker.process.wait(DEADLINE_S) == 1


def test_end_of_input_ends_it_in_the_middle_of_a_computation(talk):
    worker = talk()
    worker.ask("think")
    while ("Thinking", 0, 1) not in stages(worker.said):
        worker.until("stage")
    assert worker.end()[0] == 0


def test_end_of_input_ends_it_while_it_loads(talk):
    worker = talk("--device", "slow")
    worker.until("started")
    assert worker.end()[0] == 0


@pytest.mark.parametrize(("usual", "left"), [(8, 7), (2, 1), (1, 1)])
def test_it_leaves_a_core_to_who_waits(monkeypatch, usual, left):
    chosen = []
    monkeypatch.setenv("OMP_NUM_THREADS", str(usual))
    monkeypatch.setattr(torch, "set_num_threads", chosen.append)
    _share_the_processor()
    assert chosen == [left]


def test_what_is_no_request_ends_it(talk):
    worker = talk()
    worker.until("ready")
    worker.process.stdin.write(b"hello")
    code, errors = worker.end()
    assert code == 2
    assert errors.startswith("message: expected to begin with")
