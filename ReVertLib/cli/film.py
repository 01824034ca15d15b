"""`revert film`: whole films to their lumbar vertebrae, each with a report and a picture."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ReVertLib import __version__
from ReVertLib.errors import InputError
from ReVertLib.failures import Failures, raise_failed
from ReVertLib.files import check_folder, check_writable, made_folder, whole_file, write_json
from ReVertLib.geometry.levels import LEVELS
from ReVertLib.geometry.sidecar import sidecar_path
from ReVertLib.progress import log

from .common import add_device, add_lengths, add_weights, given_lengths
from .paths import check_apart, image_files, weights_files
from .reconstruct import empty_page, page_title

if TYPE_CHECKING:
    from ReVertLib.finding.finder import Finder
    from ReVertLib.inference.predictor import Predictor
    from ReVertLib.measurement.records import Measurements
    from ReVertLib.report.page import Page
    from ReVertLib.report.records import Film
    from ReVertLib.spine.inputs import FilmInput, Wishes
    from ReVertLib.spine.records import FilmResult

NOTES = {
    "needs": (
        "a film of the lumbar spine; source-detector distance, pixel spacing and one source-object distance, from "
        "options, a JSON sidecar or the image itself, or in their place an object of known size (--ball, --length); "
        "without either the usual size of vertebrae is taken, and the errors to be expected are larger"
    ),
    "writes": (
        "OUT/<name>_L1.stl to _L5.stl, camera frame, mm (<name>_L1_second.stl ...: for a second view that is likely, "
        "where none is given); OUT/<name>.json, a report with measurements; OUT/<name>.svg, a picture; "
        "OUT/<name>.mrk.json, points and pedicle axes for 3D Slicer"
    ),
    "example": "revert film spine.dcm -o spine --sod 850 --view AP",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "images", nargs="+", type=Path, metavar="IMAGE", help="PNG, TIFF, JPEG, DICOM, NRRD, MHA, NIfTI"
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT", help="a folder")
    add_lengths(parser)
    parser.add_argument("--sod-of", default="L3", metavar="L3|isocentre", help="what is at that distance (default L3)")
    parser.add_argument(
        "--find", type=Path, metavar="JSON", help="boxes by hand: {vertebrae: [{level, box_px}]}; also in the sidecar"
    )
    parser.add_argument(
        "--shift", type=int, default=0, metavar="+1|-1", help="move all names that are found towards the feet, the head"
    )
    parser.add_argument(
        "--upside-down", action="store_true", help="the film hangs so; found out where no boxes are given"
    )
    parser.add_argument(
        "--ball", type=float, nargs=4, metavar=("U", "V", "DIAMETER_PX", "DIAMETER_MM"), help="a ball of known size"
    )
    parser.add_argument(
        "--length", type=float, nargs=5, metavar=("U0", "V0", "U1", "V1", "MM"), help="two points of known distance"
    )
    parser.add_argument(
        "--finder",
        type=Path,
        metavar="FILE",
        help="weights that find and name vertebrae where no boxes are given (default: shipped)",
    )
    parser.add_argument("--report", type=Path, metavar="FILE", help=".html: a page of all films; else all in one JSON")
    add_weights(parser)
    add_device(parser)


def run(options: argparse.Namespace) -> None:
    """Reconstructs every film that can be used; the others are named at the end."""
    from ReVertLib.imaging.radiograph import read_radiograph
    from ReVertLib.spine.film import film_given, film_report, film_result
    from ReVertLib.spine.measurements import film_measurements

    stems = [sidecar_path(image).stem for image in options.images]
    _check_paths(options, stems)
    wishes, failures, reports = [_wishes(options, image) for image in options.images], Failures(), []
    predictor, finder = _predictor(options), _finder(options, wishes)
    page, given_options = empty_page(options.report), given_lengths(options)
    for index, (path, wish) in enumerate(zip(options.images, wishes, strict=True)):
        with failures.noted(path.name):
            radiograph = read_radiograph(path)
            given = film_given(radiograph, path, given_options, "command line", options.geometry, wish, finder)
            result = film_result(predictor, given)
            measurements = film_measurements(result)
            reports.append(_about(predictor) | film_report(given, result, measurements))
            made_folder(options.output)
            film = _film(given, result, measurements)
            _write(options.output, stems[index], film, result, reports[-1])
            log.info(_line(path.name, options.output, result))
            if page:
                page.add(film, page_title(index, len(options.images)))
    if options.report and reports:
        _write_report(options, reports, failures.reasons, page, predictor)
    failures.raise_if_single(len(options.images))
    raise_failed(failures.reasons, f"images: expected {len(options.images)} to be reconstructed", len(reports))


def _check_paths(options: argparse.Namespace, stems: list[str]) -> None:
    if len(set(stems)) < len(stems):
        raise InputError("images: expected different names for one output folder, got the same name twice")
    check_folder(options.output)
    if options.report:
        check_writable(options.report, "report")
    surfaces = [f"_{level}{which}.stl" for level in LEVELS for which in ("", "_second")]
    ends = [*surfaces, ".json", ".svg", ".mrk.json"]
    names = [f"{stem}{end}" for stem in stems for end in ends]
    written = [("output", options.output / name) for name in names] + [("report", options.report)]
    images = [file for image in options.images for file in image_files(image)]
    others = [("sidecar", options.geometry), ("boxes", options.find)]
    finder = weights_files(options.finder, "finder") if options.finder else []
    check_apart(written, [*images, *others, *weights_files(options.weights), *finder])


def _wishes(options: argparse.Namespace, image: Path) -> Wishes:
    from ReVertLib.spine.inputs import Wishes, boxes_beside, vertebrae_in
    from ReVertLib.spine.scale import marked

    mark = marked(options.ball, options.length)
    boxes = vertebrae_in(options.find) if options.find else boxes_beside(image, options.geometry)
    if options.find and boxes is None:
        raise InputError(f"boxes {options.find.name}: expected vertebrae in it, got none")
    return Wishes(boxes, options.shift, options.sod_of, mark, options.upside_down)


def _predictor(options: argparse.Namespace) -> Predictor:
    from ReVertLib.inference.predictor import Predictor

    return Predictor(options.weights, options.device)


def _finder(options: argparse.Namespace, wishes: list[Wishes]) -> Finder | None:
    """The network that finds vertebrae, where it is asked."""
    if all(wish.vertebrae for wish in wishes):
        return None
    from ReVertLib.finding.finder import Finder

    return Finder(options.finder, options.device)


def _about(predictor: Predictor) -> dict:
    return {"revert": __version__, "weights_sha256": predictor.weights_sha256, "device": str(predictor.device)}


def _write(folder: Path, stem: str, film: Film, result: FilmResult, report: dict) -> None:
    """The surfaces, the picture, the markups and, when all is there, the report."""
    from ReVertLib.measurement.markups import markups
    from ReVertLib.mesh.io import write_mesh
    from ReVertLib.report.films import film_drawing

    for one in result.levels:
        write_mesh(one.reconstruction.mesh, folder / f"{stem}_{one.level}.stl", frame="camera")
    for one in result.other.levels if result.other else ():
        write_mesh(one.reconstruction.mesh, folder / f"{stem}_{one.level}_second.stl", frame="camera")
    with whole_file(folder / f"{stem}.svg") as temporary:
        temporary.write_text(film_drawing(film), encoding="utf-8")
    write_json(folder / f"{stem}.mrk.json", markups(film.measurements))
    write_json(folder / f"{stem}.json", report)


def _film(given: FilmInput, result: FilmResult, measurements: Measurements) -> Film:
    from ReVertLib.report.films import film_of_all

    found = [one.reconstruction for one in result.levels]
    return film_of_all(given.radiograph.pixels, found, given.sources, given.view, measurements)


def _line(name: str, folder: Path, result: FilmResult) -> str:
    from ReVertLib.inference.verdict import verdict

    said = (f"{one.level} {verdict(one.reconstruction).word}" for one in result.levels)
    return "; ".join([f"{name}: {', '.join(said)} in {folder}", f"scale: {result.scale.text}", *result.warnings])


def _write_report(
    options: argparse.Namespace, reports: list[dict], failed: dict[str, str], page: Page | None, predictor: Predictor
) -> None:
    if page is None:
        failures = [{"image": name, "reason": reason} for name, reason in failed.items()]
        write_json(options.report, {"films": reports, "failed": failures})
        return
    from ReVertLib.service.many_images import without_file_names
    from ReVertLib.service.service import Service

    for index, path in enumerate(options.images):
        if path.name in failed:
            title = page_title(index, len(options.images))
            page.leave_out(title, without_file_names(failed[path.name], path))
    page.write(options.report, Service(predictor=predictor).about)
