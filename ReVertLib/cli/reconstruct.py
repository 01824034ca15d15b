"""`revert reconstruct`: radiographs to surfaces and a report."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ReVertLib import __version__
from ReVertLib.errors import InputError
from ReVertLib.failures import raise_failed
from ReVertLib.files import check_writable, write_json
from ReVertLib.geometry.levels import LEVELS
from ReVertLib.progress import log
from ReVertLib.startup import garbage_uncollected

from .common import add_device, add_lengths, add_weights, given_lengths
from .paths import check_apart, image_files, weights_files

if TYPE_CHECKING:
    from ReVertLib.inference.inputs import ReconstructionInput
    from ReVertLib.inference.predictor import Predictor
    from ReVertLib.inference.results import Reconstruction
    from ReVertLib.report.page import Page
    from ReVertLib.report.records import Film

STRICT_CODE = 3
"""The exit code of `--strict` when a surface is not to be used."""
PAGE_SUFFIXES = (".html", ".htm")
"""Of a report that is a page to read."""

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
    parser.add_argument("--level", metavar="L3", help=f"one of {', '.join(LEVELS)}")
    parser.add_argument(
        "--box", type=float, nargs=4, metavar=("U0", "V0", "U1", "V1"), help="pixels around the vertebra"
    )
    add_lengths(parser)
    parser.add_argument(
        "--report",
        type=Path,
        metavar="FILE",
        help=".html: a page with pictures; else JSON: geometry, weights, device, times, warnings",
    )
    parser.add_argument("--strict", action="store_true", help=f"exit with {STRICT_CODE} when a verdict is 'do not use'")
    add_weights(parser)
    add_device(parser)


def run(options: argparse.Namespace) -> int:
    """Reconstructs every image that can be used; the others are named at the end. Returns the exit code."""
    outputs = _mesh_paths(options.images, options.output)
    images = [file for image in options.images for file in image_files(image)]
    inputs = [*images, ("sidecar", options.geometry), *weights_files(options.weights)]
    written = [("output", path) for path in (*outputs, *map(_second, outputs))]
    check_apart([*written, ("report", options.report)], inputs)
    if options.report:
        check_writable(options.report, "report")
    rows, predictors, page, count = [], [], empty_page(options.report), len(options.images)

    def loaded() -> Predictor:
        if not predictors:
            predictors.append(_predictor(options))
        return predictors[0]

    def keep(index: int, given: ReconstructionInput, found: Reconstruction) -> None:
        path, output = options.images[index], outputs[index]
        film = _film(given, found) if page else None
        rows.append({"image": path.name, "mesh": output.name} | _written(given, found, loaded(), path, output))
        if page:
            page.add(film, page_title(index, count))

    from ReVertLib.service.many_images import reconstruct_each

    failures = reconstruct_each(options.images, lambda path: _read(path, options), loaded, keep)
    if options.report and (rows or count > 1):
        _write_report(options, predictors, rows, failures.reasons, page)
    failures.raise_if_single(count)
    raise_failed(failures.reasons, f"images: expected {count} to be reconstructed", len(rows))
    return STRICT_CODE if options.strict and any(row["verdict"]["word"] == "do not use" for row in rows) else 0


def _predictor(options: argparse.Namespace) -> Predictor:
    with garbage_uncollected():
        from ReVertLib.inference.predictor import Predictor

        return Predictor(options.weights, options.device)


def empty_page(report: Path | None) -> Page | None:
    """An empty page where the report is to be one."""
    if report is None or report.suffix.lower() not in PAGE_SUFFIXES:
        return None
    from ReVertLib.report.page import Page

    return Page()


def _film(given: ReconstructionInput, found: Reconstruction) -> Film:
    from ReVertLib.report.films import film_of

    return film_of(given, found)


def page_title(index: int, count: int) -> str:
    """How a page calls an image: not by its name, which may be a patient's."""
    return f"Radiograph {index + 1}" if count > 1 else "Radiograph"


def _write_report(
    options: argparse.Namespace,
    predictors: list[Predictor],
    rows: list[dict],
    failed: dict[str, str],
    page: Page | None,
) -> None:
    """As JSON or as a page. predictors: none where no image could be read. failed: reasons by the image's name."""
    if page is None:
        write_json(options.report, _report(predictors, rows, failed))
        return
    from ReVertLib.service.many_images import without_file_names
    from ReVertLib.service.service import Service

    for index, path in enumerate(options.images):
        if path.name in failed:
            page.leave_out(page_title(index, len(options.images)), without_file_names(failed[path.name], path))
    page.write(options.report, Service(predictor=predictors[0]).about if predictors else None)


def _report(predictors: list[Predictor], rows: list[dict], failed: dict[str, str]) -> dict:
    about = {"revert": __version__}
    for predictor in predictors:
        about["architecture"] = predictor.architecture
        about["weights_sha256"] = predictor.weights_sha256
        about["device"] = str(predictor.device)
    failures = [{"image": name, "reason": reason} for name, reason in failed.items()]
    return about | {"frame": "camera, mm", "results": rows, "failed": failures}


def _written(given: ReconstructionInput, found: Reconstruction, predictor: Predictor, path: Path, output: Path) -> dict:
    """Writes the surface of one image, and beside it that for a second view which is likely, too; logs a line. Returns
    its part of the report."""
    output.parent.mkdir(exist_ok=True)
    _write_surface(found, output)
    row = _row(given, found) | {"inverted": given.radiograph.inverted}
    if found.other is not None:
        _write_surface(found.other, _second(output))
        row["other"] = {"mesh": _second(output).name} | _row(given, found.other)
    word, reason = row["verdict"]["word"], row["verdict"]["reason"]
    done = f"{path.name}: {output} in {1000 * found.seconds:.0f} ms on {predictor.device}"
    log.info("; ".join([done, f"{word}: {reason}", *(note for note in found.warnings if note != reason)]))
    return row


def _write_surface(found: Reconstruction, output: Path) -> None:
    from ReVertLib.mesh.io import write_mesh

    write_mesh(found.mesh, output, found.point_arrays, "camera")


def _second(output: Path) -> Path:
    """Where the surface for a second view goes."""
    return output.with_name(f"{output.stem}_second{output.suffix}")


def _row(given: ReconstructionInput, found: Reconstruction) -> dict:
    """What the report says of one surface."""
    from ReVertLib.geometry.sidecar import sidecar_values
    from ReVertLib.inference.measured import measured
    from ReVertLib.inference.verdict import verdict

    measurements = measured(found)
    return {
        "geometry": sidecar_values(found.geometry),
        "probability": found.probability,
        "spacing_source": given.sources["pixel_spacing_mm"],
        "seconds": round(found.seconds, 4),
        "warnings": list(found.warnings),
        "verdict": asdict(verdict(found)),
        "measurements": None if measurements is None else measurements.plain,
        "mean_of_vertices_mm": {name: round(float(values.mean()), 3) for name, values in found.point_arrays.items()},
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
    return given_lengths(options) | {"level": options.level, "box_px": options.box}
