"""How far off an answer is when what the network is told, or shown, is wrong: curves with the baseline beside them.

    python Testing/studies/curves.py ISOLATED CONTEXT docs/robustness [--images 10 16] [--weights FILE]

ISOLATED and CONTEXT are of `revert dataset`, the latter with --context; --images: how many of each, evenly over all.
Writes OUT.csv and OUT.png: means by condition. 0.8 CPU seconds an image and condition, 22 conditions: 8 minutes with
--images 10 16, 3 with 4 4.
"""

from __future__ import annotations

import argparse
import csv
import zlib
from collections.abc import Callable
from dataclasses import astuple, dataclass, replace
from pathlib import Path

import numpy as np
from quick_figures import FIGURES, PLACES, Shown, answer_figures, baseline_figures, shown, some_images
from scipy.spatial.transform import Rotation

from ReVertLib.evaluation.figure_style import MUTED, SERIES, TEXT, new_figure, save_figure, style_plot
from ReVertLib.files import whole_file
from ReVertLib.geometry.levels import LEVELS
from ReVertLib.geometry.views import view_angles
from ReVertLib.inference.predictor import Predictor
from ReVertLib.progress import progress
from ReVertLib.training.augmentation import OPTICAL_DEPTH

Change = Callable[[Shown, float, np.random.Generator], Shown]


def told(one: Shown, **what: object) -> Shown:
    return replace(one, geometry=replace(one.geometry, **what))


def wrong_box(one: Shown, percent: float, rng: np.random.Generator) -> Shown:
    """The box moved by so many percent of its sides in a random direction, and as much larger or smaller."""
    low, high = np.reshape(one.geometry.box_px, (2, 2))
    middle = (low + high) / 2 + percent / 100 * (high - low) * direction(rng, 2)
    half = (high - low) / 2 * (1 + rng.choice([-1, 1]) * percent / 100)
    return told(one, box_px=(*(middle - half), *(middle + half)))


def wrong_click(one: Shown, off_mm: float, rng: np.random.Generator) -> Shown:
    """The box moved by so many mm at the vertebra's depth."""
    geometry = one.geometry
    moved_px = geometry.focal_px / geometry.sod_mm * off_mm * direction(rng, 2)
    return told(one, box_px=tuple(np.add(geometry.box_px, [*moved_px, *moved_px])))


def wrong_view(one: Shown, degrees: float, rng: np.random.Generator) -> Shown:
    """The view turned about a random axis."""
    turn = Rotation.from_rotvec(np.radians(degrees) * direction(rng, 3)).as_matrix()
    return told(one, view_deg=view_angles(turn @ one.image.camera_from_lps.rotation))


def wrong_distance(one: Shown, percent: float, rng: np.random.Generator) -> Shown:
    """The source-object distance too large or too small."""
    return told(one, sod_mm=one.geometry.sod_mm * (1 + rng.choice([-1, 1]) * percent / 100))


def noise(one: Shown, photons: float, rng: np.random.Generator) -> Shown:
    """So many photons a pixel before the patient; the brightest pixel is a line integral of OPTICAL_DEPTH."""
    scale = OPTICAL_DEPTH / one.pixels.max()
    counts = np.maximum(rng.poisson(photons * np.exp(-scale * one.pixels)), 1)
    return replace(one, pixels=-np.log(counts / photons) / scale)


def covered(one: Shown, percent: float, rng: np.random.Generator) -> Shown:
    """A bar across so many percent of the box, upright or level, as bright as the brightest pixel."""
    u0, v0, u1, v1 = one.geometry.box_px
    axis = int(rng.integers(2))
    low, high = ((v0, v1), (u0, u1))[axis]
    width = percent / 100 * (high - low)
    first = rng.uniform(low, high - width)
    pixels = one.pixels.copy()
    at = np.arange(pixels.shape[axis])
    bar = (at >= first) & (at < first + width)
    pixels[(bar, slice(None)) if axis == 0 else (slice(None), bar)] = pixels.max()
    return replace(one, pixels=pixels)


def wrong_level(one: Shown, off: float, rng: np.random.Generator) -> Shown:
    """Another level, `off` vertebrae up or down; withheld where off is NaN."""
    if np.isnan(off):
        return told(one, level=None)
    steps = [int(off), -int(off)] if rng.random() < 0.5 else [-int(off), int(off)]
    places = [LEVELS.index(one.geometry.level) + step for step in steps]
    return told(one, level=next(LEVELS[place] for place in places if 0 <= place < len(LEVELS)))


def direction(rng: np.random.Generator, axes: int) -> np.ndarray:
    """(axes,) of length 1."""
    found = rng.normal(size=axes)
    return found / np.linalg.norm(found)


@dataclass(frozen=True)
class Curve:
    """title: with its unit. values: one for each condition, from harmless on. names: what to call them instead of
    their numbers."""

    title: str
    change: Change
    values: tuple[float, ...]
    names: tuple[str, ...] = ()

    @property
    def ticks(self) -> list[str]:
        return list(self.names) or [f"{value:g}" for value in self.values]


DISTANCE = "source-object distance off, %"
CURVES = (
    Curve("box off, %", wrong_box, (0, 5, 10, 15)),
    Curve("click off, mm", wrong_click, (0, 3, 6)),
    Curve("view off, degrees", wrong_view, (0, 5, 10, 15, 20)),
    Curve(DISTANCE, wrong_distance, (0, 1, 2.5, 5, 10)),
    Curve("photons a pixel", noise, (1e5, 1e4, 3e3, 1e3), ("100,000", "10,000", "3,000", "1,000")),
    Curve("covered by a bar, %", covered, (0, 10, 20, 30)),
    Curve("level", wrong_level, (0, np.nan, 1), ("right", "none", "off by 1")),
)


@dataclass(frozen=True)
class Point:
    """Means over the images of one kind under one condition."""

    kind: str
    curve: str
    value: str
    answer: str
    alignment: str
    images: int
    dice: float
    hd95_mm: float
    assd_mm: float


def points_of(predictor: Predictor, kind: str, asked: list[Shown]) -> list[Point]:
    """Every condition of every curve on images of one kind; what is harmless is measured once."""
    found, known, count = [], {}, len(asked)
    for curve, value, name in progress(
        [(c, v, n) for c in CURVES for v, n in zip(c.values, c.ticks, strict=True)], f"{kind}: conditions"
    ):
        key = "as it is" if value == 0 else (curve.title, name)
        if key not in known:
            known[key] = [answer_figures(predictor, curve.change(one, value, of(one, curve))) for one in asked]
        for place, title in PLACES.items():
            means = np.nanmean([answer[place] for answer in known[key]], axis=0)
            found.append(Point(kind, curve.title, name, "network", title, count, *means.tolist()))
    means = np.mean([baseline_figures(one) for one in asked], axis=0)
    return [*found, Point(kind, "", "", "mean vertebra", "rigid", count, *means.tolist())]


def of(one: Shown, curve: Curve) -> np.random.Generator:
    """The same for all conditions of a curve, so that only their size differs."""
    return np.random.default_rng(zlib.crc32(f"{curve.title} {one.image.name}".encode()))


def picture(path: Path, points: list[Point]) -> None:
    """A column for each curve, a row for each figure. The place at a wrong distance, which is off by that and by many
    times all else, leaves its panels."""
    figure = new_figure(18.0, 8.5, 90, "constrained")
    panels = figure.subplots(len(FIGURES), len(CURVES), sharey="row", sharex="col")
    kinds = list(dict.fromkeys(point.kind for point in points))
    colours = dict(zip(kinds, SERIES, strict=False))
    for row, (field, title) in zip(panels, FIGURES.items(), strict=True):
        row[0].set_ylabel(title, color=TEXT)
        shown_values = [getattr(p, field) for p in points if (p.curve, p.alignment) != (DISTANCE, PLACES["none"])]
        air = 0.05 * np.ptp(shown_values)
        row[0].set_ylim(min(shown_values) - air, max(shown_values) + air)
        for axes, curve in zip(row, CURVES, strict=True):
            style_plot(axes)
            _lines(axes, [p for p in points if p.curve == curve.title], field, colours)
            for point in (p for p in points if p.answer != "network"):
                label = f"{point.kind}, mean vertebra, rigid"
                axes.axhline(getattr(point, field), color=colours[point.kind], lw=1, ls=":", label=label)
    for axes, curve in zip(panels[-1], CURVES, strict=True):
        axes.set_xticks(range(len(curve.ticks)), curve.ticks, color=TEXT, size=9)
        axes.set_xlabel(curve.title, color=MUTED)
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3, frameon=False, labelcolor=TEXT)
    save_figure(figure, path)


def _lines(axes, points: list[Point], field: str, colours: dict[str, str]) -> None:
    for kind, colour in colours.items():
        for title, style in zip(PLACES.values(), ("-", "--"), strict=True):
            values = [getattr(p, field) for p in points if (p.kind, p.alignment) == (kind, title)]
            axes.plot(values, style, marker="o", ms=3, color=colour, label=f"{kind}, {title}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("isolated", type=Path)
    parser.add_argument("context", type=Path)
    parser.add_argument("output", type=Path, help="without suffix")
    parser.add_argument("--images", type=int, nargs=2, default=(10, 16))
    parser.add_argument("--weights", type=Path)
    options = parser.parse_args()
    predictor, points = Predictor(options.weights), []
    kinds = {"alone": (options.isolated, options.images[0]), "in context": (options.context, options.images[1])}
    for kind, (folder, count) in kinds.items():
        points += points_of(predictor, kind, [shown(image) for image in some_images(folder, count)])
    with whole_file(options.output.with_suffix(".csv")) as temporary, temporary.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(Point.__dataclass_fields__)
        writer.writerows([f"{x:.4f}" if isinstance(x, float) else x for x in astuple(point)] for point in points)
    picture(options.output.with_suffix(".png"), points)


if __name__ == "__main__":
    main()
