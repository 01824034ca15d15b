"""ONNX Runtime beside torch on the user's path: size on disk, start-up, memory, and the network warm, in one run.

    python Testing/benchmarks/bench_runtimes.py [--runs 15] [--record]

Times are of the processor, the least and the median of turns that alternate, so that other work on the machine lies
about them as little as it can. docs/onnx.md holds the table.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from importlib.metadata import files
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "Testing" / "support")]

import ReVertLib  # noqa: E402, F401, I001 - before torch: threads wait as in use
import torch  # noqa: E402, F401
from history import recorded  # noqa: E402
from machine import describe_machine  # noqa: E402
from sample_case import sample_radiograph  # noqa: E402

from ReVertLib.imaging.crop import crop_vertebra  # noqa: E402
from ReVertLib.network.folding import folded  # noqa: E402
from ReVertLib.network.onnx_network import onnx_network  # noqa: E402
from ReVertLib.network.weights import filled_network  # noqa: E402
from ReVertLib.network.weights_file import read_weights  # noqa: E402
from ReVertLib.startup import use_threads  # noqa: E402

RUNTIME, TORCH = "ONNX Runtime", "torch"
PACKAGES = {
    RUNTIME: ("onnxruntime", "flatbuffers", "protobuf"),
    TORCH: ("torch", "sympy", "mpmath", "networkx", "jinja2", "fsspec", "filelock", "typing_extensions"),
}
"""What each brings along that a reconstruction does not need otherwise."""
SIZES = (1, 5)
THREADS = (1, 2)
COLD_RUNS = 5
COLD = """
import resource, sys
sys.modules |= {hidden}
from ReVertLib.cli.main import main
main(["reconstruct", "Resources/sample/verse008_L3_ap.png", "-o", "{surface}", "--quiet", "--threads", "2"])
used = resource.getrusage(resource.RUSAGE_SELF)
print(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=15, help="turns of each (default %(default)s)")
    parser.add_argument("--record", action="store_true", help="add the ratios to history.jsonl")
    options = parser.parse_args()
    print(describe_machine(max(THREADS)), flush=True)
    rows = {"on disk, MB": {name: [sum(map(megabytes, names))] for name, names in PACKAGES.items()}}
    rows |= cold()
    for threads in THREADS:
        rows |= warm(threads, options.runs)
    print(f"| least (median) | {RUNTIME} | {TORCH} |\n|---|---|---|")
    for what, found in rows.items():
        print(f"| {what} | {line(found[RUNTIME])} | {line(found[TORCH])} |")
    if options.record:
        ratios = {f"torch, {what}": min(found[TORCH]) / min(found[RUNTIME]) for what, found in rows.items()}
        print(recorded(ratios, max(THREADS)))


def megabytes(package: str) -> float:
    return sum(path.size or 0 for path in files(package) or ()) / 1e6


def cold() -> dict[str, dict[str, list[float]]]:
    """`revert reconstruct` in fresh processes: seconds, and MB at most."""
    seconds, peaks = {RUNTIME: [], TORCH: []}, {RUNTIME: [], TORCH: []}
    turns = [(RUNTIME, {}), (TORCH, {"onnxruntime": None})] * COLD_RUNS
    with TemporaryDirectory() as folder:
        for name, hidden in turns:
            script = COLD.format(hidden=hidden, surface=Path(folder, "surface.stl"))
            done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True, text=True)
            used, peak = map(float, done.stdout.split()[-2:])
            seconds[name].append(used)
            peaks[name].append(peak)
    return {
        "`revert reconstruct` from its start to its end, s": seconds,
        "its memory, MB": peaks,
    }


def warm(threads: int, runs: int) -> dict[str, dict[str, list[float]]]:
    """Both networks from crops to what they say of them, ms."""
    use_threads(threads)
    file = read_weights()
    networks = {RUNTIME: onnx_network(file), TORCH: folded(filled_network(file).network)}
    pixels, geometry = sample_radiograph("ap")
    crop, rows = crop_vertebra(pixels, geometry), {}
    for count in SIZES:
        times: dict[str, list[float]] = {RUNTIME: [], TORCH: []}
        for turn in range(runs + 2):
            for name, network in networks.items():
                start = time.process_time()
                network.reconstruct_all([crop] * count, [geometry] * count)
                if turn >= 2:
                    times[name].append(1e3 * (time.process_time() - start))
        what = f"{count} crop{'s' * (count > 1)}, {threads} thread{'s' * (threads > 1)}, ms"
        rows[what] = times
    return rows


def line(values: list[float]) -> str:
    """The least and the median, to three digits."""
    digits = max(0, 2 - int(np.log10(min(values))))
    return f"{min(values):.{digits}f} ({np.median(values):.{digits}f})"


if __name__ == "__main__":
    main()
