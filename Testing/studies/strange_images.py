"""Which images the weights doubt: those of a data set as they are, and made from them what no training had.

    python Testing/studies/strange_images.py DATASET CONTEXT [--weights FILE]

DATASET and CONTEXT are of `revert dataset`, of the same CTs, the latter with --context. A line for each kind: how many
of its images are doubted ("do not use").
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from ReVertLib.dataset.layout import read_dataset
from ReVertLib.geometry.camera import Geometry
from ReVertLib.imaging.crop import boxed
from ReVertLib.imaging.radiograph import read_radiograph
from ReVertLib.inference.plausibility import UNLIKE
from ReVertLib.inference.predictor import Predictor

Shown = tuple[np.ndarray, Geometry]


def shown(folder: Path) -> Iterator[Shown]:
    """The images of a data set with their geometry, the box known."""
    for item in read_dataset(folder):
        for path, geometry in zip(item.images, item.geometries, strict=True):
            pixels = read_radiograph(path).pixels
            yield pixels, boxed(pixels, geometry)


def inverted(pixels: np.ndarray, geometry: Geometry) -> Shown:
    return pixels.max() - pixels, geometry


def spaced(factor: float) -> Callable[[np.ndarray, Geometry], Shown]:
    """As if the pixels were factor times as far apart."""

    def change(pixels: np.ndarray, geometry: Geometry) -> Shown:
        wrong = tuple(factor * mm for mm in geometry.pixel_spacing_mm)
        return pixels, replace(geometry, pixel_spacing_mm=wrong)

    return change


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("context", type=Path)
    parser.add_argument("--weights", type=Path)
    options = parser.parse_args()
    predictor = Predictor(options.weights)
    images = list(shown(options.dataset))
    kinds = {"as they are": images, "with the rest of the CT": list(shown(options.context))}
    kinds["inverted"] = [inverted(*one) for one in images]
    for factor in (2.0, 1.5, 0.5):
        kinds[f"pixel spacing times {factor}"] = [spaced(factor)(*one) for one in images]
    for kind, of_kind in kinds.items():
        answers = [predictor.reconstruct(*one) for one in of_kind]
        doubted = sum(any(line.startswith(UNLIKE) for line in answer.warnings) for answer in answers)
        print(f"{kind:<24} {doubted} of {len(answers)}", flush=True)


if __name__ == "__main__":
    main()
