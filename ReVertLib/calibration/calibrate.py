"""From finished weights to weights that predict their own error: `revert calibrate`.

The error to be expected is learned on synthetic samples (see `error_head`), and kept only if it is better there, on
other shapes, than the mean error of each vertex. Synthetic samples are not patients: so the whole prediction is then
multiplied by one number, the actual over the expected error on a data set of real bone. The surfaces do not change.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from ReVertLib.dataset.layout import DatasetItem, read_dataset
from ReVertLib.errors import InputError
from ReVertLib.evaluation.measure import images_of, predicted_error
from ReVertLib.failures import Failures, raise_failed
from ReVertLib.files import check_writable
from ReVertLib.imaging.radiograph import read_radiograph
from ReVertLib.inference.plausibility import range_metadata, training_range
from ReVertLib.inference.predictor import Predictor
from ReVertLib.metrics.reliability import Reliability, reliability, reliability_table
from ReVertLib.network.template_network import TemplateNetwork
from ReVertLib.network.weights import Weights, build_network, load_weights, save_weights
from ReVertLib.progress import log, progress
from ReVertLib.training.samples import Samples

from .error_head import CalibrationOptions, CalibrationSamples, calibration_samples, expected, fit, fit_score

CHECKED_SHARE = 0.15

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


@dataclass(frozen=True)
class RealErrors:
    """Expected and actual errors (images, n), mm, of real bone. vertebrae: of each image, by name."""

    expected_mm: np.ndarray
    actual_mm: np.ndarray
    vertebrae: tuple[str, ...]

    @property
    def factor(self) -> float:
        """Actual over expected error."""
        return float(self.actual_mm.mean() / self.expected_mm.mean())

    def without(self, vertebra: str) -> RealErrors:
        """Of the other vertebrae."""
        others = np.array([name != vertebra for name in self.vertebrae])
        return RealErrors(self.expected_mm[others], self.actual_mm[others], tuple(np.array(self.vertebrae)[others]))


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
    metadata = loaded.metadata | range_metadata(training_range(known.statistics))
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / out.name
        save_weights(draft, network, loaded.architecture, metadata)
        real = real_errors(Predictor(draft, "cpu"), items, failures)
    network.error_head.usual_mm.mul_(real.factor)
    figures = _figures(learned, real, options, Path(dataset).resolve().name)
    log.info(reliability_table(reliability(real.factor * real.expected_mm, real.actual_mm)))
    return save_weights(out, network, loaded.architecture, metadata | {FIGURES_KEY: json.dumps(figures)})


def with_error_head(loaded: Weights, options: CalibrationOptions) -> TemplateNetwork:
    """The network of the weights with a new error head and out-of-distribution score; those it has are dropped."""
    if loaded.architecture == "sphere":
        raise InputError("weights: expected architecture context or template, got sphere")
    torch.manual_seed(options.seed)
    network = build_network(loaded.architecture, loaded.network.options | {"error_width": options.width})
    own = {k: v for k, v in loaded.network.state_dict().items() if k.split(".")[0] not in ("error_head", "familiarity")}
    network.load_state_dict(own, strict=False)
    return network.eval()


def train_head(network: TemplateNetwork, known: CalibrationSamples, options: CalibrationOptions) -> HeadReliability:
    """Trains the error head and the score on the first samples, and checks them on the last CHECKED_SHARE, which are
    other shapes; where the constant map is as good, the head goes back to it."""
    first = round(len(known) * (1 - CHECKED_SHARE))
    taught, checked = known.section(slice(first)), known.section(slice(first, None))
    fit(network.error_head, taught, options)
    fit_score(network.familiarity, taught.features.pooled.float(), checked.features.pooled.float())
    actual = checked.error_mm.numpy()
    constant = np.broadcast_to(network.error_head.usual_mm.numpy(), actual.shape)
    learned = HeadReliability(reliability(expected(network.error_head, checked), actual), reliability(constant, actual))
    log.info(f"deviance {learned.image.deviance:.3f}, of the constant map {learned.map.deviance:.3f}")
    if learned.kept == "map":
        torch.nn.init.zeros_(network.error_head.leave.weight)
        torch.nn.init.zeros_(network.error_head.leave.bias)
    return learned


def real_errors(predictor: Predictor, items: list[DatasetItem], failures: Failures) -> RealErrors:
    """The error that the predictor expects of every image of a data set, and the actual one. failures: where images
    that cannot be used are noted. Raises InputError when none can be."""
    images, found, vertebrae = [image for item in items for image in images_of(item)], [], []
    for image in progress(images, "images of real bone"):
        with failures.noted(image.name):
            answer = predictor.reconstruct(read_radiograph(image.file).pixels, image.geometry)
            found.append(predicted_error(answer, image.truth))
            vertebrae.append(image.vertebra)
    if not found:
        raise_failed(failures.reasons, f"data set: expected {len(images)} images to scale to", "none")
    columns = (np.stack([getattr(one, name) for one in found]) for name in ("expected_mm", "actual_mm"))
    return RealErrors(*columns, tuple(vertebrae))


def _figures(learned: HeadReliability, real: RealErrors, options: CalibrationOptions, dataset: str) -> dict:
    """What a reader of the weights should know of their calibration."""
    names = sorted(set(real.vertebrae))
    left_out = [real.without(name).factor for name in names] if len(names) > 1 else []
    return {
        "options": asdict(options),
        "kept": learned.kept,
        "deviance": learned.image.deviance,
        "deviance_of_constant_map": learned.map.deviance,
        "scaled_to": f"{dataset}: {len(real.vertebrae)} images of {', '.join(names)}",
        "factor": real.factor,
        "factors_without_one_vertebra": left_out,
    }
