"""The second part of the demo: a whole film, its vertebrae found, named and reconstructed together, and how well each
fits the segmentation of the CT that the film was computed from."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path

from ReVertLib.anatomy.template import baseline_mesh
from ReVertLib.evaluation.film_figure import FilmScene, film_picture
from ReVertLib.finding.finder import Finder
from ReVertLib.finding.found import FoundSpine
from ReVertLib.geometry.levels import VERSE_LABELS
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.geometry.views import camera_from_lps, view_rotation
from ReVertLib.imaging.labels import label_centre_lps, label_mesh, read_label_map
from ReVertLib.imaging.radiograph import read_radiograph
from ReVertLib.inference.predictor import Predictor
from ReVertLib.inference.verdict import verdict
from ReVertLib.mesh.io import write_mesh
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.metrics.compare import Comparison, compare, comparison_report
from ReVertLib.progress import log
from ReVertLib.resources import FILM_FOLDER
from ReVertLib.spine.film import film_given, film_result
from ReVertLib.spine.inputs import FilmInput, Wishes
from ReVertLib.spine.records import FilmLevel, FilmResult

IMAGE = FILM_FOLDER / "film_ap.png"


def film_outputs(out: Path) -> list[Path]:
    """The files that `reconstruct_film` may write into a folder."""
    return [*(out / f"film_{level}.stl" for level in VERSE_LABELS), out / "film.png"]


def reconstruct_film(out: Path, predictor: Predictor, finder: Finder) -> dict:
    """Writes OUT/film_<level>.stl and OUT/film.png, logs what was found and a table; returns what the report says of
    it."""
    radiograph = read_radiograph(IMAGE)
    started = time.perf_counter()
    given = film_given(radiograph, IMAGE, {}, "given", None, Wishes(), finder)
    found_s = time.perf_counter() - started
    result = film_result(predictor, given)
    seconds = {"find": found_s, "reconstruct": time.perf_counter() - started - found_s}
    truth, view = _truth(given)
    meshes = {one.level: one.reconstruction.mesh for one in result.levels if one.level in truth}
    as_found = {level: compare(mesh, truth[level], "none", level) for level, mesh in meshes.items()}
    aligned = {
        level: compare(mesh, truth[level], "rigid", level, baseline_mesh(level)) for level, mesh in meshes.items()
    }
    _log(result.found, result, seconds, as_found, aligned)
    for level, mesh in meshes.items():
        write_mesh(mesh, out / f"film_{level}.stl", frame="camera")
    names = {one.level: f"{one.level} {verdict(one.reconstruction).word}" for one in result.levels}
    scene = FilmScene(radiograph.pixels, given.geometry, meshes, truth, names, as_found, aligned, view)
    film_picture(out / "film.png", scene, _title())
    ways = {"as it lies": as_found, "rigid": aligned}
    levels = {level: {way: comparison_report(of[level]) for way, of in ways.items()} for level in meshes}
    milliseconds = {name: 1000 * value for name, value in seconds.items()}
    return {"milliseconds": milliseconds, "readings": [asdict(one) for one in result.found.readings], "levels": levels}


def _truth(given: FilmInput) -> tuple[dict[str, Mesh], RigidTransform]:
    """By level the surfaces of the segmentation, camera frame, and the view of the film."""
    labels = read_label_map(FILM_FOLDER / "segmentation.nii.gz")
    centre = label_centre_lps(labels, VERSE_LABELS["L3"])
    view = camera_from_lps(view_rotation(*given.geometry.view_deg), centre, given.geometry.sod_mm)
    return {level: label_mesh(labels, label).moved(view) for level, label in VERSE_LABELS.items()}, view


def _log(
    found: FoundSpine,
    result: FilmResult,
    seconds: dict[str, float],
    as_found: dict[str, Comparison],
    aligned: dict[str, Comparison],
) -> None:
    names = ", ".join(f"{one.name} {one.probability:.0%}" for one in found.vertebrae)
    log.info("a whole film, computed from a CT of the bones of verse008 in a synthetic body; L3's distance is given")
    log.info(
        f"found in {1000 * seconds['find']:.0f} ms: {names}; these names {found.readings[0].probability:.0%} likely"
    )
    for line in (*found.warnings, *result.warnings):
        log.info(line)
    log.info(f"reconstructed together in {1000 * seconds['reconstruct']:.0f} ms")
    head = f"{'level':7}{'verdict':12}{'as it lies: Dice':>18}{'HD95 mm':>9}{'rigid: Dice':>13}{'HD95 mm':>9}"
    log.info(f"{head}{'baseline: Dice':>16}{'HD95 mm':>9}")
    for one in result.levels:
        if one.level in aligned:
            log.info(_row(one, as_found[one.level], aligned[one.level]))


def _row(one: FilmLevel, as_found: Comparison, aligned: Comparison) -> str:
    word = verdict(one.reconstruction).word
    figures = zip((as_found.metrics, aligned.metrics, aligned.baseline), (18, 13, 16), strict=True)
    columns = "".join(f"{metrics.dice:{width}.3f}{metrics.hd95_mm:9.2f}" for metrics, width in figures)
    return f"{one.level:7}{word:12}{columns}"


def _title() -> tuple[str, ...]:
    return (
        "Five vertebrae from one computed film, found and named",
        "the bones of verse008, held out of training, in a synthetic body",
    )
