"""Networks of torch from weights files, and into them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from ReVertLib.errors import InputError, one_line

from .weights_file import WeightsFile, known_architecture, read_weights, write_weights


@dataclass(frozen=True)
class Weights:
    """A network ready to answer. metadata: text by name, as stored in the file."""

    network: nn.Module
    architecture: str
    sha256: str
    metadata: dict[str, str]


def build_network(architecture: str, options: dict) -> nn.Module:
    """An untrained network of a known architecture; options as stored in the metadata."""
    try:
        return _network_class(known_architecture(architecture))(**options)
    except TypeError as error:
        raise InputError(f"weights: expected options of {architecture}, got {one_line(error)}") from error


def _network_class(architecture: str) -> type[nn.Module]:
    """Imports the network that is needed only: torch-geometric, of the sphere, takes longer than torch."""
    if architecture == "template":
        from .template_network import TemplateNetwork

        return TemplateNetwork
    if architecture == "context":
        from .context_network import ContextNetwork

        return ContextNetwork
    if architecture == "finder":
        from .finder_network import FinderNetwork

        return FinderNetwork
    try:
        from .sphere_network import SphereNetwork
    except ModuleNotFoundError as error:
        raise InputError(f"architecture sphere: expected the package {error.name} to be installed, got none") from error
    return SphereNetwork


def save_weights(path: Path, network: nn.Module, architecture: str, about: dict[str, str]) -> str:
    """Writes a network's weights, as `weights_file.write_weights`; returns their hash.

    about: what a reader of the file should know (training data, licence, command), text by name.
    """
    tensors = {name: np.asarray(own.detach().cpu().numpy(), order="C") for name, own in network.state_dict().items()}
    return write_weights(path, tensors, architecture, network.options, about)


def load_weights(path: Path | None = None, device: torch.device | str = "cpu") -> Weights:
    """The network in a weights file (default: the shipped one), in evaluation mode on device. Raises InputError as
    `weights_file.read_weights` and `filled_network` do."""
    return filled_network(read_weights(path), device)


def filled_network(file: WeightsFile, device: torch.device | str = "cpu") -> Weights:
    """The network of what was read from a weights file, in evaluation mode on device. Raises InputError for tensors or
    options of another architecture."""
    network = build_network(file.architecture, file.options)
    own = network.state_dict()
    shapes = {name: array.shape for name, array in file.tensors.items()}
    wrong = sorted(set(own) ^ set(shapes)) or [name for name in own if tuple(own[name].shape) != shapes[name]]
    if wrong:
        raise InputError(f"weights {file.name}: expected the tensors of its architecture, got a different {wrong[0]!r}")
    network.load_state_dict({name: torch.as_tensor(a).to(own[name].dtype) for name, a in file.tensors.items()})
    return Weights(network.to(device).eval(), file.architecture, file.sha256, file.metadata)
