"""What `revert film` writes of a film: surfaces, a picture, markups, a report, a page of all films."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ReVertLib.files import whole_file, write_json

from .reconstruct import page_title

if TYPE_CHECKING:
    from ReVertLib.inference.predictor import Predictor
    from ReVertLib.measurement.records import Measurements
    from ReVertLib.report.page import Page
    from ReVertLib.report.records import Film
    from ReVertLib.spine.inputs import FilmInput
    from ReVertLib.spine.records import FilmResult


def write_film(folder: Path, stem: str, film: Film, result: FilmResult, report: dict) -> None:
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


def pictured(given: FilmInput, result: FilmResult, measurements: Measurements) -> Film:
    """The film with its vertebrae drawn on it."""
    from ReVertLib.report.films import film_of_all

    found = [one.reconstruction for one in result.levels]
    return film_of_all(given.radiograph.pixels, found, given.sources, given.view, measurements)


def line_of(name: str, folder: Path, result: FilmResult) -> str:
    """What is said of a film when it is done."""
    from ReVertLib.inference.verdict import verdict

    said = (f"{one.level} {verdict(one.reconstruction).word}" for one in result.levels)
    return "; ".join([f"{name}: {', '.join(said)} in {folder}", f"scale: {result.scale.text}", *result.warnings])


def write_all(
    options: argparse.Namespace, reports: list[dict], failed: dict[str, str], page: Page | None, predictor: Predictor
) -> None:
    """The page of all films, or their reports in one JSON. failed: the reason by the name of an image."""
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
