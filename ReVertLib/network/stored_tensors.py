"""How the tensors of a network are kept in a weights file: matrices in half precision, or in 8 bits with a scale for
each of their rows, everything else as it is."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

SCALE = ".scale"
"""Behind the name of a tensor in 8 bits: that of its scales."""
LARGEST = 127


def stored(tensors: Mapping[str, Tensor], eight_bits_from: int | None) -> dict[str, Tensor]:
    """As in the file. eight_bits_from: how many values a matrix has that is kept in 8 bits; None: no matrix is. A row
    is what belongs to one output: all but the first axis of a matrix or of the weights of a convolution; its largest
    value becomes LARGEST."""
    found = {}
    for name, own in tensors.items():
        tensor = own.detach().cpu()
        if not tensor.is_floating_point() or tensor.dim() < 2:
            found[name] = tensor.contiguous()
        elif eight_bits_from is not None and tensor.numel() >= eight_bits_from:
            scale = tensor.flatten(1).abs().amax(1).clamp(min=1e-12) / LARGEST
            found[name] = torch.round(tensor / _along_rows(scale, tensor)).to(torch.int8).contiguous()
            found[name + SCALE] = scale.float()
        else:
            found[name] = tensor.half().contiguous()
    return found


def restored(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """As the network has them, from those of a file."""
    scales = {name.removesuffix(SCALE): tensors[name] for name in tensors if name.endswith(SCALE)}
    scales = {name: scale for name, scale in scales.items() if name in tensors and tensors[name].dtype == torch.int8}
    kept = {name: tensor for name, tensor in tensors.items() if name.removesuffix(SCALE) not in scales}
    return kept | {name: tensors[name] * _along_rows(scale, tensors[name]) for name, scale in scales.items()}


def _along_rows(scale: Tensor, tensor: Tensor) -> Tensor:
    return scale.reshape(-1, *[1] * (tensor.dim() - 1))
