"""How the vertebrae of two whole films do together, against each film alone: a table of docs/two_views.md.

    python Testing/studies/two_films.py PATIENTS OUT.csv [--pairs AP+LL AP+RL]

PATIENTS is a folder of `revert simulate-patients`, of each of which a film is computed in every view and its vertebrae
are reconstructed as `whole_films.py` does: true boxes, view and L3's distance given. Both films of a pair are then
fused, the relative pose known and not. A line of OUT.csv for each pair, level and way; lines that are there already are
not measured again. `first`, `second`: each film alone. `unknown`, `known`: by whether the relative pose is told. Place:
how far the centre of the volume is off in the camera's frame; the other figures as in `whole_films.py`; expected: the
mean expected error of the vertices, which is of the shape and the place across the beam, not of the distance.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from row_by_row import Rows
from whole_films import CAMERA, FIGURES, SIZE_PX, VIEWS, asked_film, figures

from ReVertLib.dataset.cases import find_cases
from ReVertLib.geometry.levels import VERSE_LABELS
from ReVertLib.imaging.ct import read_ct
from ReVertLib.imaging.labels import label_mesh, read_label_map
from ReVertLib.inference.predictor import Predictor
from ReVertLib.mesh.mesh import Mesh, volume_centroid
from ReVertLib.projection.drr import DrrView, Scan
from ReVertLib.registration.icp import best_motion
from ReVertLib.spine.film import film_result
from ReVertLib.spine.records import FilmLevel, FilmResult
from ReVertLib.spine.two_films import films_fused

WAYS = FIRST, SECOND, UNKNOWN, KNOWN = "first", "second", "unknown", "known"
PAIRS = ("AP+LL", "AP+RL")
KEYS = ("case", "pair", "level", "way")
COLUMNS = ("place_mm", *FIGURES, "expected_mm")


def measured(patients: Path, pairs: list[str], done: set) -> Iterator[list]:
    """The lines that are not done yet."""
    predictor = Predictor()
    for case in find_cases(patients):
        wanted = [pair for pair in pairs if not any(key[:2] == (case.name, pair) for key in done)]
        if not wanted:
            continue
        labels = read_label_map(case.labels)
        bones = {level: label_mesh(labels, label) for level, label in VERSE_LABELS.items()}
        scan, films = Scan(read_ct(case.ct), volume_centroid(bones["L3"])), {}
        for view in dict.fromkeys(view for pair in wanted for view in pair.split("+")):
            drr = scan.drr(DrrView(VIEWS[view]), CAMERA, SIZE_PX)
            truth = {level: mesh.moved(drr.camera_from_lps) for level, mesh in bones.items()}
            films[view] = film_result(predictor, asked_film(drr.pixels, drr.geometry, truth, None)), truth
        for pair in wanted:
            for level, way, row in pair_rows(*(films[view] for view in pair.split("+"))):
                yield [case.name, pair, level, way, *row]


def pair_rows(
    first: tuple[FilmResult, dict[str, Mesh]], second: tuple[FilmResult, dict[str, Mesh]]
) -> Iterator[tuple[str, str, list[float]]]:
    """Level, way and COLUMNS of two films, each with the true surfaces in its camera's frame."""
    (one, truth), (other, second_truth) = first, second
    corners = [np.concatenate([side[level].vertices for level in truth]) for side in (truth, second_truth)]
    pose = best_motion(*corners, "rigid")
    ways = {FIRST: (one, truth), SECOND: (other, second_truth)}
    for way, known in ((UNKNOWN, None), (KNOWN, pose)):
        ways[way] = films_fused(one, other, known).result, truth
    for way, (film, target) in ways.items():
        for level in film.levels:
            yield level.level, way, _row(level, target[level.level])


def _row(level: FilmLevel, target: Mesh) -> list[float]:
    found = level.reconstruction
    place_mm = np.linalg.norm(volume_centroid(found.mesh) - volume_centroid(target))
    return [float(place_mm), *figures(found.mesh, target), float(np.mean(found.expected_error_mm))]


def table(rows: list[dict]) -> str:
    """In Markdown the means over all lines of each pair and way."""
    names = "place, mm | depth, mm | Dice | HD95 | ASSD | rigid Dice | rigid HD95 | rigid ASSD | expected, mm"
    lines = [f"| pair | way | n | {names} |\n" + "|---" * 12 + "|"]
    for pair in dict.fromkeys(row["pair"] for row in rows):
        for way in WAYS:
            found = [row for row in rows if (row["pair"], row["way"]) == (pair, way)]
            texts = (
                f"{np.mean([float(row[name]) for row in found]):.{3 if 'dice' in name else 2}f}" for name in COLUMNS
            )
            lines.append(f"| {pair} | {way} | {len(found)} | {' | '.join(texts)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("patients", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--pairs", nargs="+", default=PAIRS)
    options = parser.parse_args()
    rows = Rows(options.out, KEYS)
    for line in measured(options.patients, list(options.pairs), rows.done):
        rows.add(dict(zip((*KEYS, *COLUMNS), line, strict=True)))
    print(table(rows.lines))


if __name__ == "__main__":
    main()
