"""`revert fuse`: two radiographs of one vertebra to one surface and a report."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ReVertLib import __version__
from ReVertLib.errors import InputError, one_line
from ReVertLib.files import check_writable, write_json
from ReVertLib.geometry.levels import LEVELS
from ReVertLib.progress import log
from ReVertLib.startup import garbage_uncollected

from .common import add_device, add_weights
from .paths import check_apart, image_files, weights_files
from .reconstruct import STRICT_CODE

if TYPE_CHECKING:
    from ReVertLib.fusion.records import Fused
    from ReVertLib.inference.predictor import Predictor
    from ReVertLib.inference.results import Reconstruction

NOTES = {
    "needs": (
        "two radiographs of one lumbar vertebra from different sides, each with its distances, pixel spacing, view and "
        "box in a JSON sidecar or in the image itself"
    ),
    "writes": "the surface in the first image's camera frame, with the errors still to be expected",
    "example": "revert fuse Resources/sample/verse008_L3_ap.png Resources/sample/verse008_L3_lateral.png -o L3.stl",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("first", type=Path, metavar="FIRST", help="PNG, TIFF, JPEG, DICOM, NRRD, MHA, NIfTI")
    parser.add_argument("second", type=Path, metavar="SECOND", help="another image of the same vertebra")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT", help="a .stl .ply .obj .vtp file")
    parser.add_argument("--level", metavar="L3", help=f"one of {', '.join(LEVELS)}")
    add_pose(parser)
    parser.add_argument("--report", type=Path, metavar="JSON", help="poses, agreement, expected errors, warnings")
    parser.add_argument(
        "--strict", action="store_true", help=f"exit with {STRICT_CODE} when the verdict is 'do not use'"
    )
    add_weights(parser)
    add_device(parser)


def add_pose(parser: argparse.ArgumentParser) -> None:
    """--pose, as `pose_said` takes it."""
    parser.add_argument(
        "--pose",
        metavar="isocentre|JSON",
        help=(
            "how the second camera lies to the first: isocentre, where both views are exact and each source-object "
            "distance is that of one isocentre; or a file with second_from_first, a matrix (4, 4), mm (default: found)"
        ),
    )


def run(options: argparse.Namespace) -> int:
    """Fuses the two images. Returns the exit code."""
    _check_paths(options)
    with garbage_uncollected():
        from ReVertLib.api.fuse import relative_pose
        from ReVertLib.fusion.pair import fused_pair
        from ReVertLib.inference.inputs import input_from_file
        from ReVertLib.inference.predictor import Predictor
        from ReVertLib.mesh.io import write_mesh

    pose, given = pose_said(options.pose), []
    for name, image in (("first", options.first), ("second", options.second)):
        try:
            given.append(input_from_file(image, {"level": options.level}, "command line"))
        except InputError as error:
            raise InputError(f"{name} image: {error}") from error
    second_from_first = relative_pose(pose, *(one.geometry for one in given))
    predictor = Predictor(options.weights, options.device)
    found = fused_pair(predictor, given, second_from_first)
    write_mesh(found.reconstruction.mesh, options.output, found.reconstruction.point_arrays, "camera")
    if options.report:
        write_json(options.report, fused_report(found, predictor))
    log.info(_line(options, found))
    return STRICT_CODE if options.strict and found.verdict.word == "do not use" else 0


def _check_paths(options: argparse.Namespace) -> None:
    from ReVertLib.mesh.io import MESH_SUFFIXES

    if options.output.suffix.lower() not in MESH_SUFFIXES:
        raise InputError(f"output: expected one of {', '.join(MESH_SUFFIXES)}, got {options.output.name!r}")
    check_writable(options.output)
    if options.report:
        check_writable(options.report, "report")
    images = [file for image in (options.first, options.second) for file in image_files(image)]
    check_apart([("output", options.output), ("report", options.report)], [*images, *weights_files(options.weights)])


def pose_said(said: str | None) -> object:
    """What `relative_pose` takes of what was said."""
    from ReVertLib.api.fuse import ISOCENTRE
    from ReVertLib.geometry.sidecar import read_sidecar

    if said is None or said == ISOCENTRE:
        return said
    values = read_sidecar(said)
    if "second_from_first" not in values:
        raise InputError(f"pose {one_line(ValueError(Path(said).name))}: expected second_from_first in it, got none")
    return values["second_from_first"]


def fused_report(found: Fused, predictor: Predictor) -> dict:
    """What there is to say of a pair as plain data for `json.dumps`, without names of people or files."""
    from ReVertLib.geometry.sidecar import sidecar_values

    relative, one = found.relative_pose, found.reconstruction
    return {
        "revert": __version__,
        "architecture": predictor.architecture,
        "weights_sha256": predictor.weights_sha256,
        "device": str(predictor.device),
        "frame": "camera of the first image, mm",
        "geometries": [sidecar_values(alone.geometry) for alone in found.alone],
        "verdict": asdict(found.verdict),
        "mean_of_vertices_mm": _means_mm(one),
        "alone_mm": [_means_mm(alone) for alone in found.alone],
        "gain_mm": found.gain_mm,
        "relative_pose": {
            "second_from_first": relative.second_from_first.matrix.tolist(),
            "given": relative.given,
            "turned_deg": relative.turned_deg,
            "moved_mm": relative.moved_mm,
        },
        "agreement": asdict(found.agreement),
        "seconds": round(one.seconds, 4),
        "warnings": list(one.warnings),
    }


def _means_mm(one: Reconstruction) -> dict[str, float]:
    return {name: round(float(values.mean()), 3) for name, values in one.point_arrays.items()}


def _line(options: argparse.Namespace, found: Fused) -> str:
    one, gain = found.reconstruction, ""
    if found.gain_mm is not None:
        gain = f"; {found.gain_mm:.1f} mm less than the better image alone"
    done = f"{options.first.name}, {options.second.name}: {options.output} in {1000 * one.seconds:.0f} ms"
    said = f"{found.verdict.word}: {found.verdict.reason}{gain}"
    return "; ".join([done, said, *(note for note in one.warnings if note != found.verdict.reason)])
