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
            custom_translation_table={torch.ops.aten.grid_sampler.default: _sampled_by_gathering},
        )


def _sampled_by_gathering(image, grid, _mode: int, padding: int, _corners: bool):
    """`grid_sample`, bilinear and without aligned corners, in four gatherings: several times as fast as ONNX Runtime's
    own. padding: 0 for zeros beyond the border, 1 for the border itself."""
    from onnxscript import opset18 as op

    channels, rows, columns = image.shape[1:]
    x, y = (
        op.Sub(op.Mul(op.Add(op.Gather(grid, axis, axis=3), 1.0), size / 2), 0.5)
        for axis, size in ((0, columns), (1, rows))
    )
    if padding:
        x, y = (op.Clip(at, 0.0, float(size - 1)) for at, size in ((x, columns), (y, rows)))
    left, top = op.Floor(x), op.Floor(y)
    right_share, low_share = op.Sub(x, left), op.Sub(y, top)
    pixels = op.Reshape(op.Transpose(image, perm=[0, 2, 3, 1]), [-1, channels])
    count = op.Shape(image, start=0, end=1)
    first = op.Mul(op.Range(0, op.Squeeze(count), 1), rows * columns)
    first = op.Reshape(first, [-1, 1, 1])
    total = None
    for dx, share_x in ((0.0, op.Sub(1.0, right_share)), (1.0, right_share)):
        for dy, share_y in ((0.0, op.Sub(1.0, low_share)), (1.0, low_share)):
            at_x, at_y = op.Add(left, dx), op.Add(top, dy)
            near_x, near_y = op.Clip(at_x, 0.0, columns - 1.0), op.Clip(at_y, 0.0, rows - 1.0)
            share = op.Mul(share_x, share_y)
            if not padding:
                within = op.And(op.Equal(at_x, near_x), op.Equal(at_y, near_y))
                share = op.Where(within, share, 0.0)
            index = op.Add(op.Cast(op.Add(op.Mul(near_y, float(columns)), near_x), to=7), first)
            part = op.Mul(op.Gather(pixels, index), op.Unsqueeze(share, [3]))
            total = part if total is None else op.Add(total, part)
    return op.Transpose(total, perm=[0, 3, 1, 2])
