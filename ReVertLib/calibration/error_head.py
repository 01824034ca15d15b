"""Teaching a finished network to judge itself: its surfaces stay as they are, only its judgement is learnt.

The network answers new samples of its training world; the exact distance of every predicted vertex to the true surface
is what its head is to expect. The head minimises log e + d / e, for expectation e and distance d: whatever the
distribution of the distances, the best e is their mean (where it is exponential this is the likelihood). The same
samples say what images the network knows: the Mahalanobis distance of its pooled features, the covariance shrunk
toward independence, and what `domain` looks at. `calibrate` puts it together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ReVertLib.anatomy.template import load_template
from ReVertLib.inference.plausibility import CropStatistics, crop_statistics
from ReVertLib.mesh.distance import signed_distances_mm
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.network.template_network import TemplateNetwork
from ReVertLib.network.uncertainty_heads import ErrorHead, Evidence, MahalanobisScore
from ReVertLib.training.augmentation import augmented
from ReVertLib.training.samples import Samples

Say = Callable[[str], None]

BATCH = 32
FAMILIAR_QUANTILE = 0.99
SHRINKAGE = 0.02


@dataclass(frozen=True)
class CalibrationOptions:
    """What decides a calibration; kept in the metadata of the weights."""

    steps: int = 3000
    width: int = 48
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    seed: int = 0


@dataclass(frozen=True)
class Experience:
    """What a network knew of N samples, and how wrong it was. evidence: in half precision, since the nodes of 5,000
    samples take 0.5 GB so. error_mm: (N, n) distance of each predicted vertex to the true surface. looks: of the
    images."""

    evidence: Evidence
    error_mm: Tensor
    looks: list[CropStatistics]

    def __len__(self) -> int:
        return len(self.error_mm)

    def section(self, chosen: slice) -> Experience:
        """Neighbouring samples."""
        return Experience(self.evidence.only(chosen), self.error_mm[chosen], self.looks[chosen])

    def part(self, index: Tensor | slice) -> tuple[Evidence, Tensor]:
        """Evidence, in single precision, and errors of some of the samples."""
        columns = (self.evidence.nodes, self.evidence.code, self.evidence.pooled)
        return Evidence(*(column[index].float() for column in columns)), self.error_mm[index]


@torch.no_grad()
def experience(network: TemplateNetwork, samples: Samples, seed: int, say: Say) -> Experience:
    """Every sample once, in order, as DRRs are: nearly clean, as half of the images of a training."""
    faces, random, parts, looks = load_template().faces, torch.Generator().manual_seed(seed), [], []
    for first in range(0, len(samples), BATCH):
        index = torch.arange(first, min(first + BATCH, len(samples)))
        batch = augmented(samples.batch(index, torch.device("cpu")), random, share=0.0)
        surface, evidence = network.answer(batch.image, batch.level, batch.position_mm[:, 2])
        pairs = zip(surface.vertices.double().numpy(), batch.vertices.double().numpy(), strict=True)
        errors = np.stack([np.abs(signed_distances_mm(found, Mesh(truth, faces))) for found, truth in pairs])
        parts.append((evidence.nodes.half(), evidence.code.half(), evidence.pooled.half(), torch.as_tensor(errors)))
        looks += [crop_statistics(image) for image in batch.image[:, 0].numpy()]
        if first % (50 * BATCH) == 0:
            say(f"answered {first} of {len(samples)} samples")
    nodes, code, pooled, error_mm = (torch.cat(column) for column in zip(*parts, strict=True))
    return Experience(Evidence(nodes, code, pooled), error_mm.float(), looks)


def fit(head: ErrorHead, known: Experience, options: CalibrationOptions, say: Say) -> None:
    """Sets the head's map to the mean error of every vertex, then learns what each image changes about it."""
    head.usual_mm.copy_(known.error_mm.mean(0))
    random = torch.Generator().manual_seed(options.seed)
    optimiser = torch.optim.AdamW(head.parameters(), options.learning_rate, weight_decay=options.weight_decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, options.steps)
    for step in range(1, options.steps + 1):
        evidence, error_mm = known.part(torch.randint(len(known), (BATCH,), generator=random))
        loss = deviance(head(evidence), error_mm)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if step % 500 == 0:
            say(f"step {step}/{options.steps}  deviance {loss.item():.3f}")


def deviance(expected_mm: Tensor, error_mm: Tensor) -> Tensor:
    """Scalar mean of log e + d / e; see the module's text."""
    return (expected_mm.log() + error_mm / expected_mm).mean()


@torch.no_grad()
def familiar(familiarity: MahalanobisScore, known: Tensor, checked: Tensor) -> None:
    """Sets mean and covariance from pooled features (N, p), and the limit where FAMILIAR_QUANTILE of others lie."""
    familiarity.mean.copy_(known.mean(0))
    familiarity.scale.copy_(known.std(0) + 1e-6)
    correlation = torch.cov(((known - familiarity.mean) / familiarity.scale).T)
    lower = torch.linalg.cholesky(correlation + SHRINKAGE * torch.eye(len(correlation)))
    familiarity.whitening.copy_(torch.linalg.inv(lower).T)
    limit = torch.quantile(familiarity(Evidence(checked, checked, checked)), FAMILIAR_QUANTILE)
    familiarity.whitening.div_(limit)


@torch.no_grad()
def expected(head: ErrorHead, known: Experience) -> np.ndarray:
    """(N, n) mm, what the head expects of samples."""
    pieces = [slice(first, first + BATCH) for first in range(0, len(known), BATCH)]
    return torch.cat([head(known.part(piece)[0]) for piece in pieces]).numpy()
