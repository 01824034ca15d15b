"""How fast: image in memory to mesh in memory, warm, beside the original's network written plainly, in one run.

    python Testing/benchmarks/bench.py [--runs 15] [--json FILE] [--record]

The contenders take turns (A B C A B C ...), so that a disturbance of the machine meets all of them. The last part
starts the command line afresh and reports its wall time and its peak memory.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "Testing" / "support")]

import ReVertLib  # noqa: E402, F401, I001 - needs the line above, and comes before torch: threads wait as in use
import torch  # noqa: E402
from history import recorded  # noqa: E402
from machine import Bounds, describe_machine  # noqa: E402
from original_plain import PlainNetwork, load  # noqa: E402
from stages import stage_table, stages  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

from ReVertLib.errors import InputError  # noqa: E402
from ReVertLib.geometry.camera import Geometry  # noqa: E402
from ReVertLib.mesh.point_cloud import closed_surface  # noqa: E402
from ReVertLib.network.sphere_network import SphereNetwork, place_in_box  # noqa: E402
from ReVertLib.network.weights import load_weights  # noqa: E402
from ReVertLib.startup import use_threads  # noqa: E402

CASE = ROOT / "Resources" / "sample" / "verse008_L3_ap.png"
BASELINE = "plain original"
SHIPPED = "context, image to mesh"
THREADS = 2
BATCHES = (1, 5, 8, 64)
COLD_RUNS = 3
RUN_TIMED = """
import os, subprocess, sys, time
start = time.perf_counter()
process = subprocess.Popen(sys.argv[1:])
_, status, usage = os.wait4(process.pid, 0)
process.returncode = os.waitstatus_to_exitcode(status)
print(process.returncode, time.perf_counter() - start, usage.ru_maxrss)
"""
"""Exit code, seconds and peak memory of a command. A small process starts it, because the peak of a new process counts
what its parent held."""

BYTES_PER_RSS = 1 if sys.platform == "darwin" else 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=15, help="turns per contender (default %(default)s)")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument("--record", action="store_true", help="add the ratios to history.jsonl")
    options = parser.parse_args()
    use_threads(THREADS)
    machine, bounds = describe_machine(THREADS), Bounds.measured()
    print(machine, bounds, sep="\n", flush=True)
    case, absent = shipped_case()
    contenders = warm_contenders() | ({SHIPPED: lambda: case[0].reconstruct(*case[1:])} if case else {})
    with torch.inference_mode():
        rows = summarise(interleaved(contenders, options.runs))
        parts = interleaved(stages(*case), options.runs) if case else {}
        batches = batch_table(contenders, case, bounds)
    print(warm_table(rows, absent), flush=True)
    print(stage_table(parts), flush=True)
    print(batches, flush=True)
    cold = cold_start()
    print(cold if isinstance(cold, str) else cold_line(cold))
    if options.json:
        figures = {"machine": machine, "runs": options.runs, "warm": rows, "absent": absent, "cold": cold}
        figures["stages"] = parts
        options.json.write_text(json.dumps(figures, indent=1) + "\n")
    if options.record:
        print(recorded({f"{BASELINE} over {row['name']}": row["speedup"] for row in rows[1:]}, THREADS))


def warm_contenders() -> dict[str, Callable[[], object]]:
    """Networks by name. All see one 224 x 224 image; plain original and sphere hold the same weights, so they compute
    the same points."""
    torch.manual_seed(0)
    image = torch.rand(1, 1, 224, 224)
    sphere, plain, published = SphereNetwork().eval(), PlainNetwork().eval(), PlainNetwork(weighted_edges=True).eval()
    load(plain, sphere)
    geometry = Geometry(1020.0, 700.0, (0.4, 0.4), (111.5, 111.5), box_px=(32, 42, 192, 182))
    return {
        BASELINE: lambda: plain(image),
        "plain original, published edge weights": lambda: published(image),
        "sphere, network only": lambda: sphere(image),
        "sphere, with surface": lambda: closed_surface(place_in_box(sphere(image)[0].numpy(), geometry)),
    }


def shipped_case() -> tuple[tuple | None, dict[str, str]]:
    """(predictor, pixels, geometry) of the shipped weights and the bundled case, image and geometry already in memory,
    and nothing; or None, and by name why there is none."""
    from ReVertLib.geometry.sidecar import complete_geometry, read_sidecar, sidecar_path
    from ReVertLib.imaging.radiograph import read_radiograph
    from ReVertLib.inference.predictor import Predictor

    try:
        predictor, pixels = Predictor(device="cpu"), read_radiograph(CASE).pixels
        geometry = complete_geometry(read_sidecar(sidecar_path(CASE)), pixels.shape[::-1])
    except InputError as error:
        return None, {SHIPPED: f"not run: {error}"}
    return (predictor, pixels, geometry), {}


def interleaved(contenders: dict[str, Callable[[], object]], runs: int) -> dict[str, list[float]]:
    """Milliseconds of each of runs turns of each contender, after two turns that do not count."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(runs + 2):
        for name, run in contenders.items():
            start = time.perf_counter()
            run()
            if turn >= 2:
                times[name].append(1e3 * (time.perf_counter() - start))
    return times


def summarise(times: dict[str, list[float]]) -> list[dict]:
    """Per contender its median, tenth and ninetieth percentile in ms, and how often it fits into the baseline."""
    baseline = float(np.median(times[BASELINE]))
    rows = []
    for name, values in times.items():
        p10, median, p90 = (float(p) for p in np.percentile(values, [10, 50, 90]))
        rows.append({"name": name, "median_ms": median, "p10_ms": p10, "p90_ms": p90, "speedup": baseline / median})
    return rows


def warm_table(rows: list[dict], absent: dict[str, str]) -> str:
    lines = [f"{'warm, one image':<40} {'median ms':>10} {'p10':>8} {'p90':>8} {'x faster':>9}"]
    for row in rows:
        spread = f"{row['p10_ms']:8.1f} {row['p90_ms']:8.1f}"
        lines.append(f"{row['name']:<40} {row['median_ms']:10.1f} {spread} {row['speedup']:9.1f}")
    return "\n".join(lines + [f"{name:<40} {reason}" for name, reason in absent.items()])


def batch_table(contenders: dict[str, Callable[[], object]], case: tuple | None, bounds: Bounds) -> str:
    """How the time grows with the number of vertebrae in one image, and the multiplications and additions of one
    beside the time that they would take at the rate of a large product of matrices."""
    lines = [f"{'one image, more and more vertebrae':<40} {'ms each':>10} {'GFLOP':>8} {'bound ms':>9}"]
    runs = {name: contenders[name] for name in (BASELINE, "sphere, network only")}
    if case:
        predictor, pixels, geometry = case
        runs |= {f"{SHIPPED}, {n}": partial(predictor.reconstruct_all, pixels, [geometry] * n) for n in BATCHES}
    for name, run in runs.items():
        count = int(name.rpartition(", ")[2]) if name.startswith(SHIPPED) else 1
        each_ms = float(np.median(interleaved({name: run}, 3)[name])) / count
        each_flop = flop_of(shipped_network() if name.startswith(SHIPPED) else run)
        bound_ms = 1e3 * each_flop / bounds.flops_per_s
        lines.append(f"{name:<40} {each_ms:10.1f} {each_flop / 1e9:8.2f} {bound_ms:9.1f}")
    return "\n".join(lines)


def flop_of(run: Callable[[], object]) -> int:
    """Of products of matrices and convolutions, as torch counts them."""
    with FlopCounterMode(display=False) as counted:
        run()
    return counted.get_total_flops()


def shipped_network() -> Callable[[], object]:
    """The shipped network in torch with one crop, whatever it is computed by otherwise."""
    network = load_weights().network
    size_px = network.crop_size_px
    inputs = torch.zeros(1, 1, size_px, size_px), torch.tensor([2]), torch.tensor([700.0]), torch.eye(3)[None]
    return lambda: network(*inputs)


def cold_start() -> dict[str, float] | str:
    """Median wall seconds and largest peak memory of fresh command lines on the bundled case, or why there are none."""
    if not CASE.is_file():
        return f"cold revert reconstruct: no bundled case {CASE.name}"
    seconds, peaks = [], []
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "ReVertLib", "reconstruct", str(CASE), "-o", f"{folder}/mesh.stl", "--quiet"]
        environment = os.environ | {"OMP_NUM_THREADS": str(THREADS)}
        for _ in range(COLD_RUNS):
            timed = [sys.executable, "-S", "-c", RUN_TIMED, *command]
            done = subprocess.run(timed, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
            code, wall_s, peak = done.stdout.split()
            if code != "0":
                return f"cold revert reconstruct: failed with exit code {code}"
            seconds.append(float(wall_s))
            peaks.append(int(peak) * BYTES_PER_RSS / 1e6)
    return {"median_s": float(np.median(seconds)), "worst_s": max(seconds), "peak_mb": max(peaks)}


def cold_line(cold: dict[str, float]) -> str:
    return (
        f"cold revert reconstruct, {COLD_RUNS} starts: median {cold['median_s']:.2f} s, worst {cold['worst_s']:.2f} s, "
        f"peak memory {cold['peak_mb']:.0f} MB"
    )


if __name__ == "__main__":
    main()
