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
    parser.add_argument(
        "--yaw",
        type=float,
        nargs="+",
        default=[0.0],
        metavar="DEG",
        help="about the superior axis (default 0: AP); of several, each is in the name of its files",
    )
    for angle, what in (("pitch", "about the camera's X"), ("roll", "about the beam")):
        parser.add_argument(f"--{angle}", type=float, default=0.0, metavar="DEG", help=f"{what} (default 0: AP)")
    parser.add_argument("--sdd", type=float, default=1020.0, metavar="MM")
    parser.add_argument("--sod", type=float, default=600.0, metavar="MM")
    parser.add_argument(
        "--pixel-spacing", type=float, metavar="MM", help="at the detector (default: 130 mm at the vertebra)"
    )
    parser.add_argument("--size", type=int, default=224, metavar="PX")
    parser.add_argument("--context", action="store_true", help="the whole CT instead of the vertebra alone")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT", help="a .png .tif .nrrd .dcm file")
    parser.add_argument("--mesh", type=Path, metavar="OUT.stl")


def run(options: argparse.Namespace) -> None:
    from ReVertLib.api.drr import drr
    from ReVertLib.geometry.sidecar import sidecar_path
    from ReVertLib.projection.drr import check_drr_paths, write_drr

    images, meshes = (
        [_of_view(path, yaw, options.yaw) for yaw in options.yaw] for path in (options.output, options.mesh)
    )
    for image, mesh in zip(images, meshes, strict=True):
        check_drr_paths(image, mesh)
    outputs = [("output", path) for path in images] + [("sidecar", sidecar_path(path)) for path in images]
    outputs += [("mesh", path) for path in meshes]
    check_apart(outputs, [("CT", options.ct), ("segmentation", options.segmentation)])
    if options.mesh and not options.segmentation:
        raise InputError("mesh: expected a segmentation to take it from, got none")
    found = drr(
        options.ct,
        options.segmentation,
        views=[(yaw, options.pitch, options.roll) for yaw in options.yaw],
        label=options.label,
        scheme=options.labels,
        context=options.context,
        size_px=options.size,
        sdd_mm=options.sdd,
        sod_mm=options.sod,
        pixel_spacing_mm=options.pixel_spacing,
    )
    for made, image, mesh in zip(found, images, meshes, strict=True):
        write_drr(made, image, mesh)
        for warning in made.warnings:
            log.warning(warning)
        seen = made.geometry.level or (f"label {options.label}" if options.segmentation else "the whole CT")
        log.info(f"{image}: {options.size} x {options.size} px, {seen}")


def _of_view(path: Path | None, yaw_deg: float, all_deg: list[float]) -> Path | None:
    """The path as it is for one view; of several, `L3_yaw25.png` for L3.png."""
    return path if path is None or len(all_deg) == 1 else path.with_stem(f"{path.stem}_yaw{yaw_deg:g}")
