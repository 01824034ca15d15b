"""The network that answers: computed by ONNX Runtime or by torch.

Both give the same answers, to 1e-4 mm. On a processor ONNX Runtime is the faster, so it computes what it can.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ReVertLib.errors import InputError

from .devices import chosen_device
from .onnx_network import can_compute, onnx_network
from .weights_file import WeightsFile, read_weights


@dataclass(frozen=True)
class Answering:
    """network: of a class of `onnx_network` or of torch, in evaluation mode. device: "cpu", "cuda" or "mps". file: its
    weights."""

    network: Any
    device: str
    file: WeightsFile


def answering(weights: Path | None, device: str) -> Answering:
    """The network of a weights file (default: the shipped one) on a device of `devices.DEVICES`. Raises InputError for
    either that cannot be used, and where no package is installed that computes it."""
    chosen = chosen_device(device)
    file = read_weights(weights)
    if chosen == "cpu" and can_compute(file):
        return Answering(onnx_network(file), chosen, file)
    if find_spec("torch") is None:
        packages = "torch" if find_spec("onnxruntime") or chosen != "cpu" else "onnxruntime or torch"
        raise InputError(f"weights {file.name}: expected the Python package {packages} to be installed, got none")
    from .folding import folded
    from .weights import filled_network

    return Answering(folded(filled_network(file, chosen).network), chosen, file)
