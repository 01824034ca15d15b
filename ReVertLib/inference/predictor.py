"""From radiograph and geometry to a surface in mm: the line, with the weights loaded once for many images."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ReVertLib.errors import InputError
from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.views import view_name
from ReVertLib.imaging.crop import Crop, boxed, crop_vertebra
from ReVertLib.mesh.silhouette import mask_outlines
from ReVertLib.network.answering import answering
from ReVertLib.network.crop_answer import CropAnswer

from .plausibility import input_warnings, read_training_range
from .results import Reconstruction
from .verdict import AMBIGUOUS, VIEW_TAKEN


class Predictor:
    """A network with its weights on a device. outlined: whether answers are to have `seen_px`. Raises InputError for
    weights or a device that cannot be used."""

    def __init__(self, weights: Path | None = None, device: str = "auto", outlined: bool = True) -> None:
        self._outlined = outlined
        found = answering(weights, device)
        if found.file.architecture == "finder":
            raise InputError("weights: expected those of a network that reconstructs, got a finder's")
        self.network, self.device = found.network, found.device
        self.weights_sha256, self.architecture = found.file.sha256, found.file.architecture
        self.training = found.file.training
        self._training_range = read_training_range(found.file.metadata)

    def reconstruct(self, pixels: np.ndarray, geometry: Geometry) -> Reconstruction:
        """The vertebra in geometry.box_px of pixels (rows, columns), bone bright. Without a box the image must be of
        an isolated vertebra; without a level the average lumbar vertebra is the start."""
        return self.reconstruct_all(pixels, [geometry])[0]

    def reconstruct_all(
        self, pixels: np.ndarray, geometries: Sequence[Geometry], draft: bool = False
    ) -> list[Reconstruction]:
        """`reconstruct` of several vertebrae of one radiograph, in one batch. Where no view is given, it is one for
        all; `seconds` are those of all. draft: whether they will be asked for again, at better places: then for one
        view only and without `seen_px`."""
        started = time.perf_counter()
        known = [boxed(pixels, geometry) for geometry in geometries]
        crops = [crop_vertebra(pixels, geometry, self.network.crop_size_px) for geometry in known]
        answers = self.network.reconstruct_all(crops, known, draft)
        found = []
        for given, geometry, crop, answer in zip(geometries, known, crops, answers, strict=True):
            doubts = tuple(self._input_doubts(pixels, given, geometry, crop, answer))
            outline = seen_outlines(answer, crop, geometry) if self._outlined and not draft else ()
            found.append(_reconstruction(answer, geometry, outline, doubts, started))
        return found

    def _input_doubts(
        self, pixels: np.ndarray, given: Geometry, used: Geometry, crop: Crop, answer: CropAnswer
    ) -> Iterator[str]:
        """What is to be said of an input, a line each. given: its geometry, used: the same with its box."""
        if given.box_px is None:
            yield "no box was given: the foreground of an isolated vertebra was taken"
        if given.level is None and self.network.uses_level:
            yield "no level was given: an unknown lumbar level was assumed"
        u0, v0, u1, v1 = used.box_px
        if min(u0, v0) <= 0 or u1 >= pixels.shape[1] or v1 >= pixels.shape[0]:
            yield "the box reaches the edge of the image: the vertebra may be cut off there"
        if self._training_range is not None:
            limits = self._training_range
            yield from input_warnings(crop.pixels, answer.out_of_distribution, limits, answer.silhouette)
        yield from view_warnings(answer)


def _reconstruction(
    answer: CropAnswer,
    geometry: Geometry,
    outline: tuple[np.ndarray, ...],
    warnings: tuple[str, ...],
    started: float,
) -> Reconstruction:
    """What a crop was answered as the vertebra of a radiograph."""
    found = []
    for one in (answer, answer.other):
        if one is not None:
            seen = geometry if one.yaw_deg is None else replace(geometry, view_deg=(one.yaw_deg, 0.0, 0.0))
            seconds = time.perf_counter() - started
            said = {"expected_error_mm": one.expected_error_mm, "error_parts": one.error_parts}
            likely = {"probability": one.probability, "seen_px": outline}
            found.append(Reconstruction(one.mesh, seen, seconds, warnings, **said, **likely))
    return replace(found[0], other=found[1]) if len(found) > 1 else found[0]


def seen_outlines(answer: CropAnswer, crop: Crop, geometry: Geometry) -> tuple[np.ndarray, ...]:
    """What the network took for the vertebra, as outlines (k, 2) in pixels of the radiograph."""
    if answer.silhouette is None:
        return ()
    loops = mask_outlines(answer.silhouette)
    if not loops:
        return ()
    rays = crop.camera_from_crop.apply(crop.geometry.backproject(np.concatenate(loops), 1.0))
    ends = np.cumsum([len(loop) for loop in loops])[:-1]
    return tuple(np.split(geometry.project(rays), ends))


def view_warnings(answer: CropAnswer) -> list[str]:
    """What is to be said of a view that nobody gave, a line."""
    if answer.yaw_deg is None:
        return []
    taken = f"{VIEW_TAKEN}{view_name(answer.yaw_deg)} was taken, {answer.probability:.0%} likely"
    if answer.other is None:
        return [taken]
    return [f"{AMBIGUOUS}{taken}; {view_name(answer.other.yaw_deg)} is {answer.other.probability:.0%} likely"]
