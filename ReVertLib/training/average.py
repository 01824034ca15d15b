"""The mean of the weights of several moments of one training (stochastic weight averaging, Izmailov et al., UAI 2018).

It does better than the weights of any of the moments; the shipped weights are such a mean.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import nn
from torch.optim.swa_utils import AveragedModel

from ReVertLib.errors import InputError, one_line
from ReVertLib.files import check_writable, existing_file
from ReVertLib.network.weights import build_network, load_weights, save_weights


def average_weights(files: Sequence[Path], out: Path) -> str:
    """Writes the mean of the weights of files, as `network_in_file` reads them, with its hash; returns the hash.

    What calibration has added to weights is left out: it does not belong to their mean. Raises InputError for files
    that are not of one network.
    """
    check_writable(out)
    networks, architectures, names = zip(*map(network_in_file, files), strict=True)
    if len(set(architectures)) > 1:
        raise InputError(
            f"average: expected weights of one architecture, got {' and '.join(sorted(set(architectures)))}"
        )
    own = build_network(architectures[0], {})
    mean = AveragedModel(own, use_buffers=True)
    for network, path in zip(networks, files, strict=True):
        mean.update_parameters(_as(own, network, path))
    return save_weights(out, mean.module, architectures[0], {"mean": ", ".join(names)})


def network_in_file(path: Path) -> tuple[nn.Module, str, str]:
    """The network, its architecture and a name: of a weights file, or of the `checkpoint.safetensors` of a training
    that is on its way, the moving average. Raises InputError for anything else."""
    existing_file(path, "weights")
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            if "step" in metadata:
                names = [name for name in file.keys() if name.startswith("average.")]  # noqa: SIM118 - not a dict
                state = {name.removeprefix("average."): file.get_tensor(name) for name in names}
    except SafetensorError as error:
        raise InputError(f"weights {path.name}: expected a safetensors file, got {one_line(error)}") from error
    if "step" not in metadata:
        weights = load_weights(path)
        return weights.network, weights.architecture, weights.sha256[:8]
    architecture = json.loads(metadata["options"])["architecture"]
    network = build_network(architecture, {})
    network.load_state_dict(state)
    return network.eval(), architecture, f"step {metadata['step']}"


def _as(own: nn.Module, network: nn.Module, path: Path) -> nn.Module:
    """own with the weights of another network of the same size."""
    state = network.state_dict()
    try:
        own.load_state_dict({name: state[name] for name in own.state_dict() if name in state})
    except RuntimeError as error:
        raise InputError(f"average: expected weights of one network, got another size in {path.name}") from error
    return own
