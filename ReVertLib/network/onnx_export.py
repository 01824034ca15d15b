"""A network in context as an ONNX file, for runtimes that need no torch. docs/onnx.md says what goes in and comes out.

It holds the network only: what cuts the crop out of a radiograph stays in `imaging.crop`.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from torch import Tensor, nn

from ReVertLib.errors import InputError
from ReVertLib.files import check_writable, whole_file

from .context_answers import YAWS_DEG
from .context_network import ContextNetwork
from .folding import folded
from .gathering import by_gathering
from .onnx_program import check_installed, onnx_program
from .weights import load_weights

INPUTS = ("image", "level", "sod_mm", "view")
OUTPUTS = ("vertices_mm", "expected_error_mm", "out_of_distribution", "view_probability", "inside")


class _Exported(nn.Module):
    """All that a network says of a batch of crops, as tensors."""

    def __init__(self, network: ContextNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor, level: Tensor, sod_mm: Tensor, view: Tensor) -> tuple[Tensor, ...]:
        sight = self.network.sight(image)
        found = self.network.judged(*self.network.answer_to(sight, level, sod_mm, view))
        inside = torch.sigmoid(sight.isolated.inside[:, 0])
        judged = found.expected_error_mm, found.out_of_distribution
        return found.vertices, *judged, torch.softmax(sight.yaw, 1), inside


def export_onnx(weights: Path | None, path: Path) -> None:
    """Writes the network of a weights file (default: the shipped one) as ONNX, single precision, any batch.

    Raises InputError for weights of another network or without an error to be expected, and where the packages that
    write ONNX are not installed.
    """
    check_installed()
    check_writable(path)
    loaded = load_weights(weights)
    if loaded.architecture != "context":
        raise InputError(f"weights: expected those of a network in context, got architecture {loaded.architecture}")
    if loaded.network.error_head is None:
        raise InputError("weights: expected some that say what error to expect (revert calibrate), got others")
    network = by_gathering(folded(loaded.network))
    size = network.crop_size_px
    image, level = torch.zeros(2, 1, size, size), torch.zeros(2, dtype=torch.long)
    example = image, level, torch.full((2,), 600.0), torch.eye(3).repeat(2, 1, 1)
    program = onnx_program(_Exported(network), dict(zip(INPUTS, example, strict=True)), OUTPUTS)
    program.model.metadata_props.update(weights_sha256=loaded.sha256, yaws_deg=json.dumps(YAWS_DEG))
    with whole_file(path) as temporary:
        program.save(temporary)
