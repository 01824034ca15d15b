"""Times our metrics of two surfaces beside what MONAI, surface-distance and SimpleITK measure on their masks.

    python Testing/benchmarks/bench_metrics.py [--runs 7] [--record]

All are given the same two meshes: a vertebra, and the same bent and larger. The others need masks, so that theirs are
made too; both times are told. MONAI and surface-distance take part where `pip install '.[bench]'` was run.
"""

from __future__ import annotations

import argparse
from functools import partial

import numpy as np
import torch
from bench import THREADS, interleaved
from history import recorded
from machine import Bounds, describe_machine
from other_metrics import by_monai, by_simpleitk, by_surface_distance
from tiny import deformed

from ReVertLib.anatomy.template import load_template
from ReVertLib.mesh.inside import inside_voxels
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.metrics.surface import GRID_MM, surface_metrics

SAMPLES = (5_000, 20_000, 50_000)
OTHERS = {"MONAI": by_monai, "surface-distance": by_surface_distance, "SimpleITK": by_simpleitk}
MASKS = f"the masks of the others, {GRID_MM} mm"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=7, help="turns per contender (default %(default)s)")
    parser.add_argument("--record", action="store_true", help="add the ratios to history.jsonl")
    options = parser.parse_args()
    torch.set_num_threads(THREADS)
    print(describe_machine(THREADS), Bounds.measured(), sep="\n", flush=True)
    target = load_template().mean("L3")
    contenders, absent = all_contenders(deformed(target), target)
    medians = {name: float(np.median(times)) for name, times in interleaved(contenders, options.runs).items()}
    print(table(contenders, medians, absent))
    if options.record:
        ours = medians[_ours(SAMPLES[1])]
        print(recorded({f"metrics, {name}": medians[name] / ours for name in OTHERS if name in medians}, THREADS))


def _ours(samples: int) -> str:
    return f"ours, {samples:,} points"


def all_contenders(mesh: Mesh, target: Mesh) -> tuple[dict, dict[str, str]]:
    """By name what each computes; and what does not take part, with the reason."""
    contenders = {_ours(n): partial(figures, mesh, target, n) for n in SAMPLES}
    contenders[MASKS] = partial(masks, mesh, target)
    absent = {}
    for name, measure in OTHERS.items():
        try:
            measure(*masks(mesh, target), GRID_MM)
        except ImportError as error:
            absent[name] = f"not installed ({error}): pip install '.[bench]'"
        else:
            contenders[name] = partial(measure, *masks(mesh, target), GRID_MM)
    return contenders, absent


def figures(mesh: Mesh, target: Mesh, samples: int) -> tuple[float, float, float]:
    found = surface_metrics(mesh, target, samples)
    return found.dice, found.hd95_mm, found.assd_mm


def masks(mesh: Mesh, target: Mesh) -> tuple[np.ndarray, np.ndarray]:
    """Both on one grid, two voxels larger than they are."""
    corners = np.vstack([mesh.vertices, target.vertices])
    origin = corners.min(0) - 2 * GRID_MM
    last = np.ceil((corners.max(0) - origin) / GRID_MM).astype(int) + 2
    return tuple(inside_voxels(m, origin, (GRID_MM,) * 3, np.zeros(3, int), last) for m in (mesh, target))


def table(contenders: dict, medians: dict[str, float], absent: dict[str, str]) -> str:
    """Median times, how often ours fits into them, and what is found."""
    ours = medians[_ours(SAMPLES[1])]
    lines = [f"{'one pair of surfaces':<40} {'median ms':>10} {'x ours':>8} {'Dice':>7} {'HD95':>6} {'ASSD mm':>8}"]
    for name, ms in medians.items():
        found = "" if name == MASKS else "{:7.3f} {:6.2f} {:8.2f}".format(*contenders[name]())
        lines.append(f"{name:<40} {ms:10.1f} {ms / ours:8.2f} {found}")
    return "\n".join(lines + [f"{name:<40} {reason}" for name, reason in absent.items()])


if __name__ == "__main__":
    main()
