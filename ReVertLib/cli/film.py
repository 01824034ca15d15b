"""`revert film`: whole films to their lumbar vertebrae, each with a report and a picture."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ReVertLib import __version__
from ReVertLib.errors import InputError
from ReVertLib.failures import Failures, raise_failed
from ReVertLib.files import check_folder, check_writable, made_folder
from ReVertLib.geometry.levels import LEVELS
from ReVertLib.geometry.sidecar import sidecar_path
from ReVertLib.progress import log

from .common import add_device, add_lengths, add_weights, given_lengths
from .film_files import line_of, pictured, write_all, write_film
from .fuse import add_pose, pose_said
from .paths import check_apart, image_files, weights_files
from .reconstruct import empty_page, page_title

if TYPE_CHECKING:
    from ReVertLib.finding.finder import Finder
    from ReVertLib.inference.predictor import Predictor
    from ReVertLib.report.page import Page
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
    parser.add_argument(
        "--fuse", action="store_true", help="two films of one person: every vertebra that both show is made of both"
    )
    add_pose(parser)
    parser.add_argument("--report", type=Path, metavar="FILE", help=".html: a page of all films; else all in one JSON")
    add_weights(parser)
    add_device(parser)


def run(options: argparse.Namespace) -> None:
    """Reconstructs every film that can be used; the others are named at the end."""
    from ReVertLib.spine.film import film_report
    from ReVertLib.spine.measurements import film_measurements

    stems = [sidecar_path(image).stem for image in options.images]
    _check_paths(options, stems)
    _check_pair(options)
    wishes, failures, reports = [_wishes(options, image) for image in options.images], Failures(), []
    predictor, finder = _predictor(options), _finder(options, wishes)
    page = empty_page(options.report)
    if options.fuse:
        _fuse(options, stems[0], wishes, predictor, finder, page)
        return
    for index, (path, wish) in enumerate(zip(options.images, wishes, strict=True)):
        with failures.noted(path.name):
            given, result = _reconstructed(options, path, wish, predictor, finder)
            measurements = film_measurements(result)
            reports.append(_about(predictor) | film_report(given, result, measurements))
            made_folder(options.output)
            film = pictured(given, result, measurements)
            write_film(options.output, stems[index], film, result, reports[-1])
            log.info(line_of(path.name, options.output, result))
            if page:
                page.add(film, page_title(index, len(options.images)))
    if options.report and reports:
        write_all(options, reports, failures.reasons, page, predictor)
    failures.raise_if_single(len(options.images))
    raise_failed(failures.reasons, f"images: expected {len(options.images)} to be reconstructed", len(reports))


def _reconstructed(
    options: argparse.Namespace, path: Path, wish: Wishes, predictor: Predictor, finder: Finder | None
) -> tuple[FilmInput, FilmResult]:
    from ReVertLib.imaging.radiograph import read_radiograph
    from ReVertLib.spine.film import film_given, film_result

    known = given_lengths(options)
    given = film_given(read_radiograph(path), path, known, "command line", options.geometry, wish, finder)
    return given, film_result(predictor, given, second_view=not options.fuse)


def _fuse(
    options: argparse.Namespace,
    stem: str,
    wishes: list[Wishes],
    predictor: Predictor,
    finder: Finder | None,
    page: Page | None,
) -> None:
    """Both films to one set of vertebrae; nothing is written where one of them cannot be used."""
    from ReVertLib.api.fuse import relative_pose
    from ReVertLib.spine.film import film_report
    from ReVertLib.spine.measurements import film_measurements
    from ReVertLib.spine.two_films import films_fused, fusion_report

    pose, read = pose_said(options.pose), []
    for path, wish in zip(options.images, wishes, strict=True):
        try:
            read.append(_reconstructed(options, path, wish, predictor, finder))
        except InputError as error:
            raise InputError(f"{path.name}: {error}") from error
    (given, first), (_, second) = read
    found = films_fused(first, second, relative_pose(pose, first.geometry, second.geometry))
    measurements = film_measurements(found.result)
    alone = [film_report(*one, film_measurements(one[1])) for one in read]
    report = _about(predictor) | film_report(given, found.result, measurements)
    report["fusion"] = fusion_report(found) | {"alone": alone}
    film = pictured(given, found.result, measurements)
    made_folder(options.output)
    write_film(options.output, stem, film, found.result, report)
    log.info(line_of(" and ".join(path.name for path in options.images), options.output, found.result))
    if page:
        page.add(film, page_title(0, 1))
    if options.report:
        write_all(options, [report], {}, page, predictor)


def _check_pair(options: argparse.Namespace) -> None:
    if options.pose and not options.fuse:
        raise InputError("pose: expected --fuse with it, got none")
    if options.fuse and len(options.images) != 2:
        raise InputError(f"images: expected two films to fuse, got {len(options.images)}")
    if options.pose == "isocentre" and options.sod_of != "isocentre":
        raise InputError(f"pose: expected --sod-of isocentre for a pose about it, got {options.sod_of}")


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
