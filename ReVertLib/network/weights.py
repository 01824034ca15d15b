"""Weights on disk: safetensors with everything about them in the metadata, opened only if their SHA256 is as said.

Beside `model.safetensors` lies `model.safetensors.sha256`, one line as `sha256sum` writes it. No pickle is ever
opened.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from ReVertLib.anatomy.template import load_template
from ReVertLib.errors import InputError, one_line
from ReVertLib.files import existing_file, whole_file
from ReVertLib.resources import WEIGHTS_FILE

from .stored_tensors import restored, stored

FORMAT = "revert-weights-1"
ARCHITECTURES = ("context", "template", "sphere", "finder")
EIGHT_BITS_FROM = {"finder": 0, "context": 100_000}
"""Matrices of so many values or more are kept in 8 bits: a finder's answers, pixels and names, do not change by what
matters; in context surfaces move by 0.01 mm, and would by 0.07 with all of them."""


@dataclass(frozen=True)
class Weights:
    """A network ready to answer. metadata: text by name, as stored in the file."""

    network: nn.Module
    architecture: str
    sha256: str
    metadata: dict[str, str]

    @property
    def training(self) -> str:
        """How much training they had, in words; empty where the file does not say."""
        text = self.metadata.get("train", "")
        try:
            options = json.loads(text)
        except ValueError:
            return text
        return f"{options['steps']} steps of {options['batch']} samples, learning rate {options['learning_rate']:g}"


def sha256_path(path: Path) -> Path:
    """Where the expected hash of a weights file lies."""
    return path.with_name(path.name + ".sha256")


def build_network(architecture: str, options: dict) -> nn.Module:
    """An untrained network of a known architecture; options as stored in the metadata."""
    if architecture not in ARCHITECTURES:
        raise InputError(f"architecture: expected one of {', '.join(ARCHITECTURES)}, got {architecture[:40]!r}")
    try:
        return _network_class(architecture)(**options)
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
    """Writes the weights, matrices in half precision or, by EIGHT_BITS_FROM, in 8 bits, and their hash beside them;
    returns the hash.

    about: what a reader of the file should know (training data, licence, command), text by name.
    """
    tensors = stored(network.state_dict(), EIGHT_BITS_FROM.get(architecture))
    metadata = about | {
        "format": FORMAT,
        "architecture": architecture,
        "options": json.dumps(network.options),
        "template_sha256": load_template().sha256,
    }
    with whole_file(path) as temporary:
        temporary.write_bytes(save(tensors, metadata))  # the library's own writer does not raise OSError
    digest = file_sha256(path)
    with whole_file(sha256_path(path)) as temporary:
        temporary.write_bytes(os.fsencode(f"{digest}  {path.name}\n"))
    return digest


def file_sha256(path: Path) -> str:
    """Hexadecimal SHA256 of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def checked_sha256(path: Path) -> str:
    """The hash of a weights file, which must be the one stated beside it; raises InputError otherwise."""
    existing_file(path, "weights")
    if not sha256_path(path).is_file():
        raise InputError(f"weights {path.name}: expected its SHA256 in {sha256_path(path).name}, got no such file")
    stated = (sha256_path(path).read_text(errors="replace").split() or [""])[0].lower()
    actual = file_sha256(path)
    if actual != stated:
        raise InputError(f"weights {path.name}: expected SHA256 {stated[:16]}..., got {actual[:16]}...")
    return actual


def load_weights(path: Path | None = None, device: torch.device | str = "cpu") -> Weights:
    """The network in a weights file (default: the shipped one), in evaluation mode on device.

    Raises InputError for a missing file, a wrong hash, a foreign format or architecture, or another template.
    """
    path = Path(path or WEIGHTS_FILE)
    digest = checked_sha256(path)
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            tensors = restored({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118 - not a dict
    except SafetensorError as error:
        raise InputError(f"weights {path.name}: expected a safetensors file, got {one_line(error)}") from error
    if metadata.get("format") != FORMAT:
        raise InputError(f"weights {path.name}: expected format {FORMAT}, got {metadata.get('format')!r}")
    network = build_network(metadata.get("architecture", ""), _options(metadata, path))
    if metadata.get("template_sha256") != load_template().sha256:
        raise InputError(f"weights {path.name}: expected to be trained on this template, got another one's hash")
    _fill(network, tensors, path)
    return Weights(network.to(device).eval(), metadata["architecture"], digest, metadata)


def _options(metadata: dict[str, str], path: Path) -> dict:
    try:
        return json.loads(metadata.get("options", "{}"))
    except ValueError as error:
        raise InputError(f"weights {path.name}: expected options as JSON, got {one_line(error)}") from error


def _fill(network: nn.Module, tensors: dict[str, Tensor], path: Path) -> None:
    own = network.state_dict()
    shapes = {name: tuple(t.shape) for name, t in tensors.items()}
    wrong = sorted(set(own) ^ set(shapes)) or [n for n in own if tuple(own[n].shape) != shapes[n]]
    if wrong:
        raise InputError(f"weights {path.name}: expected the tensors of its architecture, got a different {wrong[0]!r}")
    network.load_state_dict({name: t.to(own[name].dtype) for name, t in tensors.items()})
