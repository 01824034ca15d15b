"""How weights, and those of a training on the way, do on samples not seen in training: alone, in context, augmented.

    python Testing/studies/new_samples.py NEW FILE... [--surfaces]

NEW is a folder of `revert simulate`, FILE weights or the `checkpoint.safetensors` of a training, of which the moving
average is taken. A line for each way to show the samples, KINDS; samples without layers are never in context: mean
distance of corresponding vertices after the best rigid motion, mm, where the turn is below 20 degrees; the turn, its
median and 90th percentile; the share over 20 degrees.

With --surfaces also, of one image of each shape, alone and in context, Dice, HD95, ASSD and NSD after rigid alignment
as `revert evaluate` measures them, beside the baseline, the mean vertebra of 87; and, of weights that judge themselves,
for each verdict the mean distance of the vertices to the true surface before any alignment: its mean, its 90th
percentile, its worst, and the shares below 1.5 and 2 mm.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from ablations import CPU, rigid_mm, turns_deg
from torch import Tensor, nn

from ReVertLib.anatomy.template import load_template
from ReVertLib.inference.verdict import REFUSE_MM, TRUST_MM, WORDS
from ReVertLib.mesh.distance import signed_distances_mm
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.metrics.surface import surface_metrics
from ReVertLib.registration.icp import align
from ReVertLib.training.augmentation import augmented
from ReVertLib.training.average import network_in_file
from ReVertLib.training.context import in_context
from ReVertLib.training.samples import Batch, Samples

FAR_DEG = 20.0
ALONE, CONTEXT, AUGMENTED = KINDS = ("alone", "in context", "augmented")


def shown(samples: Samples, index: Tensor, kind: str) -> Batch:
    """The samples at index (B,), the view roughly known as in training."""
    random = torch.Generator().manual_seed(int(index[0]))
    batch = samples.batch(index, CPU)
    if kind != ALONE:
        batch, _ = in_context(batch, random, alone=0.0)
    seen = augmented(batch, random, float(kind == AUGMENTED))
    return replace(seen, level=batch.level, image=seen.image if kind == AUGMENTED else batch.image)


@torch.no_grad()
def measured(network: nn.Module, samples: Samples, kind: str) -> str:
    """The figures of one line."""
    off_mm, turn = [], []
    for index in torch.arange(len(samples)).split(32):
        batch = shown(samples, index, kind)
        answer, _ = network.answer(batch.image, batch.level, batch.position_mm[:, 2], batch.view)
        turn += turns_deg(answer, batch)
        off_mm += [rigid_mm(a, b) for a, b in zip(answer.shape.numpy(), batch.shape.numpy(), strict=True)]
    near = np.array(turn) < FAR_DEG
    return (
        f"{np.array(off_mm)[near].mean():.2f} mm  turn {np.median(turn):.1f} / {np.percentile(turn, 90):.1f} deg"
        f"  over {FAR_DEG:.0f} deg {1 - near.mean():.1%}"
    )


@torch.no_grad()
def surfaces(network: nn.Module, samples: Samples, kind: str) -> dict[str, np.ndarray]:
    """(n, 4) Dice, HD95, ASSD and NSD of the answers and of the baseline, one row for each shape."""
    order = torch.randperm(len(samples), generator=torch.Generator().manual_seed(0)).numpy()
    chosen = order[np.unique(samples.shape_index.numpy()[order], return_index=True)[1]]
    batch = shown(samples, torch.as_tensor(chosen), kind)
    answer, _ = network.answer(batch.image, batch.level, batch.position_mm[:, 2], batch.view)
    found = {"answers": answer.shape, "baseline": network.means[batch.level]}
    return {
        name: np.array([_rigid_metrics(a, b) for a, b in zip(s, batch.shape, strict=True)]) for name, s in found.items()
    }


def _rigid_metrics(shape: Tensor, truth: Tensor) -> list[float]:
    mesh, target = (Mesh(vertices.double().numpy(), load_template().faces) for vertices in (shape, truth))
    found = surface_metrics(mesh.moved(align(mesh, target, "rigid")), target, samples=5_000)
    return [found.dice, found.hd95_mm, found.assd_mm, found.nsd_2mm]


@torch.no_grad()
def verdicts(network: nn.Module, samples: Samples, kind: str) -> dict[str, np.ndarray]:
    """By verdict, of the expected error alone, how far off its answers are, mm."""
    expected_mm, off_mm = [], []
    for index in torch.arange(len(samples)).split(32):
        batch = shown(samples, index, kind)
        answer = network(batch.image, batch.level, batch.position_mm[:, 2], batch.view)
        expected_mm += answer.expected_error_mm.mean(1).tolist()
        for found, truth in zip(answer.vertices.double().numpy(), batch.vertices.double().numpy(), strict=True):
            off_mm.append(np.abs(signed_distances_mm(found, Mesh(truth, load_template().faces))).mean())
    kind = np.digitize(expected_mm, [TRUST_MM, REFUSE_MM])
    return {word: np.array(off_mm)[kind == i] for i, word in enumerate(WORDS)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("new", type=Path)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--surfaces", action="store_true", help="a second or two for each shape")
    options = parser.parse_args()
    samples = Samples(options.new)
    for path in options.files:
        network, _, name = network_in_file(path)
        for kind in KINDS:
            print(f"{name:<12} {kind:<10}  {measured(network, samples, kind)}", flush=True)
        for kind in (ALONE, CONTEXT) if options.surfaces else ():
            for line in surface_lines(network, samples, kind):
                print(f"{name:<12} {kind:<10}  {line}", flush=True)


def surface_lines(network: nn.Module, samples: Samples, kind: str) -> Iterator[str]:
    """What --surfaces prints."""
    rows = surfaces(network, samples, kind)
    for what, table in rows.items():
        yield what + "  Dice {:.3f}  HD95 {:.2f} mm  ASSD {:.2f} mm  NSD {:.3f}".format(*table.mean(0))
    better = (rows["answers"][:, 0] > rows["baseline"][:, 0]).sum()
    yield f"{better} of {len(rows['baseline'])} better than the baseline by Dice"
    if network.error_head is None:
        return
    for word, off_mm in verdicts(network, samples, kind).items():
        if len(off_mm):
            spread = f"{np.mean(off_mm):.2f} / {np.percentile(off_mm, 90):.2f} / {np.max(off_mm):.2f} mm"
            below = f"below 1.5 mm {np.mean(off_mm < 1.5):.0%}, 2 mm {np.mean(off_mm < 2):.0%}"
            yield f"{word}: {len(off_mm)}  {spread}  {below}"


if __name__ == "__main__":
    main()
