"""Which images the weights doubt: those of a data set as they are, and what no training had.

    python Testing/studies/strange_images.py DATASET CONTEXT [--weights FILE] [--others FOLDER]

DATASET and CONTEXT are of `revert dataset`, of the same CTs, the latter with --context. Prints a Markdown table, a row
for each kind: how many of its images are refused ("do not use"), to be checked, and trusted. Strange are those images
changed (inverted, turned upside down, mirrored, at a wrong scale, from behind without a view), drawn phantoms, and the
images of --others (photographs, CT slices), each with a box around its middle.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from strange_phantoms import FIELD_MM, PHANTOMS

from ReVertLib.dataset.layout import read_dataset
from ReVertLib.geometry.camera import Geometry
from ReVertLib.imaging.crop import boxed
from ReVertLib.imaging.radiograph import read_radiograph
from ReVertLib.inference.predictor import Predictor
from ReVertLib.inference.verdict import WORDS, verdict

Shown = tuple[np.ndarray, Geometry]
DRAWN = 5
SDD_MM, SOD_MM, BOX_SHARE = 1020.0, 600.0, 0.75
"""How an image of anything is said to be taken."""


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


def upside_down(pixels: np.ndarray, geometry: Geometry) -> Shown:
    (height, _), (u0, v0, u1, v1) = pixels.shape, geometry.box_px
    return pixels[::-1].copy(), replace(geometry, box_px=(u0, height - v1, u1, height - v0))


def mirrored(pixels: np.ndarray, geometry: Geometry) -> Shown:
    (_, width), (u0, v0, u1, v1) = pixels.shape, geometry.box_px
    return pixels[:, ::-1].copy(), replace(geometry, box_px=(width - u1, v0, width - u0, v1))


def without_view(pixels: np.ndarray, geometry: Geometry) -> Shown:
    return pixels, replace(geometry, view_deg=None)


def amid(pixels: np.ndarray) -> Shown:
    """An image of anything, as if it were AP and of a vertebra, its box around the middle."""
    height, width = pixels.shape
    u, v, half = width / 2, height / 2, BOX_SHARE * min(pixels.shape) / 2
    spacing = SDD_MM / SOD_MM * FIELD_MM / min(pixels.shape)
    box = (u - half, v - half, u + half, v + half)
    middle = ((width - 1) / 2, (height - 1) / 2)
    return pixels, Geometry(SDD_MM, SOD_MM, (spacing, spacing), middle, "L3", box, (0.0, 0.0, 0.0))


def kinds(isolated: list[Shown], context: list[Shown], others: Path | None) -> Iterator[tuple[str, list[Shown]]]:
    """By name; what is computed of one kind is gone when the next one comes."""
    changes = {"inverted": inverted, "upside down": upside_down, "mirrored": mirrored, "without a view": without_view}
    changes |= {f"pixel spacing times {factor}": spaced(factor) for factor in (2.0, 1.5, 0.5)}
    for where, images in (("alone", isolated), ("in context", context)):
        yield f"{where}, as they are", images
        for name, change in changes.items():
            yield f"{where}, {name}", [change(*one) for one in images]
    rng = np.random.default_rng(0)
    for name, draw in PHANTOMS.items():
        yield name, [amid(draw(rng)) for _ in range(DRAWN)]
    if others is not None:
        files = sorted(path for path in others.iterdir() if path.is_file())
        yield "other images", [amid(read_radiograph(path).pixels) for path in files]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("context", type=Path)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--others", type=Path)
    options = parser.parse_args()
    predictor = Predictor(options.weights)
    print("| images | of them | " + " | ".join(WORDS) + " |\n|---|--:|" + "--:|" * len(WORDS))
    for kind, images in kinds(list(shown(options.dataset)), list(shown(options.context)), options.others):
        words = [verdict(predictor.reconstruct(*one)).word for one in images]
        print(f"| {kind} | {len(words)} | " + " | ".join(str(words.count(word)) for word in WORDS) + " |", flush=True)


if __name__ == "__main__":
    main()
