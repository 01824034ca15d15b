"""How the vertebrae of whole films do together, against five answers one by one: the tables of docs/film.md.

    python Testing/studies/whole_films.py PATIENTS OUT.csv [--weights FILE] [--find] [--views AP PA]

PATIENTS is a folder of `revert simulate-patients` (`--bones verse008` puts that person's own bones into them, which no
training has seen). Of each a film is computed from all of the CT, in every view: source to detector 1150 mm, L3 at 850.
Given are L3's distance, the view and the true boxes; with --find the boxes are found, and what is not found is missing.
A line of OUT.csv for each film, level and way; lines that are there already are not measured again. `alone`: five
answers at L3's distance. `together`: by the chain. `alone, true`: five answers, each at its own true distance. `mean`:
the mean vertebra, no image used. Depth: how far the centre of the volume is off along the beam. Dice, HD95 and ASSD as
the surface lies, and after rigid alignment, from 3000 points on each surface.

The tables are printed at the end: by way, by view and by level.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from row_by_row import Rows

from ReVertLib.anatomy.template import baseline_mesh
from ReVertLib.dataset.cases import find_cases
from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.layers import LayeredGeometry
from ReVertLib.geometry.levels import VERSE_LABELS
from ReVertLib.geometry.sidecar import sidecar_values
from ReVertLib.imaging.ct import read_ct
from ReVertLib.imaging.labels import label_mesh, read_label_map
from ReVertLib.imaging.radiograph import radiograph_from_array
from ReVertLib.inference.predictor import Predictor
from ReVertLib.mesh.mesh import Mesh, volume_centroid
from ReVertLib.metrics.surface import surface_metrics
from ReVertLib.projection.drr import DrrView, Scan
from ReVertLib.registration.icp import align
from ReVertLib.spine.film import film_result
from ReVertLib.spine.inputs import FilmInput, Wishes, film_input

CAMERA, SIZE_PX = Geometry(1150.0, 850.0, (0.9, 0.9), (223.5, 255.5)), (448, 512)
VIEWS = {"AP": 0.0, "PA": 180.0, "LL": -90.0, "yaw 30": 30.0, "RL": 90.0, "yaw -30": -30.0}
WAYS = ALONE, TOGETHER, TRUE, MEAN = "alone", "together", "alone, true", "mean"
FIGURES = ("depth_mm", "dice", "hd95_mm", "assd_mm", "rigid_dice", "rigid_hd95_mm", "rigid_assd_mm")
KEYS = ("case", "view", "level", "way")
SAMPLES = 3000


def answers(
    predictor: Predictor, finder: object, pixels: np.ndarray, camera: Geometry, truth: dict[str, Mesh]
) -> dict[str, dict[str, Mesh]]:
    """By way and level the surfaces, camera frame."""
    film = asked_film(pixels, camera, truth, finder)
    asked = {level: one.geometry for level, one in film.asked.items() if level in truth}
    true = [replace(one, sod_mm=float(volume_centroid(truth[level])[2])) for level, one in asked.items()]
    alone, at_true = (predictor.reconstruct_all(film.radiograph.pixels, list(g)) for g in (asked.values(), true))
    return {
        ALONE: {level: one.mesh for level, one in zip(asked, alone, strict=True)},
        TOGETHER: {one.level: one.reconstruction.mesh for one in film_result(predictor, film).levels},
        TRUE: {level: one.mesh for level, one in zip(asked, at_true, strict=True)},
    }


def asked_film(pixels: np.ndarray, camera: Geometry, truth: dict[str, Mesh], finder: object) -> FilmInput:
    """A film with its geometry and, without a finder, the true boxes."""
    boxes = {level: _box(camera.project(mesh.vertices)) for level, mesh in truth.items()}
    given = {key: value for key, value in sidecar_values(camera).items() if key not in ("level", "box_px")}
    layers = LayeredGeometry().over(given, "given")
    return film_input(radiograph_from_array(pixels, name="film"), layers, Wishes(None if finder else boxes), finder)


def _box(pixels: np.ndarray) -> tuple[float, ...]:
    return (*(np.floor(pixels.min(0)) - 1).tolist(), *(np.ceil(pixels.max(0)) + 2).tolist())


def figures(mesh: Mesh, target: Mesh) -> list[float]:
    """FIGURES of one surface."""
    depth_mm = abs(volume_centroid(mesh)[2] - volume_centroid(target)[2])
    found = [depth_mm]
    for moved in (mesh, mesh.moved(align(mesh, target, "rigid"))):
        metrics = surface_metrics(moved, target, samples=SAMPLES)
        found += [metrics.dice, metrics.hd95_mm, metrics.assd_mm]
    return [float(value) for value in found]


def measured(patients: Path, weights: Path | None, find: bool, views: list[str], done: set) -> Iterator[list]:
    """The lines that are not done yet."""
    predictor, finder = Predictor(weights), None
    if find:
        from ReVertLib.finding.finder import Finder

        finder = Finder()
    for case in find_cases(patients):
        labels, means = read_label_map(case.labels), {}
        bones = {level: label_mesh(labels, label) for level, label in VERSE_LABELS.items()}
        scan = Scan(read_ct(case.ct), volume_centroid(bones["L3"]))
        for view in views:
            if len([key for key in done if key[:2] == (case.name, view)]) > 0:
                continue
            drr = scan.drr(DrrView(VIEWS[view]), CAMERA, SIZE_PX)
            truth = {level: mesh.moved(drr.camera_from_lps) for level, mesh in bones.items()}
            for way, meshes in answers(predictor, finder, drr.pixels, drr.geometry, truth).items():
                for level, mesh in meshes.items():
                    yield [case.name, view, level, way, *figures(mesh, truth[level])]
            for level, mesh in bones.items():
                if level not in means:
                    means[level] = ["", "", "", "", *figures(baseline_mesh(level), mesh)[4:]]
                yield [case.name, view, level, MEAN, *means[level]]


def table(rows: list[dict], key: str) -> str:
    """A table in Markdown of the means over all lines of each value of a key, and way."""
    head = f"| {key} | way | n | depth, mm | Dice | HD95 | ASSD | rigid Dice | rigid HD95 | rigid ASSD |\n"
    lines = [head + "|---" * 10 + "|"]
    for value in dict.fromkeys(row[key] for row in rows):
        for way in WAYS:
            found = [row for row in rows if row[key] == value and row["way"] == way]
            if found:
                columns = [[float(row[name]) for row in found if row[name]] for name in FIGURES]
                texts = (_text(name, column) for name, column in zip(FIGURES, columns, strict=True))
                lines.append(f"| {value} | {way} | {len(found)} | {' | '.join(texts)} |")
    return "\n".join(lines)


def _text(name: str, values: list[float]) -> str:
    if not values:
        return ""
    return f"{np.mean(values):.3f}" if "dice" in name else f"{np.mean(values):.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("patients", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--find", action="store_true")
    parser.add_argument("--views", nargs="+", choices=VIEWS, default=list(VIEWS))
    options = parser.parse_args()
    rows = Rows(options.out, KEYS)
    for line in measured(options.patients, options.weights, options.find, options.views, rows.done):
        rows.add(dict(zip((*KEYS, *FIGURES), line, strict=True)))
    lines = [{"all": "all", **line} for line in rows.lines]
    for key in ("all", "view", "level"):
        print(table(lines, key) + "\n")


if __name__ == "__main__":
    main()
