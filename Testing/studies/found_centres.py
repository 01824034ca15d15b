"""How near the middles of L1 to L5 are found on films whose pixels are as small as a film's.

    python Testing/studies/found_centres.py FILMS [--told]

FILMS is a folder of `fine_films.py`; distances and spacing are given, and with --told AP, PA, a lateral or 40 degrees
as the view, some degrees off as each film is. Of the vertebrae whose middles are on the film: the share within 3 mm at
the spine and the median distance, as found and once the network that reconstructs has looked at each again; one that
was not found, or under another name, counts as far off. By view, and by level.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from fine_films import VIEWS, FineFilm, loaded

from ReVertLib.errors import InputError
from ReVertLib.finding.finder import Finder
from ReVertLib.finding.found import FoundSpine
from ReVertLib.geometry.layers import LayeredGeometry
from ReVertLib.geometry.levels import VERSE_LABELS
from ReVertLib.geometry.views import VIEW_ANGLES
from ReVertLib.imaging.radiograph import radiograph_from_array
from ReVertLib.inference.predictor import Predictor
from ReVertLib.spine.closer_look import looked_again
from ReVertLib.spine.inputs import FilmInput, Wishes, film_input

NEAR_MM = 3.0
GROUPS = {"L1 to L5": VERSE_LABELS, "L1 to L4": [*VERSE_LABELS][:4], "L5": ["L5"]}


def found_on(film: FineFilm, finder: Finder, told: bool) -> FilmInput:
    """What is found on a film, its lengths given. Raises InputError where that is no lumbar vertebra."""
    camera = film.geometry
    known = {"sdd_mm": camera.sdd_mm, "sod_mm": camera.sod_mm, "pixel_spacing_mm": camera.pixel_spacing_mm}
    if told:
        known |= dict(zip(VIEW_ANGLES, (VIEWS[film.view], 0.0, 0.0), strict=True))
    radiograph = radiograph_from_array(film.pixels, name="film", inverted=False)
    return film_input(radiograph, LayeredGeometry().over(known, "given"), Wishes(), finder)


def distances(film: FineFilm, spine: FoundSpine) -> dict[str, float]:
    """By level how far off the middle of each vertebra on the film is, mm at L3."""
    off = {}
    for level, label in VERSE_LABELS.items():
        if film.is_on_film(label):
            one, true = spine.named(label), film.centres[film.labels == label][0]
            off[level] = np.inf if one is None else film.pixel_mm * float(np.hypot(*(one.centre_px - true)))
    return off


def rows_of(film: FineFilm, finder: Finder, predictor: Predictor, told: bool) -> list[tuple[str, str, float, float]]:
    """View, level, and how far off each is as found and when looked at again."""
    try:
        found = found_on(film, finder, told)
    except InputError:
        return [(film.view, level, np.inf, np.inf) for level, label in VERSE_LABELS.items() if film.is_on_film(label)]
    before, after = (distances(film, one.found) for one in (found, looked_again(predictor, found)))
    return [(film.view, level, before[level], after[level]) for level in before]


def line(name: str, rows: list[tuple[str, str, float, float]]) -> str:
    """A line of the table for each group of levels."""
    texts = []
    for levels in GROUPS.values():
        off = np.array([row[2:] for row in rows if row[1] in levels])
        ways = [f"{np.mean(mm < NEAR_MM):.1%}, {np.median(mm):.1f} mm" for mm in off.T]
        texts.append(f"{len(off)}: {ways[0]}; **{ways[1]}**" if len(off) else "")
    return f"| {name} | " + " | ".join(texts) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("films", type=Path)
    parser.add_argument("--told", action="store_true")
    options = parser.parse_args()
    finder, predictor = Finder(None, "cpu"), Predictor(None, "cpu")
    rows = [row for film in loaded(options.films) for row in rows_of(film, finder, predictor, options.told)]
    print("| view | " + " | ".join(GROUPS) + " |\n|---|" + "---|" * len(GROUPS))
    print(line("all", rows))
    for view in VIEWS:
        print(line(view, [row for row in rows if row[0] == view]))
    print("\n| level | as found | looked at again |\n|---|--:|--:|")
    for level in VERSE_LABELS:
        off = np.array([row[2:] for row in rows if row[1] == level]).T
        print(f"| {level} ({len(off.T)}) | " + " | ".join(f"{np.mean(mm < NEAR_MM):.1%}" for mm in off) + " |")


if __name__ == "__main__":
    main()
