"""How the finder does on films of people it was not trained on, by view, by framing, and hung wrongly.

    python Testing/studies/found_films.py FILMS [--weights FILE] [--every N] [--cuts N]

FILMS is a folder of `revert simulate --films`. Each film is shown as computed, cut to one or two vertebrae, to the
lumbar spine, and whole; the lumbar one also inverted, upside down and mirrored. Of T12 to S1 with their middles on the
film: the share found within 3 mm at the spine, and the median distance; how many more were found that are none, for
each film. Of the films with an anchor in view (the sacrum, or T11, T12 and L1): the share on which all names are right.
Of the others: the same, and how likely the finder says its names are, which should be as much. The view: the share
within 30 degrees, and with it the one opposite, which looks nearly alike. Whether a film is mirrored is asked without a
view, and told the true one. At the end, of all films cut to one or two vertebrae, each --cuts times, and of all lumbar
ones: how often names that are said to be so likely are right. These films' pixels are 1.5 mm at the spine, coarser than
a real film's: `found_centres.py` measures distances on finer ones.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import numpy as np

from ReVertLib.finding.finder import Finder
from ReVertLib.finding.found import FoundSpine
from ReVertLib.geometry.views import YAW_OF_VIEW
from ReVertLib.network.film_cells import FINDER_PIXEL_MM
from ReVertLib.training.film_shards import SHARD_PATTERN, FilmShard

SDD_MM, SOD_MM = 1000.0, 750.0
SPACING_MM = (FINDER_PIXEL_MM * SDD_MM / SOD_MM,) * 2
NEAR_MM, EDGE_PX = 3.0, 5
INSIDE_PX = 8
"""So far from the edge the vertebra lies that a film is cut around."""
HALF_MM = {"one or two": (40.0, 45.0), "lumbar": (90.0, 145.0), "whole": (300.0, 300.0)}
"""Half of the width and of the height."""

WRONG = ("inverted", "upside down", "mirrored")
SHOWN = (*((framing, "") for framing in HALF_MM), *(("lumbar", how) for how in WRONG))
"""Framing and how it is hung."""
COLUMNS = ("within 3 mm", "off mm", "none", "names, anchored", "said, anchored", "names, no anchor", "said, no anchor")
COLUMNS += ("view", "view or opposite", "inverted?", "upside down?", "mirrored?", "mirrored, told?")
LIKELY = (0.0, 0.3, 0.5, 0.7, 0.8, 0.95, 1.01)
"""Between which names are said to be likely."""


def cut(films: FilmShard, i: int, framing: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(rows, columns) a film, and (2,) the wide film's pixel that its first one is."""
    rows, columns = films.spine.shape[1:]
    labels, centres = films.labels[i], films.centres[i]
    first, last = np.array([0, max(0, films.rows[i, 0])]), np.array([columns, min(rows, films.rows[i, 1])])
    inside = ((centres > first + INSIDE_PX) & (centres < last - INSIDE_PX)).all(1)
    lumbar = np.flatnonzero((labels >= 19) & (labels <= 26) & inside)
    middle = centres[rng.choice(lumbar)] if framing == "one or two" else centres[labels == 22][0]
    half = np.array(HALF_MM[framing]) / FINDER_PIXEL_MM
    low = np.maximum(first, middle - half).astype(int)
    high = np.minimum(last, middle + half).astype(int)
    image = films.spine[i] * films.spine_scale[i] + films.body[i].astype(np.float32)
    return image[low[1] : high[1], low[0] : high[0]], low


def shown(image: np.ndarray, places: np.ndarray, how: str) -> tuple[np.ndarray, np.ndarray]:
    """An image and places (n, 2) on it, hung in one of the ways."""
    size = np.array(image.shape[::-1])
    if how == "inverted":
        return image.max() - image, places
    if how == "upside down":
        return image[::-1, ::-1], size - 1 - places
    if how == "mirrored":
        return image[:, ::-1], np.stack([size[0] - 1 - places[:, 0], places[:, 1]], 1)
    return image, places


def of_film(spine: FoundSpine, labels: np.ndarray, places: np.ndarray, size: np.ndarray) -> dict[str, list[float]]:
    """The figures of one film. labels: (n,) and places: (n, 2) of its true vertebrae, some of them off the film."""
    on_film = ((places > EDGE_PX) & (places < size - 1 - EDGE_PX)).all(1)
    row: dict[str, list[float]] = defaultdict(list)
    found = np.array([vertebra.centre_px for vertebra in spine.vertebrae]).reshape(-1, 2)
    named = np.array([vertebra.label for vertebra in spine.vertebrae])
    right = []
    for label, place in zip(labels[on_film], places[on_film], strict=True):
        off = np.linalg.norm(found - place, axis=1) * FINDER_PIXEL_MM
        near = len(off) and off.min() < 10
        if near:
            right.append(named[off.argmin()] == label)
        if label >= 19:
            row["within 3 mm"].append(bool(near and off.min() < NEAR_MM))
            row["off mm"] += [off.min()] if near else []
    true = places[labels > 0]
    row["none"].append(sum(np.linalg.norm(true - place, axis=1).min() * FINDER_PIXEL_MM > 10 for place in found))
    if right:
        row["said"], row["right"] = [spine.readings[0].probability], [all(right)]
        kinds = set(labels[on_film].tolist())
        anchored = 26 in kinds or {18, 19, 20} <= kinds
        row["names, anchored" if anchored else "names, no anchor"] += row["right"]
        row["said, anchored" if anchored else "said, no anchor"] += row["said"]
    return row


def view_of(yaw_deg: float) -> str:
    """AP, PA, LL, RL or oblique."""
    straight = {name: YAW_OF_VIEW[name] for name in ("AP", "PA", "LL", "RL")}
    off = {name: abs((yaw_deg - yaw + 180) % 360 - 180) for name, yaw in straight.items()}
    nearest = min(off, key=off.__getitem__)
    return nearest if off[nearest] <= 20 else "oblique"


def film_row(finder: Finder, films: FilmShard, i: int, framing: str, how: str, rng: np.random.Generator) -> dict:
    """The figures of one film in one framing, hung in one way."""
    image, first = cut(films, i, framing, rng)
    image, places = shown(image, films.centres[i] - first, how)
    spine = finder.find(np.ascontiguousarray(image), SDD_MM, SPACING_MM, SOD_MM)
    row = of_film(spine, films.labels[i], places, np.array(image.shape[::-1]))
    for answer, name in zip((spine.inverted, spine.upside_down, spine.mirrored), WRONG, strict=True):
        row[f"{name}?"].append(answer.is_so == (how == name))
    if framing == "lumbar" and how in ("", "mirrored"):
        told = finder.find(np.ascontiguousarray(image), SDD_MM, SPACING_MM, SOD_MM, (float(films.yaw_deg[i]), 0.0, 0.0))
        row["mirrored, told?"].append(told.mirrored.is_so == (how == "mirrored"))
    found, true = spine.views[0].yaw_deg, films.yaw_deg[i]
    off, opposite = (abs((yaw - true + 180) % 360 - 180) for yaw in (found, 180 - found))
    row["view"].append(off <= 30)
    row["view or opposite"].append(min(off, opposite) <= 30)
    return row


def table_line(name: str, row: dict[str, list[float]]) -> str:
    """A line of the table: means, of distances the median."""
    figures = ((np.median if key == "off mm" else np.mean)(row[key]) if row[key] else np.nan for key in COLUMNS)
    return f"| {name} ({len(row['view'])}) | " + " | ".join(f"{figure:.2f}" for figure in figures) + " |"


def reliability_table(rows: list[dict[str, list[float]]]) -> str:
    """How often names are right, by how likely they are said to be."""
    said, right = (np.array([value for row in rows for value in row[key]], float) for key in ("said", "right"))
    lines = ["| names said to be | films | said | right |\n|---|--:|--:|--:|"]
    for low, high in pairwise(LIKELY):
        at = (said >= low) & (said < high)
        if at.any():
            bounds = f"{low:.0%} to {min(high, 1.0):.0%}"
            lines.append(f"| {bounds} | {at.sum()} | {said[at].mean():.0%} | {right[at].mean():.0%} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("films", type=Path, metavar="FILMS")
    parser.add_argument("--weights", type=Path, metavar="FILE")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every so manieth film")
    parser.add_argument("--cuts", type=int, default=1, metavar="N")
    options = parser.parse_args()
    finder, table = Finder(options.weights, "cpu"), defaultdict(lambda: defaultdict(list))
    shards = [FilmShard.load(path) for path in sorted(options.films.glob(SHARD_PATTERN))]
    films, rng = FilmShard.concatenated(shards), np.random.default_rng(0)
    for i in range(0, len(films), options.every):
        for framing, how in SHOWN:
            row = film_row(finder, films, i, framing, how, rng)
            group = f"{framing} {how}" if how else framing
            views = [f"{group}, {view_of(films.yaw_deg[i])}"] if how in ("", "mirrored") else []
            for name in (group, *views):
                for key, values in row.items():
                    table[name][key] += values
    print("| films |", " | ".join(COLUMNS), "|\n|---|" + "--:|" * len(COLUMNS))
    for name in sorted(table, key=lambda name: (name.split(",")[0], name)):
        print(table_line(name, table[name]))
    again = [
        film_row(finder, films, i, "one or two", "", rng)
        for _ in range(options.cuts - 1)
        for i in range(0, len(films), options.every)
    ]
    for framing in ("one or two", "lumbar"):
        print(f"\n{framing}\n\n{reliability_table([table[framing], *(again if framing == 'one or two' else [])])}")


if __name__ == "__main__":
    main()
