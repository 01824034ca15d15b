"""The stages of one reconstruction, each by itself, so that one that became slower shows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.views import view_rotation
from ReVertLib.imaging.crop import crop_vertebra
from ReVertLib.inference.predictor import Predictor, seen_outlines
from ReVertLib.mesh.silhouette import outlines
from ReVertLib.network.context_answers import TwoSteps, inputs
from ReVertLib.startup import threads

IN_ONE_BATCH = 5


def stages(predictor: Predictor, pixels: np.ndarray, geometry: Geometry) -> dict[str, Callable[[], object]]:
    """By name, what a predictor of a network in context does to a radiograph, each stage given what those before it
    found; and the network alone with several crops."""
    network, size_px = predictor.network, pixels.shape[::-1]
    crop = crop_vertebra(pixels, geometry, network.crop_size_px)
    answer = network.reconstruct_all([crop], [geometry])[0]
    view = (crop.camera_from_crop.inverse.rotation @ view_rotation(*geometry.view_deg)).astype(np.float32)
    return (
        {"crop": lambda: crop_vertebra(pixels, geometry, network.crop_size_px)}
        | _of_network(network, "one crop", *inputs([crop], [geometry]), view[None])
        | _of_network(
            network, f"{IN_ONE_BATCH} crops", *inputs([crop] * IN_ONE_BATCH, [geometry] * IN_ONE_BATCH), view[None]
        )
        | {
            "outline of what is seen": lambda: seen_outlines(answer, crop, geometry),
            "outlines of the surface": lambda: outlines(answer.mesh, geometry, size_px),
        }
    )


def _of_network(
    network: TwoSteps, what: str, image: np.ndarray, level: np.ndarray, sod_mm: np.ndarray, view: np.ndarray
):
    """Both steps of a network with a batch."""
    index, view = np.arange(len(image)), np.repeat(view, len(image), 0)
    look = network.look(image)
    return {
        f"look, {what}": lambda: network.look(image),
        f"surfaces, {what}": lambda: network.surfaces(look, index, level, sod_mm, view),
    }


def stage_table(times_ms: dict[str, list[float]]) -> str:
    """A line for each stage: median and least. What else the machine does only adds to a time, so the least tells most
    where it is busy."""
    lines = [f"{f'the stages, {threads()} threads':<40} {'median ms':>10} {'least':>8}"]
    lines += [f"{name:<40} {np.median(times):10.2f} {min(times):8.2f}" for name, times in times_ms.items()]
    return "\n".join(lines)
