"""How weights, and those of a training on the way, do on samples not seen in training, clean and as films.

    python Testing/new_samples.py NEW FILE...

NEW is a folder of `revert world`, FILE weights or the `checkpoint.safetensors` of a training, of which the moving
average is taken. Two lines for each, of the images as they are and of films of them: mean distance of corresponding
vertices after the best rigid motion, mm, where the turn is below 20 degrees; the turn, its median and 90th percentile;
the share over 20 degrees.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from ablations import CPU, rigid_mm, turns_deg
from safetensors import safe_open
from torch import nn

from ReVertLib.checkpoint import load_weights
from ReVertLib.film import augmented
from ReVertLib.network import TemplateNetwork
from ReVertLib.samples import Samples

FAR_DEG = 20.0


def network_of(path: Path) -> tuple[nn.Module, str]:
    """The network in a file of either kind, and which it is."""
    with safe_open(path, "pt") as file:
        step = (file.metadata() or {}).get("step")
        if step is None:
            weights = load_weights(path)
            return weights.network, weights.sha256[:8]
        average = {n.removeprefix("average."): file.get_tensor(n) for n in file.keys() if n.startswith("average.")}  # noqa: SIM118 - not a dict
    network = TemplateNetwork()
    network.load_state_dict(average)
    return network.eval(), f"step {step}"


@torch.no_grad()
def measured(network: nn.Module, samples: Samples, filmed: bool) -> str:
    """The figures of one line."""
    off_mm, turn = [], []
    for number, index in enumerate(torch.arange(len(samples)).split(32)):
        batch = samples.batch(index, CPU)
        image = augmented(batch, torch.Generator().manual_seed(number), 1.0).image if filmed else batch.image
        answer, _ = network.answer(image, batch.level, batch.position_mm[:, 2])
        turn += turns_deg(answer, batch)
        off_mm += [rigid_mm(a, b) for a, b in zip(answer.shape.numpy(), batch.shape.numpy(), strict=True)]
    near = np.array(turn) < FAR_DEG
    return (
        f"{np.array(off_mm)[near].mean():.2f} mm  turn {np.median(turn):.1f} / {np.percentile(turn, 90):.1f} deg"
        f"  over {FAR_DEG:.0f} deg {1 - near.mean():.1%}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("new", type=Path)
    parser.add_argument("files", type=Path, nargs="+")
    options = parser.parse_args()
    samples = Samples(options.new)
    for path in options.files:
        network, name = network_of(path)
        for filmed in (False, True):
            print(f"{name:<12} {'films' if filmed else 'clean'}  {measured(network, samples, filmed)}", flush=True)


if __name__ == "__main__":
    main()
