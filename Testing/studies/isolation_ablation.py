"""What it is worth to isolate the vertebra first, and to be taught where each point of it is seen: equal budgets.

    python Testing/studies/isolation_ablation.py SAMPLES NEW START OUT [--steps 800] [--only "isolates, taught" ...]

SAMPLES and NEW are folders of `revert simulate --context`, to train on and, of people not seen in training, to measure
on; START the weights for vertebrae alone that all rows begin with. OUT/isolation.csv gets a line per row and way of
showing as it is done; rows that are there are skipped.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
from ablations import rigid_mm
from row_by_row import Rows
from torch import Tensor, nn
from torch.nn import functional as F

from ReVertLib.geometry.crop_camera import CROP_SIZE_PX, GRID_PER_MM, projected
from ReVertLib.network.context_network import ContextNetwork, Sight
from ReVertLib.network.isolation import Isolated
from ReVertLib.network.weights import load_weights
from ReVertLib.training import run
from ReVertLib.training.augmentation import augmented
from ReVertLib.training.context import in_context
from ReVertLib.training.samples import Batch, Samples

CPU = torch.device("cpu")
CELLS = CROP_SIZE_PX // 4
REACH_MM = 40.0
"""What places on the vertebra are divided by."""
SHOWN = {"alone": 1.0, "in context": 0.0}
"""Ways of showing, and the share of images that is shown alone then."""


class AsItIs(ContextNetwork):
    """Reads the crop itself."""

    def sight(self, image: Tensor) -> Sight:
        isolated = Isolated(image, torch.zeros_like(image))
        features = self.encoder(torch.cat([image, image, torch.full_like(image, 0.5)], 1) - 0.25)
        code = self.to_code(features[-1])
        return Sight(image, isolated, features, code, self.to_yaw(code))


class Coordinates(ContextNetwork):
    """Its U-Net also says where on the vertebra each pixel is, which is read beside the image of the vertebra alone."""

    def __init__(self, **options: object) -> None:
        super().__init__(**options)
        first = self.encoder.stem[0]
        wider = nn.Conv2d(6, first.out_channels, first.kernel_size, first.stride, first.padding, bias=False)
        wider.weight.data.zero_()
        self.encoder.stem[0] = wider
        self.to_places = nn.Conv2d(self.options["isolation"][0], 3, 3, padding=1)
        self.places: Tensor | None = None

    def sight(self, image: Tensor) -> Sight:
        kept: list[Tensor] = []
        hook = self.isolation.leave.register_forward_pre_hook(lambda _, inputs: kept.append(inputs[0]))
        isolated = self.isolation(image)
        hook.remove()
        self.places = self.to_places(kept[0]).float()
        inside = torch.sigmoid(isolated.inside)
        places = inside * F.interpolate(self.places, image.shape[2:], mode="bilinear")
        features = self.encoder(torch.cat([torch.cat([isolated.bone, image, inside], 1) - 0.25, places], 1))
        code = self.to_code(features[-1])
        return Sight(image, isolated, features, code, self.to_yaw(code))


ROWS: dict[str, tuple[type[ContextNetwork], bool]] = {
    "the crop as it is": (AsItIs, False),
    "isolates, not taught": (ContextNetwork, False),
    "isolates, taught": (ContextNetwork, True),
    "isolates, taught, and coordinates": (Coordinates, True),
}
"""Networks, and whether the image of the vertebra alone is among what they are taught."""


def seen_places(batch: Batch) -> tuple[Tensor, Tensor]:
    """(B, 3, CELLS, CELLS) the place on the vertebra, over REACH_MM, of the vertex nearest to the source in each cell,
    and (B, 1, CELLS, CELLS) where there is one."""
    at = ((projected(batch.vertices, batch.position_mm[:, 2], GRID_PER_MM) + 1) * (CELLS / 2)).floor().long()
    index = (at.clamp(0, CELLS - 1) * torch.tensor([1, CELLS])).sum(2)
    depth = batch.vertices[..., 2]
    nearest = torch.full((len(depth), CELLS * CELLS), torch.inf).scatter_reduce(1, index, depth, "amin")
    first = depth <= nearest.gather(1, index) + 1e-6
    places = torch.zeros(len(depth), CELLS * CELLS, 3)
    rows = torch.arange(len(depth))[:, None].expand_as(index)
    places[rows[first], index[first]] = batch.shape[first] / REACH_MM
    there = torch.isfinite(nearest)[:, None].float()
    return places.mT.unflatten(2, (CELLS, CELLS)), there.unflatten(2, (CELLS, CELLS))


class VariantRun(run.Run):
    """The usual run of another network."""

    def __init__(self, options: run.TrainOptions, kind: type[ContextNetwork], taught: bool) -> None:
        with patch.object(run, "build_network", lambda *_: kind()):
            super().__init__(options, CPU)
        self.taught = taught

    def terms(self, samples: Samples, random: torch.Generator) -> dict[str, Tensor]:
        options = self.options
        index = torch.randint(len(samples), (options.batch,), generator=random)
        clean, amid = in_context(samples.batch(index, CPU), random)
        share = torch.where(amid, options.augmented_share, run.ALONE_SHARE * options.augmented_share)
        batch = augmented(clean, random, share)
        given = batch if self.taught else replace(batch, alone=None)
        terms = run.losses(self.network, "context", given, clean.view)
        if isinstance(self.network, Coordinates):
            places, there = seen_places(clean)
            found = F.avg_pool2d(self.network.places, self.network.places.shape[-1] // CELLS)
            terms["places"] = 4.0 * ((found - places).abs() * there).sum() / there.sum()
        return terms


def begun(network: nn.Module, start: dict[str, Tensor]) -> None:
    """Lays the weights for vertebrae alone into a network: its encoder begins with the first of its images."""
    own = network.state_dict()
    kept = {name: tensor for name, tensor in start.items() if name in own and not name.startswith("to_pose.")}
    stem = "encoder.stem.0.weight"
    kept[stem] = torch.cat([start[stem], torch.zeros_like(own[stem][:, 1:])], 1)
    network.load_state_dict(kept, strict=False)


def trained(row: str, samples: Samples, start: Path, options: run.TrainOptions) -> nn.Module:
    """The moving average of the weights after all steps."""
    one = VariantRun(options, *ROWS[row])
    weights = load_weights(start, CPU).network.state_dict()
    begun(one.network, weights)
    begun(one.average, weights)
    while one.step < options.steps:
        terms = one.advance(samples)
        if one.step % 50 == 0:
            print(row, one.step, {name: round(value, 2) for name, value in terms.items()}, flush=True)
    return one.average.eval()


@torch.inference_mode()
def measured(network: ContextNetwork, new: Samples, alone: float) -> dict[str, float]:
    """Means over the new samples, of corresponding vertices: in place, across the beam only, and after the best rigid
    motion, mm; the same of the mean vertebra of the level; and the median turn of the pose, degrees."""
    figures: list[list[float]] = []
    for k, index in enumerate(torch.arange(0, len(new), 4).split(32)):
        batch, _ = in_context(new.batch(index, CPU), torch.Generator().manual_seed(k), alone)
        answer = network(batch.image, batch.level, batch.position_mm[:, 2], batch.view)
        off = answer.vertices - batch.vertices
        place, across = off.norm(dim=2).mean(1), off[..., :2].norm(dim=2).mean(1)
        trace = (answer.rotation * batch.rotation).sum((1, 2))
        turn = torch.rad2deg(torch.arccos(((trace - 1) / 2).clamp(-1, 1)))
        means = network.means[batch.level]
        for i in range(len(index)):
            truth = batch.shape[i].numpy()
            shapes = rigid_mm(answer.shape[i].numpy(), truth), rigid_mm(means[i].numpy(), truth)
            figures.append([float(place[i]), float(across[i]), *shapes, float(turn[i])])
    table = np.array(figures)
    names = ("place_mm", "across_mm", "shape_mm", "baseline_mm")
    found = dict(zip(names, table[:, :4].mean(0).tolist(), strict=True))
    return found | {"median_turn_deg": float(np.median(table[:, 4])), "samples": len(table)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("samples", "new", "start", "out"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--steps", type=int, default=800, help="of 16 samples (default %(default)s)")
    parser.add_argument("--only", nargs="+", choices=ROWS, default=list(ROWS), metavar="ROW")
    options = parser.parse_args()
    samples, new = Samples(options.samples), Samples(options.new)
    options.out.mkdir(parents=True, exist_ok=True)
    rows = Rows(options.out / "isolation.csv", ("row",))
    setting = run.TrainOptions("context", options.steps, 16, 1e-3, seed=0)
    for row in (row for row in options.only if (row,) not in rows.done):
        started = time.monotonic()
        network = trained(row, samples, options.start, setting)
        for way, alone in SHOWN.items():
            line = {"row": row, "shown": way} | measured(network, new, alone)
            line |= {"steps": options.steps, "minutes": (time.monotonic() - started) / 60}
            rows.add(line)
            print(line, flush=True)


if __name__ == "__main__":
    main()
