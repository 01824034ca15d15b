"""Workers with the fake service for the tests of the child process, and what is heard of them."""

import sys
from contextlib import contextmanager
from pathlib import Path

import psutil
from slicer_host import MODULE_FILE, run_until

from ReVertLib.service.messages import Message

FAKE = [sys.executable, str(Path(__file__).with_name("fake_worker.py"))]
DEADLINE_S = 120.0
"""For what happens at all, however busy the machine is; nothing takes as long."""

if str(MODULE_FILE.parent) not in sys.path:  # as Slicer does
    sys.path.append(str(MODULE_FILE.parent))


@contextmanager
def workers():
    """A function that makes workers; in the end all of them are stopped, and gone."""
    from ReVertSlicer.work.child import Child
    from ReVertSlicer.work.worker_process import Worker

    made = []

    def make(command=FAKE, **options):
        made.append(Worker(command, **options))
        return made[-1]

    try:
        yield make
    finally:
        for worker in made:
            worker.stop()
        assert run_until(lambda: not Child._ending, DEADLINE_S)


class Asked:
    """One request and all that was called back."""

    def __init__(self, worker, kind, **content):
        self.stages, self.answers, self.failures = [], [], []
        worker.submit(Message(kind, content), self.on_stage, self.answers.append, self.failures.append)

    def on_stage(self, *stage):
        self.stages.append(stage)

    @property
    def ended(self):
        return bool(self.answers or self.failures)

    def outcome(self, seconds=DEADLINE_S):
        """(answers, failures) once there is one, and time for a second."""
        assert run_until(lambda: self.ended, seconds)
        run_until(lambda: len(self.answers + self.failures) > 1, 0.1)
        return self.answers, self.failures


def ready(worker, weights=None, device="auto"):
    worker.start(weights, device)
    assert run_until(lambda: worker.isReady, DEADLINE_S), worker.log
    return worker


def pid_of(worker):
    return worker._process._pid


def is_gone(pid):
    """A process that was killed and reaped, or only waits to be."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:  # it may go between two looks
        return True
