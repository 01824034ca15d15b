"""What each part of the network is worth: one change at a time, every row trained from nothing with the same budget.

    python Testing/studies/ablations.py SAMPLES NEW OUT [--steps 400] [--only "level withheld" ...]

SAMPLES and NEW are folders of `revert simulate`, to train on and, not seen in training, to measure on. So that a row
takes minutes on one core, the network is narrow and all samples are near AP (within 35 degrees), where the pose is
easily found. OUT/ablations.csv gets a line per row as it is done; rows that are there are skipped.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
from row_by_row import Rows
from torch import Tensor, nn
from torch.nn import functional as F

from ReVertLib.anatomy.template import load_template
from ReVertLib.geometry.crop_camera import CROP_SIZE_PX
from ReVertLib.geometry.levels import LEVELS
from ReVertLib.geometry.views import view_rotation
from ReVertLib.network.losses import chamfer_distance
from ReVertLib.network.posed_shape import PosedShape
from ReVertLib.network.template_constants import UNKNOWN_LEVEL
from ReVertLib.network.template_network import TemplateNetwork
from ReVertLib.registration.icp import best_motion
from ReVertLib.resources import SHAPE_MODEL_FILE
from ReVertLib.shape.best_fit import RANK
from ReVertLib.shape.model import load_model
from ReVertLib.training import loss_terms
from ReVertLib.training.augmentation import AUGMENTED_SHARE, augmented
from ReVertLib.training.run import AVERAGE_DECAY, TrainOptions, learning_rate_at
from ReVertLib.training.samples import Batch, Samples

NARROW = {"widths": (16, 32, 64, 128), "code": 128, "sampled": 16, "node_width": 32, "refinements": 2}
NEAR_AP_DEG = 35.0
USUAL_MM = 2.5
CPU = torch.device("cpu")


class WithoutProfiles(TemplateNetwork):
    """Sees features at the control points, but no grey values along their normals."""

    def _node_features(self, *arguments) -> Tensor:
        seen = super()._node_features(*arguments)
        return _hidden(seen, 4 * self.options["sampled"] + 9, seen.shape[2])


class Blind(WithoutProfiles):
    """Sees through its global code alone: nothing is looked up where the control points are projected."""

    def _node_features(self, *arguments) -> Tensor:
        return _hidden(super()._node_features(*arguments), 0, 4 * self.options["sampled"])


def _hidden(seen: Tensor, first: int, last: int) -> Tensor:
    return torch.cat([seen[..., :first], torch.zeros_like(seen[..., first:last]), seen[..., last:]], 2)


class Within(TemplateNetwork):
    """Answers within the shape model: the likeliest of its vertebrae for what was found of the control points, were all
    errors of 1 mm and independent (maximum a posteriori, Blanz et al., 3DPVT 2004). Linear, and trained through."""

    def __init__(self, **options) -> None:
        super().__init__(**options)
        basis = torch.as_tensor(load_model(SHAPE_MODEL_FILE).basis(RANK)).float()
        seen = basis[self.control_points].flatten(0, 1)
        self._constant("basis", basis)
        self._constant("to_size", torch.linalg.solve(seen.T @ seen + torch.eye(RANK), seen.T))

    def whole(self, last: PosedShape, level: Tensor) -> PosedShape:
        moved = last.shape - self.means[level][:, self.control_points]
        size = self.to_size @ moved.flatten(1).T
        return replace(last, shape=self.means[level] + (self.basis @ size).movedim(2, 0))


class Coefficients(Within):
    """Its graph decoder turns and shifts only: the shape is what the global code says, within the shape model."""

    def estimated(self, *arguments):
        for decoder in self.decoders:
            decoder.step = lambda x, decoder=decoder: (x.new_zeros(*x.shape[:2], 3), type(decoder).step(decoder, x)[1])
        return super().estimated(*arguments)


class Unguessed(TemplateNetwork):
    """No shape from the global code: the decoder's displacements alone bend the mean."""

    def __init__(self, **options) -> None:
        super().__init__(**options)
        self.to_shape.requires_grad_(False)


@dataclass(frozen=True)
class Row:
    """One change: another network, other options, other images, another loss, other samples."""

    network: type[TemplateNetwork] = TemplateNetwork
    options: dict = field(default_factory=dict)
    pixels: int = CROP_SIZE_PX
    seen: Callable[[Batch], Batch] = lambda batch: batch
    loss: Callable[[dict[str, Tensor]], Tensor] = lambda terms: sum(terms.values())
    distance: Callable[[Tensor, Tensor], Tensor] = loss_terms.mean_distance
    shapes: int = 1
    augmented_share: float = AUGMENTED_SHARE
    seed: int = 0


def nameless(batch: Batch) -> Batch:
    return replace(batch, level=torch.full_like(batch.level, UNKNOWN_LEVEL))


def without(part: str) -> Callable[[dict[str, Tensor]], Tensor]:
    return lambda terms: sum(value for name, value in terms.items() if not name.startswith(part))


def squared(a: Tensor, b: Tensor) -> Tensor:
    """Mean squared distance, scaled so that it is as steep as the distance where that is USUAL_MM."""
    return (a - b).square().sum(2).mean() / (2 * USUAL_MM)


def nearest(a: Tensor, b: Tensor) -> Tensor:
    """Squared Chamfer distance, scaled alike; of clouds of at most 750 points."""
    fewer = slice(None, None, 1 + a.shape[1] // 1000)
    return chamfer_distance(a[:, fewer], b[:, fewer]) / (4 * USUAL_MM)


def outward(a: Tensor, b: Tensor) -> Tensor:
    """Mean distance, each point weighted by how far from the centre of the vertebra it lies: the ends of the processes
    up to twice as much as most of it."""
    template = load_template()
    mean = template.means[LEVELS.index("L3")]
    points = mean if a.shape[1] == len(mean) else mean[template.control_points]
    radius = torch.as_tensor(np.linalg.norm(points, axis=1)).float()
    return (((a - b).square().sum(2) + 1e-4).sqrt() * radius).mean() / radius.mean()


ROWS = {
    "all of it": Row(),
    "all of it, another seed": Row(seed=1),
    "global code only, nothing looked up at the control points": Row(Blind),
    "no grey values along normals": Row(WithoutProfiles),
    "answers within the shape model": Row(Within),
    "shape model's coefficients from the global code only": Row(Coefficients),
    "no rough shape from the global code": Row(Unguessed),
    "one refinement": Row(options={"refinements": 1}),
    "64 pixels": Row(pixels=64),
    "96 pixels": Row(pixels=96),
    "160 pixels": Row(pixels=160),
    "224 pixels": Row(pixels=224),
    "level withheld": Row(seen=nameless),
    "loss without the places in the image": Row(loss=without("seen")),
    "loss without the canonical shape": Row(loss=without("shape")),
    "loss of squared distances": Row(distance=squared),
    "loss of points that do not correspond, Chamfer distance": Row(distance=nearest),
    "loss with more weight on the processes": Row(distance=outward),
    "an eighth of the shapes": Row(shapes=8),
    "a tenth of the images augmented": Row(augmented_share=0.1),
    "no augmentation": Row(augmented_share=0.0),
}


def network_of(row: Row) -> TemplateNetwork:
    """The untrained network of a row."""
    torch.manual_seed(row.seed)
    network = row.network(**NARROW | row.options)
    if row.pixels != CROP_SIZE_PX:
        network.to_code[2] = nn.Linear(64 * (row.pixels // 32) ** 2, NARROW["code"])
    return network


def batch_of(row: Row, samples: Samples, index: Tensor) -> Batch:
    """The samples at index in the pixels of the row."""
    batch = samples.batch(index, CPU)
    if batch.image.shape[-1] < row.pixels:
        raise SystemExit(f"images: expected at least {row.pixels} pixels, got {batch.image.shape[-1]}")
    return replace(batch, image=F.interpolate(batch.image, (row.pixels, row.pixels), mode="area"))


def near_ap(samples: Samples) -> Tensor:
    """The indices of the samples seen from the front."""
    trace = (samples.rotation * torch.as_tensor(view_rotation()).float()).sum((1, 2))
    return torch.nonzero(trace > 1 + 2 * np.cos(np.radians(NEAR_AP_DEG)))[:, 0]


def trained(row: Row, samples: Samples, steps: int) -> nn.Module:
    """The moving average of the weights after so many steps of 16."""
    network, average = network_of(row), network_of(row)
    options = TrainOptions(steps=steps, batch=16, learning_rate=2e-3)
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=options.weight_decay)
    chosen = near_ap(samples)
    chosen = chosen[: len(chosen) // row.shapes]
    for step in range(steps):
        random = torch.Generator().manual_seed(row.seed * 1_000_003 + step)
        index = chosen[torch.randint(len(chosen), (options.batch,), generator=random)]
        batch = row.seen(augmented(batch_of(row, samples, index), random, row.augmented_share))
        for group in optimiser.param_groups:
            group["lr"] = learning_rate_at(step, options)
        optimiser.zero_grad(set_to_none=True)
        with patch.object(loss_terms, "mean_distance", row.distance):
            row.loss(loss_terms.losses(network.train(), "template", batch, batch.view)).backward()
        nn.utils.clip_grad_norm_(network.parameters(), 10.0)
        optimiser.step()
        decay = min(AVERAGE_DECAY, (step + 1) / (step + 10))
        for mine, its in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
            mine.copy_(torch.lerp(mine, its, 1 - decay) if mine.is_floating_point() else its)
    return average.eval()


@torch.no_grad()
def measured(network: TemplateNetwork, samples: Samples, row: Row) -> dict[str, float]:
    """Over clean images near AP: mean distance of corresponding vertices after the best rigid motion, mm, that of the
    mean vertebra of the level, and the pose's error, median and 90th percentile, degrees."""
    found, baseline, turn = [], [], []
    for index in near_ap(samples).split(32):
        batch = row.seen(batch_of(row, samples, index))
        answer, _ = network.answer(batch.image, batch.level, batch.position_mm[:, 2], batch.view)
        turn += turns_deg(answer, batch)
        means = network.means[samples.batch(index, CPU).level]
        for shape, mean, truth in zip(answer.shape.numpy(), means.numpy(), batch.shape.numpy(), strict=True):
            found.append(rigid_mm(shape, truth))
            baseline.append(rigid_mm(mean, truth))
    return {
        "shape_mm": float(np.mean(found)),
        "baseline_mm": float(np.mean(baseline)),
        "median_turn_deg": float(np.median(turn)),
        "turn_90_deg": float(np.percentile(turn, 90)),
        "samples": len(found),
    }


def turns_deg(answer: PosedShape, batch: Batch) -> list[float]:
    """How far each answer is turned from the truth."""
    trace = (answer.rotation * batch.rotation).sum((1, 2))
    return torch.rad2deg(torch.arccos(((trace - 1) / 2).clamp(-1, 1))).tolist()


def rigid_mm(points: np.ndarray, target: np.ndarray) -> float:
    """Mean distance of corresponding points after the best rigid motion."""
    motion = best_motion(points.astype(float), target.astype(float), "rigid")
    return float(np.linalg.norm(points @ motion.rotation.T + motion.translation_mm - target, axis=1).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("samples", "new", "out"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--steps", type=int, default=400, help="of 16 samples (default %(default)s)")
    parser.add_argument("--only", nargs="+", choices=ROWS, default=list(ROWS), metavar="ROW")
    options = parser.parse_args()
    samples, new = Samples(options.samples), Samples(options.new)
    options.out.mkdir(parents=True, exist_ok=True)
    rows = Rows(options.out / "ablations.csv", ("row",))
    for name in (name for name in options.only if (name,) not in rows.done):
        started = time.monotonic()
        network = trained(ROWS[name], samples, options.steps)
        line = {"row": name} | measured(network, new, ROWS[name])
        line |= {"steps": options.steps, "minutes": (time.monotonic() - started) / 60}
        rows.add(line)
        print(line, flush=True)


if __name__ == "__main__":
    main()
