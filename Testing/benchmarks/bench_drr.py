"""Times radiographs per second of our projector beside itk-rtk and nanodrr, on the bundled vertebra, in one run.

`make bench`, or `python Testing/benchmarks/bench_drr.py`. All three compute the same line integrals of the same views;
the turns of the contenders are interleaved, so that what else the machine does meets all of them. itk-rtk takes part
where `pip install '.[bench]'` was run; it needs 1.7 GB of disk.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
import torch
from bench import ROOT, THREADS, interleaved
from machine import describe_machine
from other_projectors import marched_integrals, rtk_integrals

from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.imaging.labels import label_centre_lps, label_region, read_label_map
from ReVertLib.imaging.volume import Volume, read_volume
from ReVertLib.projection.attenuation import attenuation
from ReVertLib.projection.drr import SIZE_PX, DrrView, c_arm
from ReVertLib.projection.projector import Projector

LABEL = 22
VIEWS = (DrrView(), DrrView(yaw_deg=90), DrrView(yaw_deg=25), DrrView(yaw_deg=30, pitch_deg=60))
OURS, RTK, NANODRR = "ours", "itk-rtk, Joseph", "nanodrr, 0.5 mm steps"

Contender = Callable[[], list[np.ndarray]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=7, help="turns per contender (default %(default)s)")
    options = parser.parse_args()
    torch.set_num_threads(THREADS)
    print(describe_machine(THREADS), flush=True)
    contenders, absent = all_contenders(*isolated_vertebra())
    print(table(contenders, interleaved(contenders, options.runs), absent))


def isolated_vertebra() -> tuple[Volume, np.ndarray]:
    """Attenuation of the bundled vertebra in the smallest box with a border of one voxel, which itk-rtk cuts off; and
    its centre."""
    ct = read_volume(ROOT / "Resources/sample/ct.nii.gz")
    labels = read_label_map(ROOT / "Resources/sample/segmentation.nii.gz")
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


if __name__ == "__main__":
    main()
