"""How large and how far away the spine is said to be, by each source of a film's scale, against the truth.

    python Testing/studies/film_scales.py FILMS [--surfaces N]

FILMS is a folder of `fine_films.py`. The vertebrae are found by the shipped finder; what is given, and what is missing,
is that of each line of the table. The isocentre is put at L3's depth, and the distance taken for that of the level
nearest to the principal ray. DICOM's spacing in the patient's plane is that of the middle of the body, or of the table:
the skin behind it. The ball is at the middle of the body, the ruler of 100 mm on the skin behind it, both seen exactly.
Size: of a pixel at the spine, said over true; depth: of L3, or of the level whose distance is taken. Mean and deviation
of the logarithm in percent, the deviation that is said, and how many of all lie within it (68 % should) and within
1.645 of it (90 %). With --surfaces the same of the depths of all levels in the end, on every so manieth film. No view
is told but where the line says so. The last lines: how often a source is said to contradict the distance of L3, that
being some times the true one.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from fine_films import FineFilm, loaded

from ReVertLib.errors import InputError
from ReVertLib.finding.finder import Finder
from ReVertLib.finding.found import FoundSpine
from ReVertLib.geometry.layers import LayeredGeometry, SourcedValue, StatedGeometry
from ReVertLib.geometry.levels import VERSE_LABELS
from ReVertLib.geometry.sidecar import sidecar_values
from ReVertLib.imaging.radiograph import radiograph_from_array
from ReVertLib.inference.predictor import Predictor
from ReVertLib.spine.film import film_result
from ReVertLib.spine.inputs import FilmInput, Wishes, film_input
from ReVertLib.spine.records import Asked, FilmResult
from ReVertLib.spine.scale import Mark

WITHIN = (1.0, 1.645)
SURFACES = ("distances, spacing and view", "distances and spacing", "ball; no L3", "usual size; no L3")
"""What surfaces are made for."""
OFF = (0.7, 0.8, 0.9, 0.95, 1.0, 1.05, 1.1, 1.2)
AGAINST = {"ball": "the ball", "DICOM, plane of the middle": "DICOM", "usual size": "the usual size"}
"""What may contradict a distance, and how its warning begins."""
BALL_MM, RULER_MM = 25.0, 100.0


@dataclass(frozen=True)
class Given:
    """What is known of a film. keys: of the lengths. plane_mm: depth of the plane that DICOM's spacing is of."""

    keys: tuple[str, ...]
    mark: Mark | None = None
    plane_mm: float | None = None
    sod_of: str = "L3"
    sod_off: float = 1.0
    view: bool = False


LENGTHS = ("sdd_mm", "sod_mm", "pixel_spacing_mm")
NO_SOD, NO_SPACING = ("sdd_mm", "pixel_spacing_mm"), ("sdd_mm", "sod_mm")


def cases(film: FineFilm) -> dict[str, Given]:
    """What is tried, by what it is called."""
    middle_mm, table_mm = film.skin_mm.mean(), film.skin_mm[1]
    ball = Mark("ball", BALL_MM / film.pixel_at(middle_mm), BALL_MM)
    ruler = Mark("length", RULER_MM / film.pixel_at(table_mm), RULER_MM)
    return {
        "distances and spacing": Given(LENGTHS),
        "distances, spacing and view": Given(LENGTHS, view=True),
        "distance of the isocentre, spacing": Given(LENGTHS, sod_of="isocentre"),
        "DICOM, plane of the middle; no L3": Given(NO_SOD, plane_mm=middle_mm),
        "DICOM, plane of the table; no L3": Given(NO_SOD, plane_mm=table_mm),
        "DICOM, plane of the middle; no spacing": Given(NO_SPACING, plane_mm=middle_mm),
        "ball; no L3": Given(NO_SOD, ball),
        "ruler; no L3": Given(NO_SOD, ruler),
        "ball; no source to detector": Given(("sod_mm", "pixel_spacing_mm"), ball),
        "ball; nothing else": Given((), ball),
        "usual size; no L3": Given(NO_SOD),
        "usual size; no spacing": Given(NO_SPACING),
        "usual size; nothing": Given(()),
    }


def contradictions(film: FineFilm, spine: FoundSpine) -> dict[tuple[str, float], bool]:
    """By source, and by what L3's distance is times the true one: whether the source is said to contradict it."""
    middle_mm = film.skin_mm.mean()
    ball = Mark("ball", BALL_MM / film.pixel_at(middle_mm), BALL_MM)
    told = {}
    for off in OFF:
        seen = asked(film, Given(LENGTHS, ball, middle_mm, sod_off=off), spine)
        for what, start in AGAINST.items():
            told[what, off] = any(line.startswith(start) for line in seen.scale.warnings)
    return told


def asked(film: FineFilm, given: Given, spine: Finder | FoundSpine) -> FilmInput:
    """A film with what is given of it. Raises InputError as `film_input` does."""
    known = {key: getattr(film.geometry, key) for key in given.keys}
    if given.view:
        known |= {key: value for key, value in sidecar_values(film.geometry).items() if key.endswith("_deg")}
    if "sod_mm" in known:
        known["sod_mm"] *= given.sod_off
    stated = StatedGeometry()
    if given.plane_mm is not None:
        spacing = (film.pixel_at(given.plane_mm),) * 2
        stated = StatedGeometry(patient_spacing=SourcedValue(spacing, "DICOM PixelSpacing (0028,0030)"))
    radiograph = radiograph_from_array(film.pixels, name="film", inverted=False, stated=stated)
    wishes = Wishes(mark=given.mark, sod_of=given.sod_of)
    return film_input(radiograph, LayeredGeometry().over(known, "given"), wishes, spine)


def boxed(film: FineFilm) -> FilmInput:
    """A film with the true boxes, no distance given."""
    boxes = {level: tuple(film.boxes[film.labels == label][0]) for level, label in VERSE_LABELS.items()}
    known = {key: getattr(film.geometry, key) for key in NO_SOD}
    radiograph = radiograph_from_array(film.pixels, name="film", inverted=False)
    return film_input(radiograph, LayeredGeometry().over(known, "given"), Wishes(boxes), None)


def errors(film: FineFilm, seen: FilmInput) -> list[float]:
    """Logarithms of said over true size and depth, and the deviations of both that are said."""
    true_mm = film.geometry.sod_mm
    if seen.anchor is None:
        level = nearest_to_ray(seen.asked)
        true_mm = float(film.depth_mm[film.labels == VERSE_LABELS[level]][0])
    said = seen.geometry
    size = np.log(said.pixel_spacing_mm[0] * said.sod_mm / said.sdd_mm / film.pixel_at(true_mm))
    return [float(size), float(np.log(said.sod_mm / true_mm)), seen.scale.relative_sd, seen.scale.depth_sd]


def nearest_to_ray(asked: Mapping[str, Asked]) -> str:
    """The level that is taken to be at the isocentre."""

    def off(level: str) -> float:
        geometry = asked[level].geometry
        box = np.array(geometry.box_px).reshape(2, 2)
        return float(np.hypot(*(box.mean(0) - geometry.principal_point_px)))

    return min(asked, key=off)


def depths(film: FineFilm, result: FilmResult) -> list[tuple[float, float]]:
    """Of the surfaces in the end, but that whose distance is given: logarithm of said over true depth, and the said
    deviation."""
    true = {level: film.depth_mm[film.labels == VERSE_LABELS[level]] for level in VERSE_LABELS}
    return [
        (float(np.log(one.reconstruction.geometry.sod_mm / true[one.level][0])), one.depth_sd_mm / true[one.level][0])
        for one in result.levels
        if len(true[one.level]) and one.depth_sd_mm > 0
    ]


def spread(off: np.ndarray, said: np.ndarray) -> list[str]:
    """Columns of the table for errors (n,) and the deviations that are said."""
    inside = [f"{np.mean(np.abs(off) <= share * said + 1e-9):.0%}" for share in WITHIN]
    return [f"{100 * off.mean():+.1f} ± {100 * off.std(ddof=1):.1f}", f"{100 * said.mean():.1f}", *inside]


def line(name: str, rows: np.ndarray) -> str:
    """A line of the table. rows: (n, 4) of `errors`."""
    texts = spread(rows[:, 0], rows[:, 2]) + spread(rows[:, 1], rows[:, 3])
    return f"| {name} | {len(rows)} | " + " | ".join(texts) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("films", type=Path)
    parser.add_argument("--surfaces", type=int, metavar="N")
    options = parser.parse_args()
    finder, predictor = Finder(None, "cpu"), Predictor(None, "cpu") if options.surfaces else None
    rows, told, placed = defaultdict(list), defaultdict(list), defaultdict(list)
    for i, film in enumerate(loaded(options.films)):
        try:
            given = cases(film)
            spine = asked(film, given["distances and spacing"], finder).found
        except InputError:
            continue
        for name, one in given.items():
            rows[name].append(errors(film, asked(film, one, spine)))
        for key, is_said in contradictions(film, spine).items():
            told[key].append(is_said)
        if all(film.is_on_film(label) for label in VERSE_LABELS.values()):
            rows["usual size, true boxes; no L3"].append(errors(film, boxed(film)))
        for name in SURFACES if predictor and i % options.surfaces == 0 else ():
            placed[name] += depths(film, film_result(predictor, asked(film, given[name], spine), second_view=False))
    head = "| given | films | size, % | said | within it | in 1.645 | depth, % | said | within it | in 1.645 |"
    print(head + "\n|---" + "|--:" * 9 + "|")
    for name, found in rows.items():
        print(line(name, np.array(found)))
    if placed:
        print("\n| given | surfaces | depth, % | said | within it | in 1.645 |\n|---" + "|--:" * 5 + "|")
        for name, found in placed.items():
            print(f"| {name} | {len(found)} | {' | '.join(spread(*np.array(found).T))} |")
    print("\n| L3's distance times | " + " | ".join(f"{off:g}" for off in OFF) + " |\n|---" + "|--:" * len(OFF) + "|")
    for what in AGAINST:
        print(f"| {what} | " + " | ".join(f"{np.mean(told[what, off]):.0%}" for off in OFF) + " |")


if __name__ == "__main__":
    main()
