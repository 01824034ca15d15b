"""`revert register`: a CT's vertebrae laid into the beam of one or two radiographs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ReVertLib import __version__
from ReVertLib.errors import InputError
from ReVertLib.files import check_folder, made_folder, whole_file, write_json
from ReVertLib.geometry.levels import LEVELS
from ReVertLib.geometry.sidecar import sidecar_path
from ReVertLib.progress import log

from .common import add_device, add_labels, add_lengths, add_weights, given_lengths
from .fuse import add_pose, pose_said
from .paths import check_apart, image_files, weights_files
from .reconstruct import STRICT_CODE

if TYPE_CHECKING:
    from ReVertLib.ct_registration.records import CtRegistration
    from ReVertLib.spine.inputs import FilmInput, Wishes

NOTES = {
    "needs": (
        "a CT in Hounsfield units with a label map of its vertebrae, and one or two radiographs of that person with "
        "distances and pixel spacing, as for `revert film`; where options or a sidecar name one level, that vertebra "
        "alone is looked for"
    ),
    "writes": (
        "OUT/<name>_L1.tfm to _L5.tfm, transforms from the CT to the first image's camera frame, for 3D Slicer; "
        "OUT/<name>_L1.stl to _L5.stl, the CT's surfaces there, mm; OUT/<name>.json, matrices, expected errors and "
        "verdicts; OUT/<name>.svg, a picture"
    ),
    "takes": "about 3 s of CPU a vertebra and image",
    "example": "revert register ct.nii.gz segmentation.nii.gz spine.dcm -o registered --sod 850 --view AP",
}
_ENDS = (*(f"_{level}{end}" for level in LEVELS for end in (".tfm", ".stl")), ".json", ".svg")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ct", type=Path, metavar="CT", help="NIfTI, NRRD, MHA, or a folder with a DICOM series")
    parser.add_argument("segmentation", type=Path, metavar="SEGMENTATION", help="its label map, on the same grid")
    parser.add_argument("images", nargs="+", type=Path, metavar="IMAGE", help="one radiograph, or two from other sides")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT", help="a folder")
    add_labels(parser)
    parser.add_argument("--level", metavar="L3", help="the only vertebra to look for, in --box")
    parser.add_argument(
        "--box", type=float, nargs=4, metavar=("U0", "V0", "U1", "V1"), help="pixels around it, in one image"
    )
    add_lengths(parser)
    parser.add_argument("--sod-of", default="L3", metavar="L3|isocentre", help="what is at that distance (default L3)")
    parser.add_argument(
        "--shift", type=int, default=0, metavar="+1|-1", help="move all names that are found towards the feet, the head"
    )
    add_pose(parser)
    parser.add_argument(
        "--capture-range",
        action="store_true",
        help="also measure from how far off starts come back; takes twice as long",
    )
    parser.add_argument("--strict", action="store_true", help=f"exit with {STRICT_CODE} when a vertebra is refused")
    add_weights(parser)
    add_device(parser)


def run(options: argparse.Namespace) -> int:
    """Registers the CT. Returns the exit code."""
    stem = _check(options)
    from ReVertLib.api.fuse import relative_pose
    from ReVertLib.ct_registration.records import REFUSED
    from ReVertLib.ct_registration.register import registered
    from ReVertLib.imaging.ct import read_ct
    from ReVertLib.imaging.label_numbers import read_vertebrae
    from ReVertLib.inference.predictor import Predictor
    from ReVertLib.spine.film import film_result

    pose, ct = pose_said(options.pose), read_ct(options.ct)
    labels = read_vertebrae(options.segmentation, options.labels)
    given = _given(options)
    predictor = Predictor(options.weights, options.device)
    films = [(one, film_result(predictor, one)) for one in given]
    second_from_first = relative_pose(pose, *(one.geometry for one in given)) if len(given) > 1 else None
    found = registered(ct, labels, films, second_from_first, log.debug, options.capture_range)
    _write(options.output, stem, given, found, predictor.weights_sha256)
    for one in found.vertebrae:
        expected = f"{one.expected.across_mm:.1f} mm across, {one.expected.along_mm:.0f} mm along the beam"
        log.info(f"{one.level}: {one.judgement.word}: {one.judgement.reason}; expected error {expected}")
        if one.capture:
            shares = ", ".join(f"{share:.0%} from {size}" for size, share in one.capture.items())
            log.info(f"{one.level}: of starts off by so many mm and degrees come back {shares}")
    log.info("; ".join([f"{options.output} in {found.seconds:.1f} s", *found.warnings]))
    return STRICT_CODE if options.strict and any(one.judgement.word == REFUSED for one in found.vertebrae) else 0


def _check(options: argparse.Namespace) -> str:
    """What can be known before any work. Returns the name that outputs begin with."""
    if len(options.images) > 2:
        raise InputError(f"images: expected one or two, got {len(options.images)}")
    if options.pose and len(options.images) < 2:
        raise InputError("pose: expected two images with it, got one")
    if options.box and (options.level is None or len(options.images) > 1):
        raise InputError("box: expected --level and one image with it; two images have theirs in sidecars")
    if options.pose == "isocentre" and options.sod_of != "isocentre":
        raise InputError(f"pose: expected --sod-of isocentre for a pose about it, got {options.sod_of}")
    check_folder(options.output)
    stem = sidecar_path(options.images[0]).stem
    written = [("output", options.output / f"{stem}{end}") for end in _ENDS]
    images = [file for image in options.images for file in image_files(image)]
    volumes = [("CT", options.ct), ("label map", options.segmentation), ("sidecar", options.geometry)]
    check_apart(written, [*images, *volumes, *weights_files(options.weights)])
    return stem


def _given(options: argparse.Namespace) -> list[FilmInput]:
    from ReVertLib.ct_registration.inputs import registration_input
    from ReVertLib.finding.finder import Finder
    from ReVertLib.imaging.radiograph import read_radiograph

    known, found = given_lengths(options) | {"level": options.level, "box_px": options.box}, []
    finder = Finder(device=options.device)
    for path in options.images:
        try:
            wishes = _wishes(options, path)
            radiograph = read_radiograph(path)
            found.append(registration_input(radiograph, path, known, "command line", options.geometry, wishes, finder))
        except InputError as error:
            raise InputError(f"{path.name}: {error}" if len(options.images) > 1 else str(error)) from error
    return found


def _wishes(options: argparse.Namespace, image: Path) -> Wishes:
    from ReVertLib.spine.inputs import Wishes, boxes_beside

    return Wishes(boxes_beside(image, options.geometry), options.shift, options.sod_of)


def _write(folder: Path, stem: str, given: list[FilmInput], found: CtRegistration, weights_sha256: str) -> None:
    from ReVertLib.ct_registration.report import registration_drawing, registration_report, write_transform
    from ReVertLib.mesh.io import write_mesh

    made_folder(folder)
    for one in found.vertebrae:
        write_mesh(one.mesh, folder / f"{stem}_{one.level}.stl", frame="camera")
        write_transform(folder / f"{stem}_{one.level}.tfm", one.camera_from_lps)
    with whole_file(folder / f"{stem}.svg") as temporary:
        temporary.write_text(registration_drawing(given[0], found), encoding="utf-8")
    about = {"revert": __version__, "weights_sha256": weights_sha256}
    write_json(folder / f"{stem}.json", about | registration_report(given, found))
