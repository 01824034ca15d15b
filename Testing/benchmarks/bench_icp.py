"""Times our alignment of two surfaces beside iterated closest points of trimesh and Open3D, in one run.

    python Testing/benchmarks/bench_icp.py [--runs 7] [--record]

A vertebra is laid onto the same one bent and larger, from a start that is turned by 15 degrees and 5 mm off, and from
half a turn, where ours searches. The others have as many points as ours and as many rounds as ours at most. They take
part where `pip install '.[bench]'` was run.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
from bench import THREADS, interleaved
from history import recorded
from machine import describe_machine
from tiny import deformed

from ReVertLib.anatomy.template import load_template
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.geometry.views import rotation_about
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.mesh.sampling import surface_points
from ReVertLib.metrics.surface import surface_metrics
from ReVertLib.registration.icp import align

NEAR = "near"
STARTS = {NEAR: (15.0, 5.0), "half a turn": (180.0, 5.0)}
"""Degrees about the vertebra's long axis, and mm."""
POINTS, TARGET_POINTS, ROUNDS = 5_000, 20_000, 90
APART_MM = 30.0
"""Open3D pairs nothing farther apart."""
OURS = "ours"

Aligner = Callable[[Mesh, Mesh], np.ndarray]


def by_ours(mesh: Mesh, target: Mesh) -> np.ndarray:
    return align(mesh, target, "rigid").matrix


def by_trimesh(mesh: Mesh, target: Mesh) -> np.ndarray:
    from trimesh.registration import icp

    points, goal = surface_points(mesh, POINTS, 0), surface_points(target, TARGET_POINTS, 1)
    return icp(points, goal, threshold=0, max_iterations=ROUNDS, reflection=False, scale=False)[0]


def by_open3d(mesh: Mesh, target: Mesh) -> np.ndarray:
    import open3d

    registration = open3d.pipelines.registration
    clouds = [surface_points(mesh, POINTS, 0), surface_points(target, TARGET_POINTS, 1)]
    clouds = [open3d.geometry.PointCloud(open3d.utility.Vector3dVector(points)) for points in clouds]
    rounds = registration.ICPConvergenceCriteria(0.0, 0.0, ROUNDS)
    method = registration.TransformationEstimationPointToPoint()
    return registration.registration_icp(*clouds, APART_MM, np.eye(4), method, rounds).transformation


ALIGNERS: dict[str, Aligner] = {OURS: by_ours, "trimesh": by_trimesh, "Open3D": by_open3d}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=7, help="turns per contender (default %(default)s)")
    parser.add_argument("--record", action="store_true", help="add the ratios to history.jsonl")
    options = parser.parse_args()
    print(describe_machine(THREADS), flush=True)
    target, present, absent = load_template().mean("L3"), *installed()
    ratios = {}
    for start, (turn_deg, off_mm) in STARTS.items():
        moved = RigidTransform(rotation_about("z", turn_deg), np.array([off_mm, 0.0, 0.0]))
        mesh = deformed(target).moved(moved)
        runs = {name: lambda run=run, mesh=mesh: run(mesh, target) for name, run in present.items()}
        medians = {name: float(np.median(times)) for name, times in interleaved(runs, options.runs).items()}
        print(table(start, mesh, target, runs, medians))
        if start == NEAR:  # from the other one the others end elsewhere
            ratios = {f"ICP, {name}": ms / medians[OURS] for name, ms in medians.items() if name != OURS}
    print("\n".join(f"{name:<40} {reason}" for name, reason in absent.items()))
    if options.record:
        print(recorded(ratios, THREADS))


def installed() -> tuple[dict[str, Aligner], dict[str, str]]:
    """What takes part, by name, and what does not, with the reason."""
    small, present, absent = load_template().mean("L3"), {}, {}
    for name, run in ALIGNERS.items():
        try:
            run(small, small)
        except (ImportError, OSError) as error:
            absent[name] = f"not installed ({error}): pip install '.[bench]'"
        else:
            present[name] = run
    return present, absent


def table(start: str, mesh: Mesh, target: Mesh, runs: dict[str, Callable], medians: dict[str, float]) -> str:
    """Median times, how often ours fits into them, and how far apart the surfaces are in the end."""
    lines = [f"{f'rigid alignment from {start}':<40} {'median ms':>10} {'x ours':>8} {'ASSD mm':>8}"]
    for name, ms in medians.items():
        moved = Mesh(mesh.vertices @ runs[name]()[:3, :3].T + runs[name]()[:3, 3], mesh.faces)
        apart_mm = surface_metrics(moved, target, 5_000).assd_mm
        lines.append(f"{name:<40} {ms:10.1f} {ms / medians[OURS]:8.2f} {apart_mm:8.2f}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
