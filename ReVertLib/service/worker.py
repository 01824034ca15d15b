"""The service in a process of its own, kept warm.

    python -m ReVertLib.service.worker [--weights PATH] [--device NAME]

Messages (messages.py) on standard input and output; only the log is text, on standard error. It sends

    started   {"pid"}                               at once
    stage     {"stage", "done", "total"}            while it loads, and while it answers
    ready     {"about": About}                      when it is loaded and warm
    done      {"answer"}                            what `Service.answer` returned
    failed    {"kind", "reason", "traceback"}       instead: kind "input" for an InputError, else "failed"; one line
                                                    each but the traceback, which only "failed" has

and is asked {"kind": a name of `Service.answer`, "content": its arguments}. Requests are answered one after another;
they may be sent before it is ready. When loading fails, "failed" is the last message. When standard input ends,
it ends at once, whatever it is doing, so that it never outlives who started it.
"""

from __future__ import annotations

import argparse
import os
import queue
import sys
import threading
import traceback
from collections.abc import Callable
from io import FileIO

from ReVertLib.errors import InputError, one_line
from ReVertLib.startup import threads, use_threads

from .messages import Decoder, Message, WireError, encode

READ_BYTES = 1 << 20

Send = Callable[[str, dict], None]


def main(arguments: list[str] | None = None) -> int:
    """Runs until standard input ends; returns the exit code when nothing can be answered."""
    parser = argparse.ArgumentParser(
        prog="python -m ReVertLib.service.worker", description="Answers messages; see the source."
    )
    parser.add_argument("--weights", help="weights file; the shipped one if left out")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    options = parser.parse_args(arguments)
    send = _private_output()
    requests: queue.SimpleQueue[Message] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests,), daemon=True).start()
    send("started", {"pid": os.getpid()})
    return _serve(options, requests, send)


def _serve(options: argparse.Namespace, requests: queue.SimpleQueue[Message], send: Send) -> int:
    def progress(stage: str, done: int, total: int) -> None:
        send("stage", {"stage": stage, "done": done, "total": total})

    progress("Starting", 0, 1)
    from .service import Service

    try:
        _share_the_processor()
        service = Service(options.weights, options.device)
        service.load(progress)
        send("ready", {"about": service.about})
    except Exception as error:
        send("failed", _failure(error))
        return 1
    while True:
        request = requests.get()
        try:
            send("done", {"answer": service.answer(request.kind, request.content, progress)})
        except Exception as error:
            send("failed", _failure(error))


def _share_the_processor() -> None:
    """Leaves one core to the application."""
    use_threads(max(1, threads() - 1))


def _failure(error: Exception) -> dict:
    """What is told of an error that is being handled."""
    if isinstance(error, InputError):
        return {"kind": "input", "reason": str(error), "traceback": ""}
    return {"kind": "failed", "reason": one_line(error), "traceback": traceback.format_exc()}


def _private_output() -> Send:
    """A function that writes a message to standard output, which from here on is reserved for it: whatever a library
    prints goes to standard error."""
    output = FileIO(os.dup(1), "w")
    os.dup2(2, 1)
    sys.stdout = sys.stderr

    def send(kind: str, content: dict) -> None:
        rest = memoryview(encode(Message(kind, content)))
        while rest:
            rest = rest[output.write(rest) :]

    return send


def _listen(requests: queue.SimpleQueue[Message]) -> None:
    """Queues what comes in, until the input ends; then ends the process, as there is no one left to answer."""
    decoder = Decoder()
    with FileIO(0, closefd=False) as source:
        while data := source.read(READ_BYTES):
            try:
                messages = decoder.feed(data)
            except WireError as error:
                print(error, file=sys.stderr, flush=True)
                os._exit(2)
            for message in messages:
                requests.put(message)
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
