"""One vertebra, five in one batch, and a whole film from its pixels to its surfaces, alone and beside one busy process.

    python Testing/benchmarks/bench_busy.py [--runs 15] [--record]

Another process that uses a whole core is what a user's machine has, as often as not. Where two processes slow each
other down whatever they do, as on two threads of one core, a part of the ratio is the machine's: the last row says how
much of it, by a plain loop.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from bench import THREADS, interleaved
from history import recorded
from machine import describe_machine

from ReVertLib.finding.finder import Finder
from ReVertLib.imaging.radiograph import read_radiograph
from ReVertLib.inference.predictor import Predictor
from ReVertLib.resources import FILM_FOLDER
from ReVertLib.spine.film import film_given, film_result
from ReVertLib.spine.inputs import Wishes
from ReVertLib.startup import matrices_alone, use_threads

IMAGE = FILM_FOLDER / "film_ap.png"
BUSY = "while True: pass"
"""What the other process does."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=15, help="turns of each (default %(default)s)")
    parser.add_argument("--record", action="store_true", help="add the ratios to history.jsonl")
    options = parser.parse_args()
    use_threads(THREADS)
    print(describe_machine(THREADS), flush=True)
    contenders = jobs()
    with matrices_alone():  # as the command line and the Slicer module compute them
        alone = interleaved(contenders, options.runs)
        with busy_process():
            busy = interleaved(contenders, options.runs)
    print(f"{'medians':<40} {'alone ms':>9} {'busy ms':>9} {'busy/alone':>11}")
    ratios = {}
    for name in contenders:
        one, other = np.median(alone[name]), np.median(busy[name])
        print(f"{name:<40} {one:9.1f} {other:9.1f} {other / one:11.2f}")
        ratios[f"alone over beside a busy process, {name}"] = float(one / other)
    if options.record:
        print(recorded(ratios, THREADS))


def jobs() -> dict[str, Callable[[], object]]:
    """What is timed, by name, each on the bundled film in memory."""
    predictor, finder, radiograph = Predictor(device="cpu"), Finder(device="cpu"), read_radiograph(IMAGE)

    def film():
        return film_result(predictor, film_given(radiograph, IMAGE, {}, "given", None, Wishes(), finder))

    geometries = [one.reconstruction.geometry for one in film().levels]
    return {
        "one vertebra": lambda: predictor.reconstruct(radiograph.pixels, geometries[0]),
        f"{len(geometries)} in one batch": lambda: predictor.reconstruct_all(radiograph.pixels, geometries),
        "a film, found and reconstructed": film,
        "a plain loop": lambda: sum(range(500_000)),
    }


@contextmanager
def busy_process() -> Iterator[None]:
    """Meanwhile another process uses a core."""
    other = subprocess.Popen([sys.executable, "-c", BUSY])
    try:
        time.sleep(0.3)
        yield
    finally:
        other.kill()
        other.wait()


if __name__ == "__main__":
    main()
