"""What the studies of many conditions measure of an answer: 4,000 points a surface, in place and aligned rigidly."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ReVertLib.anatomy.template import baseline_mesh
from ReVertLib.dataset.layout import read_dataset
from ReVertLib.errors import InputError
from ReVertLib.evaluation.measure import EvaluatedImage, images_of
from ReVertLib.geometry.camera import Geometry
from ReVertLib.imaging.crop import boxed
from ReVertLib.imaging.radiograph import read_radiograph
from ReVertLib.inference.predictor import Predictor
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.metrics.surface import surface_metrics
from ReVertLib.registration.icp import align

POINTS = 4_000
FIGURES = {"dice": "Dice", "hd95_mm": "HD95 mm", "assd_mm": "ASSD mm"}
PLACES = {"rigid": "rigid", "none": "in place"}
"""Alignments, and what tables call them."""


@dataclass(frozen=True)
class Shown:
    """An image of a data set as a network is shown it. pixels: (rows, columns), bone bright. geometry: with a box."""

    image: EvaluatedImage
    pixels: np.ndarray
    geometry: Geometry
    truth: Mesh


def shown(image: EvaluatedImage) -> Shown:
    """An image as it is."""
    pixels = read_radiograph(image.file).pixels
    return Shown(image, pixels, boxed(pixels, image.geometry), image.truth)


def some_images(dataset: Path, count: int | None = None) -> list[EvaluatedImage]:
    """`count` images of a data set, evenly over all of them; all without a count."""
    images = [image for item in read_dataset(dataset) for image in images_of(item)]
    if count is None or count >= len(images):
        return images
    return [images[i * len(images) // count] for i in range(count)]


def figures(mesh: Mesh, truth: Mesh, alignment: str) -> list[float]:
    """The FIGURES of a surface."""
    found = surface_metrics(mesh.moved(align(mesh, truth, alignment)), truth, POINTS)
    return [getattr(found, name) for name in FIGURES]


def answer_figures(predictor: Predictor, asked: Shown) -> dict[str, list[float]]:
    """By alignment, the FIGURES of the answer to an image; of none, Dice 0 and no distances (NaN)."""
    try:
        mesh = predictor.reconstruct(asked.pixels, asked.geometry).mesh
        return {place: figures(mesh, asked.truth, place) for place in PLACES}
    except InputError:
        return {place: [0.0, np.nan, np.nan] for place in PLACES}


def baseline_figures(asked: Shown) -> list[float]:
    """The FIGURES of the mean vertebra of 87 people, aligned rigidly."""
    return figures(baseline_mesh(asked.image.level), asked.truth, "rigid")
