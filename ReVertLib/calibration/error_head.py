"""Training the error head of a finished network: its surfaces stay as they are.

The network reconstructs new synthetic samples; the exact distance of every predicted vertex to the true surface, and
its parts across and along the beam, are what its head is to predict. The head minimises log e + d / e, for expectation
e and distance d: whatever the distribution of the distances, the best e is their mean (where it is exponential this is
the likelihood). First the hints say how hard each image is, log-linearly (a gamma regression), then the features which
places are. The same samples tell which images are like those of the training: the Mahalanobis distances of the pooled
features, which know shapes, and of the first maps, which know textures, the covariance shrunk toward independence, and
the statistics of crops (see `plausibility`).
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor

from ReVertLib.anatomy.template import load_template
from ReVertLib.inference.plausibility import CropStatistics, crop_statistics
from ReVertLib.mesh.distance import beam_parts_mm, offsets_mm
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.network.template_network import TemplateNetwork
from ReVertLib.network.uncertainty_heads import ErrorHead, Features, MahalanobisScore
from ReVertLib.progress import log, progress
from ReVertLib.training.augmentation import augmented
from ReVertLib.training.context import in_context
from ReVertLib.training.samples import Samples

BATCH = 32
SCORE_QUANTILE = 0.99
SHRINKAGE = 0.02
RIDGE = 0.01
"""Of a regression on hints, per squared weight: that of four hints barely moves by it, nothing runs away."""
AUGMENTED_AMID = 0.3
"""The share of images amid what lies around that look like films."""


@dataclass(frozen=True)
class CalibrationOptions:
    """What decides a calibration; kept in the metadata of the weights."""

    steps: int = 800
    width: int = 48
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    seed: int = 0


@dataclass(frozen=True)
class CalibrationSamples:
    """The features and the errors of a network on N samples. features: in half precision, since the nodes of 5,000
    samples take 0.5 GB so. error_mm: (N, 3, n) distance of each predicted vertex to the true surface, and its parts
    across and along the beam. statistics: of the images."""

    features: Features
    error_mm: Tensor
    statistics: list[CropStatistics]

    def __len__(self) -> int:
        return len(self.error_mm)

    def section(self, chosen: slice) -> CalibrationSamples:
        """Neighbouring samples."""
        return CalibrationSamples(self.features.only(chosen), self.error_mm[chosen], self.statistics[chosen])

    def part(self, index: Tensor | slice) -> tuple[Features, Tensor]:
        """Features, in single precision, and errors of some of the samples."""
        return in_precision(self.features.only(index), torch.float32), self.error_mm[index]


def in_precision(features: Features, dtype: torch.dtype) -> Features:
    """Features as numbers of a type."""
    return Features(*(getattr(features, field.name).to(dtype) for field in fields(features)))


@torch.no_grad()
def calibration_samples(network: TemplateNetwork, samples: Samples, seed: int) -> CalibrationSamples:
    """Every sample once, in order: as training shows it, alone or amid what lies around it, and there at times as a
    film does; without layers nearly clean, as computed images are."""
    faces, random, parts, statistics = load_template().faces, torch.Generator().manual_seed(seed), [], []
    for first in progress(range(0, len(samples), BATCH), "batches of samples"):
        index = torch.arange(first, min(first + BATCH, len(samples)))
        batch, amid = in_context(samples.batch(index, torch.device("cpu")), random)
        batch = augmented(batch, random, share=AUGMENTED_AMID * amid)
        surface, features = network.answer(batch.image, batch.level, batch.position_mm[:, 2], batch.view)
        pairs = zip(surface.vertices.double().numpy(), batch.vertices.double().numpy(), strict=True)
        errors = [beam_parts_mm(found, offsets_mm(found, Mesh(truth, faces))) for found, truth in pairs]
        parts.append((in_precision(features, torch.float16), torch.as_tensor(np.stack(errors)).float()))
        statistics += statistics_of(network, batch.image)
    features, errors_mm = zip(*parts, strict=True)
    columns = (torch.cat([getattr(one, field.name) for one in features]) for field in fields(Features))
    return CalibrationSamples(Features(*columns), torch.cat(errors_mm), statistics)


@torch.no_grad()
def statistics_of(network: TemplateNetwork, image: Tensor) -> list[CropStatistics]:
    """Of each of a batch of crops (B, 1, S, S)."""
    silhouettes = network.silhouettes(image)
    seen = [None] * len(image) if silhouettes is None else silhouettes.numpy()
    return [crop_statistics(pixels, mask) for pixels, mask in zip(image[:, 0].numpy(), seen, strict=True)]


def fit(head: ErrorHead, known: CalibrationSamples, options: CalibrationOptions) -> None:
    """Sets the head's maps to the mean error of every vertex, learns from the hints how hard an image is, then from the
    features what each image changes about the maps."""
    head.usual_mm.copy_(known.error_mm.mean(0))
    set_hints(head, *gamma_regression(known.features.hints.float(), (known.error_mm / head.usual_mm).mean(2)))
    random = torch.Generator().manual_seed(options.seed)
    optimiser = torch.optim.AdamW(head.parameters(), options.learning_rate, weight_decay=options.weight_decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, options.steps)
    for step in progress(range(1, options.steps + 1), "steps"):
        features, error_mm = known.part(torch.randint(len(known), (BATCH,), generator=random))
        loss = deviance(head(features), error_mm)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if step % 500 == 0:
            log.info(f"step {step}/{options.steps}  deviance {loss.item():.3f}")


@torch.no_grad()
def set_hints(head: ErrorHead, weights: Tensor, bias: Tensor) -> None:
    """What the hints say, (3, h) and (3,)."""
    head.hint_weights.copy_(weights)
    head.hint_bias.copy_(bias)


def gamma_regression(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Weights (k, h) and bias (k,) of the log-linear model of y (N, k) > 0 by x (N, h) with the least deviance, the
    weights of the standardised x held small by RIDGE."""
    centre = x.mean(0)
    scale = (x - centre).square().mean(0).sqrt().clamp(min=1e-6)
    standard = (x - centre) / scale
    weights = torch.zeros(y.shape[1], x.shape[1], requires_grad=True)
    bias = y.mean(0).log().requires_grad_()
    optimiser = torch.optim.LBFGS([weights, bias], max_iter=100, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimiser.zero_grad()
        value = deviance((standard @ weights.T + bias).exp(), y) + RIDGE * weights.square().sum() / y.shape[1]
        value.backward()
        return value

    optimiser.step(loss)
    found = weights.detach() / scale
    return found, bias.detach() - found @ centre


def deviance(expected_mm: Tensor, error_mm: Tensor) -> Tensor:
    """Scalar mean of log e + d / e; see the module's text."""
    return (expected_mm.log() + error_mm / expected_mm).mean()


@torch.no_grad()
def fit_score(familiarity: MahalanobisScore, known: Tensor, checked: Tensor) -> None:
    """Sets mean and covariance from features (N, p), and the limit where SCORE_QUANTILE of others lie."""
    familiarity.mean.copy_(known.mean(0))
    familiarity.scale.copy_(known.std(0) + 1e-6)
    correlation = torch.cov(((known - familiarity.mean) / familiarity.scale).T)
    lower = torch.linalg.cholesky(correlation + SHRINKAGE * torch.eye(len(correlation)))
    familiarity.whitening.copy_(torch.linalg.inv(lower).T)
    limit = torch.quantile(familiarity(checked), SCORE_QUANTILE)
    familiarity.whitening.div_(limit)


@torch.no_grad()
def expected(head: ErrorHead, known: CalibrationSamples) -> np.ndarray:
    """(N, 3, n) mm, what the head expects of samples."""
    pieces = [slice(first, first + BATCH) for first in range(0, len(known), BATCH)]
    return torch.cat([head(known.part(piece)[0]) for piece in pieces]).numpy()
