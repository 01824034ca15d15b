"""The mean of weights along a training: python Testing/studies/mean_weights.py OUT.safetensors FILE...

FILE: weights or the `checkpoint.safetensors` of a training, of which the moving average is taken; all of one network.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from new_samples import network_of

from ReVertLib.network.template_network import TemplateNetwork
from ReVertLib.network.weights import save_weights


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("files", type=Path, nargs="+")
    options = parser.parse_args()
    networks, names = zip(*map(network_of, options.files), strict=True)
    states = [network.state_dict() for network in networks]
    network = TemplateNetwork()
    mean = {
        name: torch.stack([state[name] for state in states]).mean(0) if own.is_floating_point() else states[-1][name]
        for name, own in network.state_dict().items()
    }
    network.load_state_dict(mean)
    print(save_weights(options.out, network, "template", {"mean": ", ".join(names)}))


if __name__ == "__main__":
    main()
