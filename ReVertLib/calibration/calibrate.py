"""From finished weights to weights that predict their own error: `revert calibrate`.

The error to be expected is learned on synthetic samples (see `error_head`), and kept only if it is better there, on
other shapes, than the mean error of each vertex. Then it is moved toward the error on a data set of real bone (see
`real_bone`). The surfaces do not change.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from ReVertLib.dataset.layout import read_dataset
from ReVertLib.errors import InputError
from ReVertLib.failures import Failures
from ReVertLib.files import check_writable
from ReVertLib.inference.plausibility import range_metadata, training_range
from ReVertLib.metrics.reliability import Reliability, reliability
from ReVertLib.network.template_network import TemplateNetwork
from ReVertLib.network.uncertainty_heads import ErrorHead
from ReVertLib.network.weights import Weights, build_network, load_weights, save_weights
from ReVertLib.progress import log
from ReVertLib.training.samples import Samples

from .error_head import (
    CalibrationOptions,
    CalibrationSamples,
    calibration_samples,
    expected,
    fit,
    fit_score,
    set_hints,
)
from .real_bone import Errors, context_of, lay_between, real_errors

CHECKED_SHARE = 0.15
HEADS = ("error_head", "familiarity", "texture_score")
"""What of a network a calibration makes, by the first part of their tensors' names."""

FIGURES_KEY = "judgement"
"""Of the metadata of weights: the figures of their calibration. The name is that of the files there are."""


@dataclass(frozen=True)
class HeadReliability:
    """How reliable the error head is on synthetic shapes that it was not trained on, beside the constant map, its
    baseline. kept: "image" or "map", whichever was better."""

    image: Reliability
    map: Reliability

    @property
    def kept(self) -> str:
        return "image" if self.image.deviance < self.map.deviance else "map"


def calibrate(
    samples: Path, dataset: Path, weights: Path | None, out: Path, options: CalibrationOptions, failures: Failures
) -> str:
    """Writes OUT: the weights (default: the shipped ones) with an error head, trained on the shards of samples and
    scaled to a data set of real bone. Returns its hash. failures: where vertebrae and images of the data set that
    cannot be used are noted. Raises InputError for other files that cannot be used, and when no image can be."""
    if out.suffix != ".safetensors":
        raise InputError(f"output: expected a .safetensors file, got {out.name!r}")
    check_writable(out)
    loaded, shards, items = load_weights(weights), Samples(samples), read_dataset(dataset, failures)
    network = with_error_head(loaded, options)
    known = calibration_samples(network, shards, options.seed)
    learned = train_head(network, known, options)
    real = real_errors(network, items, failures)
    synthetic = errors_of(network.error_head, known.section(slice(first_checked(known), None)))
    found = lay_between(network.error_head, synthetic, real)
    figures = {"options": asdict(options), "kept": learned.kept, "deviance": learned.image.deviance}
    figures |= {"deviance_of_constant_map": learned.map.deviance, "data_set": Path(dataset).resolve().name} | found
    log.info(json.dumps(found, indent=1))
    metadata = loaded.metadata | range_metadata(training_range(known.statistics)) | {FIGURES_KEY: json.dumps(figures)}
    return save_weights(out, network, loaded.architecture, metadata)


def with_error_head(loaded: Weights, options: CalibrationOptions) -> TemplateNetwork:
    """The network of the weights with a new error head and out-of-distribution score; those it has are dropped."""
    if loaded.architecture in ("sphere", "finder"):
        raise InputError(f"weights: expected architecture context or template, got {loaded.architecture}")
    torch.manual_seed(options.seed)
    network = build_network(
        loaded.architecture, loaded.network.options | {"error_width": options.width, "error_parts": True}
    )
    own = {k: v for k, v in loaded.network.state_dict().items() if k.split(".")[0] not in HEADS}
    network.load_state_dict(own, strict=False)
    return network.eval()


def train_head(network: TemplateNetwork, known: CalibrationSamples, options: CalibrationOptions) -> HeadReliability:
    """Trains the error head and the score on the first samples, and checks them on the last CHECKED_SHARE, which are
    other shapes; where the constant map is as good, the head goes back to it."""
    first = first_checked(known)
    taught, checked = known.section(slice(first)), known.section(slice(first, None))
    fit(network.error_head, taught, options)
    fit_score(network.familiarity, taught.features.pooled.float(), checked.features.pooled.float())
    fit_score(network.texture_score, taught.features.textures.float(), checked.features.textures.float())
    actual = checked.error_mm[:, 0].numpy()
    constant = np.broadcast_to(network.error_head.usual_mm[0].numpy(), actual.shape)
    told = expected(network.error_head, checked)[:, 0]
    pairs = (zip(values, actual, strict=True) for values in (told, constant))
    learned = HeadReliability(*(reliability(of_one, len(actual)) for of_one in pairs))
    log.info(f"deviance {learned.image.deviance:.3f}, of the constant map {learned.map.deviance:.3f}")
    if learned.kept == "map":
        torch.nn.init.zeros_(network.error_head.leave.weight)
        torch.nn.init.zeros_(network.error_head.leave.bias)
        set_hints(network.error_head, torch.zeros(3, network.hint_count), torch.zeros(3))
    return learned


def errors_of(head: ErrorHead, known: CalibrationSamples) -> Errors:
    """What the head expects of samples, and what was so."""
    levels = np.full(len(known), "")
    return Errors(expected(head, known), known.error_mm.numpy(), context_of(known.features), levels)


def first_checked(known: CalibrationSamples) -> int:
    """Where the samples begin that nothing is learned from."""
    return round(len(known) * (1 - CHECKED_SHARE))
