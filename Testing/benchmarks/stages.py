"""The stages of one reconstruction, each by itself, so that one that became slower shows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from ReVertLib.geometry.camera import Geometry
from ReVertLib.imaging.crop import crop_vertebra
from ReVertLib.inference.predictor import Predictor, seen_outlines

IN_ONE_BATCH = 5


def stages(predictor: Predictor, pixels: np.ndarray, geometry: Geometry) -> dict[str, Callable[[], object]]:
    """By name, what a predictor of a network in context does to a radiograph, each stage given what those before it
    found; and the network alone with several crops."""
    network = predictor.network
    crop = crop_vertebra(pixels, geometry, network.crop_size_px)
    answer = network.reconstruct(crop, geometry)
    inputs = *network.inputs([crop], [geometry]), network.ap[None]
    image, *known = inputs
    sight = network.sight(image)
    estimates, _ = network.answers(sight, *known)
    surface, features = network.answer_to(sight, *known)
    several = [tensor.repeat(IN_ONE_BATCH, *[1] * (tensor.dim() - 1)) for tensor in inputs]
    return {
        "crop": lambda: crop_vertebra(pixels, geometry, network.crop_size_px),
        "isolation": lambda: network.isolation(image),
        "sight: isolation, encoder, code": lambda: network.sight(image),
        "decoders": lambda: network.answers(sight, *known),
        "all vertices": lambda: network.whole(estimates[-1], known[0]),
        "judged: the error to be expected": lambda: network.judged(surface, features),
        "outlines": lambda: seen_outlines(answer, crop, geometry),
        "network, one crop": lambda: network(*inputs),
        f"network, {IN_ONE_BATCH} crops in one batch": lambda: network(*several),
    }


def stage_table(times_ms: dict[str, list[float]]) -> str:
    """A line for each stage: median and least. What else the machine does only adds to a time, so the least tells most
    where it is busy."""
    lines = [f"{f'the stages, {torch.get_num_threads()} threads':<40} {'median ms':>10} {'least':>8}"]
    lines += [f"{name:<40} {np.median(times):10.2f} {min(times):8.2f}" for name, times in times_ms.items()]
    return "\n".join(lines)
