"""`revert drr`: CT and label map to radiograph, sidecar and true surface."""

from __future__ import annotations

import argparse
from pathlib import Path

from ReVertLib.errors import InputError
from ReVertLib.progress import log

from .common import add_labels
from .paths import check_apart

NOTES = {
    "needs": "a CT in Hounsfield units, and for one vertebra alone a label map on its grid",
    "example": "revert drr ct.nii.gz segmentation.nii.gz --label 22 --yaw 90 -o L3.png --mesh L3_truth.stl",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ct", type=Path, metavar="CT")
    parser.add_argument("segmentation", type=Path, nargs="?", metavar="SEG", help="without one, the whole CT is seen")
    parser.add_argument("--label", type=int, metavar="N", help="of SEG (VerSe: L1..L5 = 20..24), if it has several")
    add_labels(parser)
    for angle, what in (
        ("yaw", "about the superior axis"),
        ("pitch", "about the camera's X"),
        ("roll", "about the beam"),
    ):
        parser.add_argument(f"--{angle}", type=float, default=0.0, metavar="DEG", help=f"{what} (default 0: AP)")
    parser.add_argument("--sdd", type=float, default=1020.0, metavar="MM")
    parser.add_argument("--sod", type=float, default=600.0, metavar="MM")
    parser.add_argument(
        "--pixel-spacing", type=float, metavar="MM", help="at the detector (default: 130 mm at the vertebra)"
    )
    parser.add_argument("--size", type=int, default=224, metavar="PX")
    parser.add_argument("--context", action="store_true", help="the whole CT instead of the vertebra alone")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.png")
    parser.add_argument("--mesh", type=Path, metavar="OUT.stl")


def run(options: argparse.Namespace) -> None:
    from ReVertLib.api.drr import drr
    from ReVertLib.geometry.sidecar import sidecar_path
    from ReVertLib.projection.drr import check_drr_paths, write_drr

    check_drr_paths(options.output, options.mesh)
    outputs = [("output", options.output), ("sidecar", sidecar_path(options.output)), ("mesh", options.mesh)]
    check_apart(outputs, [("CT", options.ct), ("segmentation", options.segmentation)])
    if options.mesh and not options.segmentation:
        raise InputError("mesh: expected a segmentation to take it from, got none")
    (made,) = drr(
        options.ct,
        options.segmentation,
        views=[(options.yaw, options.pitch, options.roll)],
        label=options.label,
        scheme=options.labels,
        context=options.context,
        size_px=options.size,
        sdd_mm=options.sdd,
        sod_mm=options.sod,
        pixel_spacing_mm=options.pixel_spacing,
    )
    write_drr(made, options.output, options.mesh)
    for warning in made.warnings:
        log.warning(warning)
    seen = made.geometry.level or (f"label {options.label}" if options.segmentation else "the whole CT")
    log.info(f"{options.output}: {options.size} x {options.size} px, {seen}")
