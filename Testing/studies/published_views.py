"""How weights do from each of 3D-ReVert's 24 views, the view known: 12 yaws and 12 pitches in steps of 30 degrees.

    revert dataset CASES runs/views --views seed
    python Testing/studies/published_views.py runs/views docs/published_views.csv [--each 2] [--weights FILE]

CASES is a folder with the people to measure. --each: vertebrae instead of all, the same for each view.
Prints the table that `docs/training.md` shows, and writes it to the CSV. A CPU second an image.
"""

from __future__ import annotations

import argparse
import csv
from itertools import groupby
from pathlib import Path

import numpy as np
from quick_figures import FIGURES, PLACES, answer_figures, baseline_figures, shown, some_images

from ReVertLib.evaluation.measure import EvaluatedImage
from ReVertLib.evaluation.tables import table
from ReVertLib.files import whole_file
from ReVertLib.inference.predictor import Predictor

DECIMALS = (3, 2, 2)


def of_views(dataset: Path, each: int | None) -> dict[str, list[EvaluatedImage]]:
    """By view, its images of all vertebrae, or of `each` of them, evenly over all."""
    images = sorted(some_images(dataset), key=lambda image: image.file.name)
    vertebrae = sorted({image.vertebra for image in images})
    count = min(each or len(vertebrae), len(vertebrae))
    chosen = {vertebrae[(2 * i + 1) * len(vertebrae) // (2 * count)] for i in range(count)}
    groups = groupby((image for image in images if image.vertebra in chosen), key=lambda image: image.view)
    return {view: list(group) for view, group in groups}


def view_row(predictor: Predictor, view: str, images: list[EvaluatedImage]) -> list[object]:
    """View, number of images, and the means of the answers by alignment."""
    answers = [answer_figures(predictor, shown(image)) for image in images]
    means = [np.mean([answer[place] for answer in answers], axis=0) for place in PLACES]
    return [view, len(images), *cells(means)]


def baseline_row(images: list[EvaluatedImage]) -> list[object]:
    """The same of the mean vertebra, which is only aligned rigidly, for all views alike."""
    means = np.mean([baseline_figures(shown(image)) for image in images], axis=0)
    return ["mean vertebra", len(images), *cells([means]), *[""] * len(FIGURES)]


def cells(means: list[np.ndarray]) -> list[str]:
    return [f"{value:.{n}f}" for of_one in means for value, n in zip(of_one, DECIMALS, strict=True)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--each", type=int)
    parser.add_argument("--weights", type=Path)
    options = parser.parse_args()
    views, predictor, rows = of_views(options.dataset, options.each), Predictor(options.weights), []
    for view, images in views.items():
        rows.append(view_row(predictor, view, images))
        print(*rows[-1], flush=True)
    rows.append(baseline_row(next(iter(views.values()))))
    head = ["view", "images", *(f"{place} {title}" for place in PLACES.values() for title in FIGURES.values())]
    with whole_file(options.output) as temporary, temporary.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([head, *rows])
    print(f"weights {predictor.weights_sha256[:8]}\n\n{table(head, 1, rows)}")


if __name__ == "__main__":
    main()
