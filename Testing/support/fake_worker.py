"""The real worker with a service that needs no torch and does what a test asks for: `python fake_worker.py`.

What it is asked, by the kind of the request:

    echo      answers with the content, after three stages
    think     computes until it is ended
    print     writes to standard output as a library would, then answers None
    refuse    raises the InputError "box_px: expected a box, got none"
    fail      raises a ZeroDivisionError
    keep      writes the content's "data" to its "path" when all has come, and answers None
    crash     writes "out of luck" to standard error and ends with exit code 3

As device "broken" it cannot be loaded; as device "slow" it takes a second.
"""

import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from ReVertLib.errors import InputError
from ReVertLib.inference.results import About
from ReVertLib.service import service, worker


class FakeService:
    """See the text of this file."""

    def __init__(self, weights, device):
        self.weights, self.device = weights, device

    @property
    def about(self):
        return About("0" * 64, str(self.weights), self.device, {})

    def load(self, progress):
        progress("Loading the weights", 0, 1)
        if self.device == "broken":
            raise InputError("weights: expected a file, got none")
        if self.device == "slow":
            time.sleep(1)

    def answer(self, kind, content, progress):
        return getattr(self, kind)(content, progress)

    def echo(self, content, progress):
        for done, stage in enumerate(("Reading", "Thinking", "Writing")):
            progress(stage, done, 3)
        return content

    def think(self, _content, progress):
        progress("Thinking", 0, 1)
        while True:
            pass

    def print(self, _content, _progress):
        print("a library says hello")
        os.write(1, b"and so does one in C\n")

    def refuse(self, _content, _progress):
        raise InputError("box_px: expected a box, got none")

    def fail(self, _content, _progress):
        return 1 / 0

    def keep(self, content, _progress):
        Path(content["path"]).write_bytes(content["data"].tobytes())

    def crash(self, _content, _progress):
        os.write(2, b"out of luck\n")
        os._exit(3)


if __name__ == "__main__":
    service.Service = FakeService
    worker._share_the_processor = lambda: None
    sys.exit(worker.main())
