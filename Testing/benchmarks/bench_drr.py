"""Times radiographs per second of our projector beside itk-rtk and nanodrr, on the bundled vertebra, in one run.

`make bench`, or `python Testing/benchmarks/bench_drr.py`. All three compute the same line integrals of the same views;
the turns of the contenders are interleaved, so that what else the machine does meets all of them. itk-rtk takes part
where `pip install '.[bench]'` was run; it needs 1.7 GB of disk. A second table says how the time grows with the image,
the number of views and the CT.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from bench import ROOT, THREADS, interleaved
from history import recorded
from machine import Bounds, describe_machine
from other_projectors import marched_integrals, rtk_integrals

from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.imaging.labels import label_centre_lps, label_region, read_label_map
from ReVertLib.imaging.volume import Volume, read_volume
from ReVertLib.projection.attenuation import attenuation
from ReVertLib.projection.drr import SIZE_PX, DrrView, c_arm
from ReVertLib.projection.projector import Projector

LABEL = 22
VIEWS = (DrrView(), DrrView(yaw_deg=90), DrrView(yaw_deg=25), DrrView(yaw_deg=30, pitch_deg=60))
OURS, RTK, NANODRR = "ours", "itk-rtk, Joseph", "nanodrr, 0.5 mm steps"
SIZES_PX, BATCHES = (112, 224, 448), (1, 8, 64)
BYTES_A_SAMPLE = 16
"""Four voxels in single precision, between which a plane is sampled."""

Contender = Callable[[], list[np.ndarray]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=7, help="turns per contender (default %(default)s)")
    parser.add_argument("--record", action="store_true", help="add the ratios to history.jsonl")
    options = parser.parse_args()
    torch.set_num_threads(THREADS)
    bounds = Bounds.measured()
    print(describe_machine(THREADS), bounds, sep="\n", flush=True)
    ct, labels = sample()
    mu, centre = isolated_vertebra(ct, labels)
    contenders, absent = all_contenders(mu, centre)
    times = interleaved(contenders, options.runs)
    print(table(contenders, times, absent), flush=True)
    print(growth({"vertebra": mu, "whole CT": attenuation(ct)}, centre, bounds, options.runs))
    if options.record:
        ours, *others = (float(np.median(times[name])) for name in contenders)
        ratios = {f"DRR, {name}": ms / ours for name, ms in zip(list(contenders)[1:], others, strict=True)}
        print(recorded(ratios, THREADS))


def sample() -> tuple[Volume, Volume]:
    """The bundled CT and its label map."""
    folder = ROOT / "Resources/sample"
    return read_volume(folder / "ct.nii.gz"), read_label_map(folder / "segmentation.nii.gz")


def isolated_vertebra(ct: Volume, labels: Volume) -> tuple[Volume, np.ndarray]:
    """Attenuation of the bundled vertebra in the smallest box with a border of one voxel, which itk-rtk cuts off; and
    its centre."""
    lower, upper = label_region(labels, LABEL, 0.0)
    ct, labels = (volume.cropped(lower - 1, upper + 1) for volume in (ct, labels))
    return attenuation(ct, labels.array == LABEL), label_centre_lps(labels, LABEL)


def all_contenders(mu: Volume, centre_lps: np.ndarray) -> tuple[dict[str, Contender], dict[str, str]]:
    """What takes part, by name, each computing all views, and what does not, with the reason."""
    camera, size_px = c_arm(), (SIZE_PX, SIZE_PX)
    poses = [RigidTransform.about(centre_lps, view.rotation, np.array([0.0, 0.0, camera.sod_mm])) for view in VIEWS]
    projector = Projector(mu)
    contenders = {
        OURS: lambda: [projector.line_integrals(pose, camera, size_px) for pose in poses],
        NANODRR: lambda: [marched_integrals(mu, pose, camera, size_px, 0.5) for pose in poses],
    }
    try:
        runs = [rtk_integrals(mu, pose, camera, size_px, THREADS) for pose in poses]
    except ImportError:
        return contenders, {RTK: "not installed: pip install '.[bench]'"}
    return contenders | {RTK: lambda: [run() for run in runs]}, {}


def table(contenders: dict[str, Contender], times_ms: dict[str, list[float]], absent: dict[str, str]) -> str:
    """Per contender the median time of one image, images per second, how often ours fits into it, and the largest
    difference from ours as a share of the brightest pixel."""
    ours = np.array(contenders[OURS]())
    median_ms = {name: float(np.median(times)) / len(VIEWS) for name, times in times_ms.items()}
    lines = [f"{f'one DRR, {SIZE_PX} x {SIZE_PX}':<40} {'median ms':>10} {'DRR/s':>8} {'x ours':>8} {'differs':>8}"]
    for name, ms in median_ms.items():
        differs = np.abs(np.array(contenders[name]()) - ours).max() / ours.max()
        lines.append(f"{name:<40} {ms:10.1f} {1e3 / ms:8.1f} {ms / median_ms[OURS]:8.1f} {differs:8.5f}")
    return "\n".join(lines + [f"{name:<40} {reason}" for name, reason in absent.items()])


def growth(volumes: dict[str, Volume], centre_lps: np.ndarray, bounds: Bounds, runs: int) -> str:
    """Times of our projector, one view from the front, by volume and size of the image, then by number of views; beside
    the time in which memory alone would give the voxels between which every sample lies."""
    lines = [f"{'ours, by volume, image and views':<40} {'median ms':>10} {'DRR/s':>8} {'bound ms':>9}"]
    cases = [(name, size, 1) for name in volumes for size in SIZES_PX]
    for name, size, views in [*cases, *(("vertebra", SIZE_PX, count) for count in BATCHES[1:])]:
        camera, projector = c_arm(size), Projector(volumes[name])
        pose = RigidTransform.about(centre_lps, VIEWS[0].rotation, np.array([0.0, 0.0, camera.sod_mm]))
        integrals = projector.line_integrals(pose, camera, (size, size))
        run = partial(_several, projector, pose, camera, size, views)
        ms = float(np.median(interleaved({name: run}, runs if views == 1 else 1)[name]))
        planes = volumes[name].array.shape[1]  # a beam from the front passes one for each voxel of depth
        bound_ms = 1e3 * views * planes * int((integrals > 0).sum()) * BYTES_A_SAMPLE / bounds.bytes_per_s
        row = f"{name}, {size} x {size}, {views} view{'s' * (views > 1)}"
        lines.append(f"{row:<40} {ms:10.1f} {1e3 * views / ms:8.1f} {bound_ms:9.1f}")
    return "\n".join(lines)


def _several(projector: Projector, pose: RigidTransform, camera: Geometry, size: int, views: int) -> None:
    for _ in range(views):
        projector.line_integrals(pose, camera, (size, size))


if __name__ == "__main__":
    main()
