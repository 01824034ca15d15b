"""Moving the error to be expected from synthetic people toward real bone.

Synthetic people are harder to answer than a real one whose bone is ordinary, and one real person is not all people. So
the expectation lies half-way: it is multiplied by the root of the factor by which real bone differs, which is fitted
for images alone and in context by how much context there is. Nine in ten distances are below the bound, the
expectation times one number that lies half-way between those of synthetic and of real bone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ReVertLib.dataset.layout import DatasetItem
from ReVertLib.evaluation.measure import EvaluatedImage, images_of
from ReVertLib.failures import Failures, raise_failed
from ReVertLib.imaging.crop import boxed, crop_vertebra
from ReVertLib.imaging.radiograph import read_radiograph
from ReVertLib.inference.verdict import TRUST_MM
from ReVertLib.mesh.distance import beam_parts_mm, offsets_mm
from ReVertLib.metrics.reliability import reliability
from ReVertLib.network.context_answers import inputs
from ReVertLib.network.hints import HINTS
from ReVertLib.network.template_network import TemplateNetwork
from ReVertLib.network.uncertainty_heads import ErrorHead, Features
from ReVertLib.progress import progress

from .error_head import gamma_regression

CONTEXT = HINTS.index("context")
IN_CONTEXT = 0.3
"""The least context of an image that counts as in context, in tables."""
COVERED = 0.9
GOOD_MM, GOOD_SHARE = 1.5, 0.9
"""The mean error that trust is to mean, and of how many of the images that are trusted."""


@dataclass(frozen=True)
class Errors:
    """Expected and actual errors (N, 3, n) of images, mm: distance, across, along. context: (N,) how much there is.
    levels: (N,) of each image."""

    expected_mm: np.ndarray
    actual_mm: np.ndarray
    context: np.ndarray
    levels: np.ndarray

    def of(self, chosen: np.ndarray) -> Errors:
        """Of some of the images."""
        columns = (self.expected_mm, self.actual_mm, self.context, self.levels)
        return Errors(*(column[chosen] for column in columns))


@dataclass(frozen=True)
class HalfWay:
    """What the expectation is multiplied by: exp(bias + slope * context), each (3,). bound: of the distance."""

    bias: np.ndarray
    slope: np.ndarray
    bound: float

    def expected_mm(self, errors: Errors) -> np.ndarray:
        """(N, 3, n) what is then expected."""
        return errors.expected_mm * np.exp(self.bias + self.slope * errors.context[:, None])[:, :, None]


def context_of(features: Features) -> np.ndarray:
    """(N,) how much context there is, none where the network does not say."""
    hints = features.hints.float().numpy()
    return hints[:, CONTEXT] if hints.shape[1] else np.zeros(len(hints), np.float32)


@torch.no_grad()
def real_errors(network: TemplateNetwork, items: list[DatasetItem], failures: Failures) -> Errors:
    """Of every image of a data set, its view known. failures: where images that cannot be used are noted. Raises
    InputError when none can be."""
    images, found = [image for item in items for image in images_of(item)], []
    for image in progress(images, "images of real bone"):
        with failures.noted(image.name):
            found.append((*_errors(network, image), image.level))
    if not found:
        raise_failed(failures.reasons, f"data set: expected {len(images)} images to scale to", "none")
    told, actual, context, levels = zip(*found, strict=True)
    return Errors(np.stack(told), np.stack(actual), np.concatenate(context), np.array(levels))


def _errors(network: TemplateNetwork, image: EvaluatedImage) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    pixels = read_radiograph(image.file).pixels
    geometry = boxed(pixels, image.geometry)
    crop = crop_vertebra(pixels, geometry, network.crop_size_px)
    into_crop = crop.camera_from_crop.inverse
    view = torch.as_tensor(into_crop.rotation @ image.camera_from_lps.rotation, dtype=torch.float32)
    asked = map(torch.as_tensor, inputs([crop], [geometry]))
    surface, features = network.answer(*asked, view[None])
    vertices = surface.vertices[0].double().numpy()
    actual = beam_parts_mm(vertices, offsets_mm(vertices, image.truth.moved(into_crop)))
    return network.error_head(features)[0].numpy(), actual.astype(np.float32), context_of(features)


def half_way(synthetic: Errors, real: Errors) -> HalfWay:
    """Between synthetic and real errors."""
    ratio = torch.as_tensor((real.actual_mm / real.expected_mm).mean(2))
    slope, bias = (t.numpy() for t in gamma_regression(torch.as_tensor(real.context)[:, None], ratio))
    moved = HalfWay(bias / 2, slope[:, 0] / 2, 1.0)
    bounds = [np.quantile(e.actual_mm[:, 0] / moved.expected_mm(e)[:, 0], COVERED) for e in (synthetic, real)]
    return HalfWay(moved.bias, moved.slope, float(np.sqrt(bounds[0] * bounds[1])))


@torch.no_grad()
def lay_between(head: ErrorHead, synthetic: Errors, real: Errors) -> dict:
    """Moves the head's expectation half-way and sets its bound. Returns figures of both worlds: those of real bone are
    of each level with what the other levels say."""
    found = half_way(synthetic, real)
    head.hint_bias.add_(torch.as_tensor(found.bias))
    if head.hint_weights.shape[1]:
        head.hint_weights[:, CONTEXT] += torch.as_tensor(found.slope)
    head.bound.fill_(found.bound)
    levels = sorted(set(real.levels.tolist()))
    moved = []
    for level in levels:
        here = real.levels == level
        way = found if here.all() else half_way(synthetic, real.of(~here))
        moved.append(_moved(way, real.of(here)))
    together = tuple(np.concatenate(column) for column in zip(*moved, strict=True))
    return {
        "bound": found.bound,
        "factors_alone_and_in_context": [np.exp(found.bias).tolist(), np.exp(found.bias + found.slope).tolist()],
        "images": len(real.levels),
        "levels": levels,
        "synthetic": _by_context(*_moved(found, synthetic)),
        "real": _by_context(*together),
        "real_by_level": {level: _figures(*one) for level, one in zip(levels, moved, strict=True)},
    }


def _moved(way: HalfWay, errors: Errors) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    expected_mm = way.expected_mm(errors)
    return expected_mm, way.bound * expected_mm[:, 0], errors.actual_mm, errors.context


def _by_context(expected_mm: np.ndarray, bound_mm: np.ndarray, actual_mm: np.ndarray, context: np.ndarray) -> dict:
    groups = {"all": context >= 0, "alone": context < IN_CONTEXT, "in_context": context >= IN_CONTEXT}
    columns = (expected_mm, bound_mm, actual_mm, context)
    return {name: _figures(*(column[which] for column in columns)) for name, which in groups.items() if which.any()}


def _figures(expected_mm: np.ndarray, bound_mm: np.ndarray, actual_mm: np.ndarray, _context: np.ndarray) -> dict:
    """Actual over expected of distance, across and along; share below the bound; rank correlation over images and over
    the vertices of an image; how many images are trusted by their expected error, how many of these have a mean error
    below GOOD_MM, and the limit at which nine in ten would."""
    found = reliability(zip(expected_mm[:, 0], actual_mm[:, 0], strict=True), len(expected_mm))
    actual, told_mm = actual_mm.mean((0, 2)), expected_mm.mean((0, 2))
    told, good = expected_mm[:, 0].mean(1), actual_mm[:, 0].mean(1) < GOOD_MM
    return {
        "images": len(expected_mm),
        "actual_over_expected": [round(float(a / e), 3) for a, e in zip(actual, told_mm, strict=True)],
        "below_bound": round(float((actual_mm[:, 0] < bound_mm).mean()), 3),
        "rank_over_images": round(found.between, 3),
        "rank_over_vertices": round(found.within, 3),
        "trusted": int((told < TRUST_MM).sum()),
        "trusted_below_good": round(float(np.mean(good[told < TRUST_MM])), 3) if (told < TRUST_MM).any() else None,
        "limit_for_nine_in_ten_mm": round(trust_limit_mm(told, good), 2),
    }


def trust_limit_mm(expected_mm: np.ndarray, good: np.ndarray) -> float:
    """The largest mean error to be expected (N,), mm, below and at which GOOD_SHARE of the images are good (N,) bool; 0
    where there is none."""
    order = np.argsort(expected_mm, kind="stable")
    share = np.cumsum(good[order]) / np.arange(1, len(good) + 1)
    enough = np.flatnonzero(share >= GOOD_SHARE)
    return float(expected_mm[order][enough[-1]]) if len(enough) else 0.0
