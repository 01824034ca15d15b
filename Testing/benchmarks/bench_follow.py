"""How fast the module follows a radiograph that keeps changing: from an update of its node to that of the models, with
the real process beside it, in a scene that a 3D view shows.

    python Testing/benchmarks/bench_follow.py [--frames 500] [--every 10] [--film] [--still] [--record]

Unless --every says otherwise, frames come faster than they can be taken. Of each: the wait from the node's update to
the models', and what both processes use of the processor, which holds on a busy machine, too; of all: frames per
second, how many were dropped, and memory at the beginning, half way and in the end. With a view, what drawing the scene
costs when nothing in it has changed is said first: no frame can cost less. --film: five vertebrae of the bundled film
in place of one. --still: without the view. --record: adds how many times as fast it is as is wished, 25 and 8 frames/s,
to history.jsonl.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import psutil

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "Testing" / "support")]
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import slicer_host  # noqa: E402, I001 - first: it makes `slicer` and `qt`
import qt  # noqa: E402
import slicer  # noqa: E402
from history import recorded  # noqa: E402
from machine import describe_machine  # noqa: E402
from scene_pictures import MANAGERS_3D, view_of  # noqa: E402

WARM = 20
"""Frames that do not count."""
VIEW_PX = (800, 600)
DRAWN = 50
"""Times that the unchanged scene is drawn."""
DEADLINE_S = 7200.0
THREADS = 2
WISHED = {False: ("live, one vertebra, 25 frames/s", 25.0), True: ("live, five of a film, 8 frames/s", 8.0)}
"""Frames per second by whether it is a film, and what it is called in the history."""


class Stream:
    """New frames of the panel's radiograph, one every_ms, the same picture a little darker. waits_s: of each that was
    worked on, from the update of the node to that of the last of its models. render: after each."""

    def __init__(self, panel, render, every_ms):
        self.waits_s, self.updates = [], 0
        self._node = panel.state.radiograph
        self._picture = slicer.util.arrayFromVolume(self._node).copy()
        self._random = np.random.default_rng(0)
        section, begun = panel._reconstruct, []
        submit, show = panel.worker.submit, section._showFrame

        def timed_submit(*arguments, **callbacks):
            begun.append(self._updated)
            submit(*arguments, **callbacks)

        def timed_show(*arguments):
            show(*arguments)
            self.waits_s.append(time.perf_counter() - begun[len(self.waits_s)])
            render()

        panel.worker.submit, section._showFrame = timed_submit, timed_show
        self._timer = qt.QTimer()
        self._timer.setInterval(every_ms)
        self._timer.timeout.connect(self._next)
        self._updated = time.perf_counter()
        self._timer.start()

    def _next(self):
        frame = (self._picture * self._random.uniform(0.9, 1.0)).astype(self._picture.dtype)
        self._updated = time.perf_counter()
        self.updates += 1
        slicer.util.updateVolumeFromArray(self._node, frame)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=500, help="frames that count (default %(default)s)")
    parser.add_argument("--every", type=int, default=10, metavar="MS", help="one comes so often (default %(default)s)")
    parser.add_argument("--film", action="store_true", help="five vertebrae of a film")
    parser.add_argument("--still", action="store_true", help="no 3D view")
    parser.add_argument("--record", action="store_true", help="add the ratio to history.jsonl")
    options = parser.parse_args()
    print(describe_machine(THREADS), flush=True)
    panel = panel_with_result(options.film)
    view = nullcontext((None, None))
    if not options.still:
        view = view_of(slicer.vtkMRMLViewNode(), MANAGERS_3D, VIEW_PX)
    with view as (window, renderer):
        if renderer:
            window.SetMultiSamples(0)
            renderer.ResetCamera()
            print(f"the unchanged scene: {drawn_ms(window.Render):.1f} ms of the processor each time it is drawn")
        rate = follow(panel, window.Render if window else lambda: None, options.frames, options.every)
    panel.cleanup()
    slicer_host.run_until(lambda: False, 0.5)
    if options.record:
        name, wished = WISHED[options.film]
        print(recorded({f"{name}{', no view' * options.still}": rate / wished}, THREADS))


def panel_with_result(film: bool):
    """The panel with the sample, reconstructed by its own process."""
    module = slicer_host.load()
    panel = module.ReVertWidget()
    if film:
        panel.state.radiograph = panel.logic.loadSampleData("film").radiograph
        panel.ui.radiographSelector.setCurrentNode(panel.state.radiograph)
    else:
        panel.ui.sampleButton.click()
    for button in ("findButton", "reconstructButton") if film else ("reconstructButton",):
        getattr(panel.ui, button).click()
        wait_for(lambda: not panel.runner.isRunning)
    return panel


def drawn_ms(render) -> float:
    """Of the processor, on average, once it has been drawn."""
    render()
    started = time.process_time()
    for _ in range(DRAWN):
        render()
    return 1e3 * (time.process_time() - started) / DRAWN


def follow(panel, render, frames: int, every_ms: int) -> float:
    """Follows the stream, and prints what it cost; frames per second."""
    own, worker = psutil.Process(), psutil.Process(panel.worker._process._pid)
    stream = Stream(panel, render, every_ms)
    panel.ui.liveCheckBox.setChecked(True)
    wait_for(lambda: len(stream.waits_s) >= WARM)
    follower = panel._reconstruct._follower
    dropped, updates = follower.framesDropped, stream.updates
    before, started, first = [used(one) for one in (own, worker)], time.perf_counter(), len(stream.waits_s)
    wait_for(lambda: len(stream.waits_s) >= first + frames // 2)
    half_way = [used(one) for one in (own, worker)]
    wait_for(lambda: len(stream.waits_s) >= first + frames)
    seconds, after = time.perf_counter() - started, [used(one) for one in (own, worker)]
    count = len(stream.waits_s) - first
    waits_ms = 1e3 * np.array(stream.waits_s[first:])
    came = f"{stream.updates - updates} updates of the node, {follower.framesDropped - dropped} dropped"
    print(f"{count / seconds:.1f} frames/s over {count} frames; {came}")
    half, most = np.percentile(waits_ms, [50, 90])
    print(f"wait from node to model, ms: median {half:.0f}, 9 in 10 below {most:.0f}")
    for name, *at in zip(("application", "worker"), before, half_way, after, strict=True):
        spent_ms = 1e3 * (at[2][0] - at[0][0]) / count
        memory = ", ".join(f"{mb:.0f}" for _, mb in at)
        print(f"{name}: {spent_ms:.1f} ms of the processor a frame; memory, MB: {memory}")
    return count / seconds


def used(process: psutil.Process) -> tuple[float, float]:
    """Seconds of the processor, and memory in MB."""
    times = process.cpu_times()
    return times.user + times.system, process.memory_info().rss / 1e6


def wait_for(condition) -> None:
    if not slicer_host.run_until(condition, DEADLINE_S):
        raise SystemExit(f"not done in {DEADLINE_S:.0f} s: {slicer_host.messages}")


if __name__ == "__main__":
    main()
