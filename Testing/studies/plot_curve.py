"""Draws a learning curve: `python Testing/studies/plot_curve.py docs/training_curve.csv docs/training_curve.png`.

The losses of the last estimate in a `curve.csv` that `revert train` wrote: means of 50 steps as dots, and their running
mean as a line.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np

from ReVertLib.evaluation.figure_style import MUTED, SERIES, TEXT, new_figure, save_figure, style_plot

TITLES = {"place": "place, camera frame", "seen": "place in the image", "shape": "shape, canonical frame"}
COLOURS = dict(zip(TITLES, SERIES[:3], strict=True))
AVERAGED = 10


def last_of(term: str, names: list[str]) -> str:
    """The column of the last estimate: `place_3_mm` of place_0_mm ... place_3_mm."""
    return max(name for name in names if name.startswith(f"{term}_"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("curve", type=Path)
    parser.add_argument("picture", type=Path)
    options = parser.parse_args()
    with options.curve.open(newline="") as file:
        rows = list(csv.DictReader(file))
    steps = np.array([int(row["step"]) for row in rows])
    figure = new_figure(8.0, 4.0, 110, "constrained")
    axes = figure.subplots()
    for term, title in TITLES.items():
        values = np.array([float(row[last_of(term, list(row))]) for row in rows])
        axes.plot(steps, values, ".", color=COLOURS[term], alpha=0.35, ms=4)
        mean = np.convolve(values, np.ones(AVERAGED) / AVERAGED, "valid")
        axes.plot(steps[AVERAGED - 1 :], mean, color=COLOURS[term], lw=1.8, label=title)
    axes.set_xlabel("steps of 32 samples", color=MUTED)
    axes.set_ylabel("mean distance of control points, mm", color=MUTED)
    axes.legend(frameon=False, labelcolor=TEXT)
    style_plot(axes)
    save_figure(figure, options.picture)


if __name__ == "__main__":
    main()
