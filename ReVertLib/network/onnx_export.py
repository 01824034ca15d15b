"""A network in context as an ONNX file, for runtimes that need no torch. docs/onnx.md says what goes in and comes out.

It holds the network only: what cuts the crop out of a radiograph stays in `imaging.crop`.
"""

from __future__ import annotations

import json
import logging
import warnings
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn

from ReVertLib.errors import InputError
from ReVertLib.files import check_writable, whole_file

from .context_network import YAWS_DEG, ContextNetwork
from .folding import folded
from .weights import load_weights

NEEDED = ("onnx", "onnxscript")
INPUTS = ("image", "level", "sod_mm", "view")
OUTPUTS = ("vertices_mm", "expected_error_mm", "out_of_distribution", "view_probability", "inside")
OPSET = 18


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
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise InputError(f"export: expected the packages {' and '.join(NEEDED)} to be installed, got no {missing[0]}")
    check_writable(path)
    loaded = load_weights(weights)
    if loaded.architecture != "context":
        raise InputError(f"weights: expected those of a network in context, got architecture {loaded.architecture}")
    if loaded.network.error_head is None:
        raise InputError("weights: expected some that say what error to expect (revert calibrate), got others")
    program = _program(folded(loaded.network))
    program.model.metadata_props.update(weights_sha256=loaded.sha256, yaws_deg=json.dumps(YAWS_DEG))
    with whole_file(path) as temporary:
        program.save(temporary)


def _program(network: ContextNetwork) -> torch.onnx.ONNXProgram:
    size = network.crop_size_px
    image, level = torch.zeros(2, 1, size, size), torch.zeros(2, dtype=torch.long)
    example = image, level, torch.full((2,), 600.0), torch.eye(3).repeat(2, 1, 1)
    batch = {0: torch.export.Dim.DYNAMIC}
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it tells of packages that no one needs here
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter, about itself
        return torch.onnx.export(
            _Exported(network).eval(),
            example,
            dynamo=True,
            opset_version=OPSET,
            dynamic_shapes=(batch,) * len(INPUTS),
            input_names=INPUTS,
            output_names=OUTPUTS,
            verbose=False,
        )
