"""What torch computes, written as a graph of ONNX."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping, Sequence
from importlib.util import find_spec

import torch
from torch import Tensor, nn

from ReVertLib.errors import InputError

NEEDED = ("onnx", "onnxscript")
OPSET = 18


def check_installed() -> None:
    """Raises InputError where the packages that write ONNX are not installed."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise InputError(f"export: expected the packages {' and '.join(NEEDED)} to be installed, got no {missing[0]}")


def onnx_program(
    module: nn.Module,
    example: Mapping[str, Tensor],
    outputs: Sequence[str],
    free: Mapping[int, object] | None = None,
    optimize: bool = True,
) -> torch.onnx.ONNXProgram:
    """The graph of a module in evaluation mode.

    example: its inputs by name, in order. outputs: names. free: which axes of every input may have other lengths, by
    number, with their `torch.export.Dim`; default, any batch. optimize: whether what does not depend on inputs is
    computed now, the weights being what they are.
    """
    axes = free or {0: torch.export.Dim.DYNAMIC}
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it tells of packages that no one needs here
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter, about itself
        return torch.onnx.export(
            module.eval(),
            tuple(example.values()),
            dynamo=True,
            opset_version=OPSET,
            dynamic_shapes=(axes,) * len(example),
            input_names=tuple(example),
            output_names=outputs,
            verbose=False,
            optimize=optimize,
        )
