"""`revert reconstruct`: radiographs to surfaces and a report."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ReVertLib import __version__
from ReVertLib.errors import InputError
from ReVertLib.failures import Failures, raise_failed
from ReVertLib.files import check_writable, write_json
from ReVertLib.geometry.levels import LEVELS
from ReVertLib.progress import log
from ReVertLib.startup import garbage_uncollected

from .common import add_device, add_weights
from .paths import check_apart, image_files, weights_files

if TYPE_CHECKING:
    from ReVertLib.inference.inputs import ReconstructionInput
    from ReVertLib.inference.predictor import Predictor

STRICT_CODE = 3
"""The exit code of `--strict` when a surface is not to be used."""

NOTES = {
    "needs": (
        "source-detector and source-object distance and pixel spacing, from options, a JSON sidecar or the "
        "image itself; one isolated lumbar vertebra, or a box around it"
    ),
    "example": "revert reconstruct Resources/sample/verse008_L3_ap.png -o L3.stl --report L3_report.json",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "images", nargs="+", type=Path, metavar="IMAGE", help="PNG, TIFF, JPEG, DICOM, NRRD, MHA, NIfTI"
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="OUT", help="a .stl .ply .obj .vtp file, or a folder"
    )
    parser.add_argument(
        "--geometry", type=Path, metavar="JSON", help="a sidecar for all images (default: each one's own)"
    )
    parser.add_argument("--level", metavar="L3", help=f"one of {', '.join(LEVELS)}")
    parser.add_argument(
        "--box", type=float, nargs=4, metavar=("U0", "V0", "U1", "V1"), help="pixels around the vertebra"
    )
    parser.add_argument("--sdd", type=float, metavar="MM", help="source-detector distance")
    parser.add_argument("--sod", type=float, metavar="MM", help="source-object distance: the vertebra's depth")
    parser.add_argument(
        "--pixel-spacing", type=float, nargs="+", metavar="MM", help="at the detector: one number, or u and v"
    )
    parser.add_argument("--report", type=Path, metavar="JSON", help="geometry, weights, device, times, warnings")
    parser.add_argument("--strict", action="store_true", help=f"exit with {STRICT_CODE} when a verdict is 'do not use'")
    add_weights(parser)
    add_device(parser)


def run(options: argparse.Namespace) -> int:
    """Reconstructs every image that can be used; the others are named at the end. Returns the exit code."""
    outputs = _mesh_paths(options.images, options.output)
    images = [file for image in options.images for file in image_files(image)]
    inputs = [*images, ("sidecar", options.geometry), *weights_files(options.weights)]
    check_apart([*(("output", path) for path in outputs), ("report", options.report)], inputs)
    if options.report:
        check_writable(options.report, "report")
    rows, failures, predictor, count = [], Failures(), None, len(options.images)
    for path, output in zip(options.images, outputs, strict=True):
        given = None
        with failures.noted(path.name):
            given = _read(path, options)
        if given is not None:
            predictor = predictor or _predictor(options)  # what is wrong with weights is wrong for all images
            with failures.noted(path.name):
                rows.append({"image": path.name, "mesh": output.name} | _reconstructed(predictor, given, path, output))
    if options.report and (rows or count > 1):
        write_json(options.report, _report(predictor, rows, failures.reasons))
    failures.raise_if_single(count)
    raise_failed(failures.reasons, f"images: expected {count} to be reconstructed", len(rows))
    return STRICT_CODE if options.strict and any(row["verdict"]["word"] == "do not use" for row in rows) else 0


def _predictor(options: argparse.Namespace) -> Predictor:
    with garbage_uncollected():
        from ReVertLib.inference.predictor import Predictor

        return Predictor(options.weights, options.device)


def _report(predictor: Predictor | None, rows: list[dict], failed: dict[str, str]) -> dict:
    """predictor: None where no image could be read."""
    about = {"revert": __version__}
    if predictor is not None:
        about["architecture"] = predictor.architecture
        about["weights_sha256"] = predictor.weights_sha256
        about["device"] = str(predictor.device)
    failures = [{"image": name, "reason": reason} for name, reason in failed.items()]
    return about | {"frame": "camera, mm", "results": rows, "failed": failures}


def _reconstructed(predictor: Predictor, given: ReconstructionInput, path: Path, output: Path) -> dict:
    """Writes the surface of one image and logs a line; returns its part of the report."""
    from ReVertLib.api.reconstruct import answer
    from ReVertLib.mesh.io import write_mesh

    result = answer(predictor, given)
    output.parent.mkdir(exist_ok=True)
    expected = result.expected_error_mm
    write_mesh(result.mesh, output, {} if expected is None else {"expected_error_mm": expected}, "camera")
    done = f"{path.name}: {output} in {1000 * result.seconds:.0f} ms on {result.device}"
    notes = (note for note in result.warnings if note != result.verdict.reason)
    log.info("; ".join([done, f"{result.verdict.word}: {result.verdict.reason}", *notes]))
    return {
        "geometry": asdict(result.geometry),
        "spacing_source": result.spacing_source,
        "inverted": given.radiograph.inverted,
        "seconds": round(result.seconds, 4),
        "warnings": list(result.warnings),
        "verdict": asdict(result.verdict),
    }


def _mesh_paths(images: list[Path], output: Path) -> list[Path]:
    """One surface file per image. Raises InputError for an output that cannot take them."""
    from ReVertLib.geometry.sidecar import sidecar_path
    from ReVertLib.mesh.io import MESH_SUFFIXES

    if len(images) == 1 and not output.is_dir():
        if output.suffix.lower() not in MESH_SUFFIXES:
            raise InputError(f"output: expected one of {', '.join(MESH_SUFFIXES)} for one image, got {output.name!r}")
        return [check_writable(output)]
    if not output.is_dir() and (output.exists() or output.suffix.lower() in MESH_SUFFIXES):
        raise InputError(f"output: expected a folder for several images, got the file {output.name!r}")
    paths = [output / f"{sidecar_path(image).stem}.stl" for image in images]
    if len(set(paths)) < len(paths):
        raise InputError("images: expected different names for one output folder, got the same name twice")
    check_writable(paths[0] if output.is_dir() else output)
    return paths


def _read(path: Path, options: argparse.Namespace) -> ReconstructionInput:
    from ReVertLib.inference.inputs import input_from_file

    return input_from_file(path, _given(options), "command line", options.geometry)


def _given(options: argparse.Namespace) -> dict:
    """The geometry named on the command line, by sidecar key; None where it is not."""
    spacing = options.pixel_spacing
    if spacing is not None and len(spacing) == 1:
        spacing = spacing * 2
    return {
        "sdd_mm": options.sdd,
        "sod_mm": options.sod,
        "pixel_spacing_mm": spacing,
        "level": options.level,
        "box_px": options.box,
    }
