"""How the tensors of a network are kept in a weights file: matrices in half precision, or in 8 bits with a scale for
each of their rows, everything else as it is. All are arrays of numpy."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

SCALE = ".scale"
"""Behind the name of a tensor in 8 bits: that of its scales."""
LARGEST = 127


def stored(tensors: Mapping[str, np.ndarray], eight_bits_from: int | None) -> dict[str, np.ndarray]:
    """As in the file. eight_bits_from: how many values a matrix has that is kept in 8 bits; None: no matrix is. A row
    is what belongs to one output: all but the first axis of a matrix or of the weights of a convolution; its largest
    value becomes LARGEST."""
    found = {}
    for name, tensor in tensors.items():
        if not np.issubdtype(tensor.dtype, np.floating) or tensor.ndim < 2:
            found[name] = tensor
        elif eight_bits_from is not None and tensor.size >= eight_bits_from:
            largest = np.abs(tensor.reshape(len(tensor), -1)).max(1)
            scale = np.maximum(largest, np.float32(1e-12)) / np.float32(LARGEST)
            found[name] = np.rint(tensor / _along_rows(scale, tensor)).astype(np.int8)
            found[name + SCALE] = scale.astype(np.float32)
        else:
            found[name] = tensor.astype(np.float16)
    return found


def restored(tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """As the network has them, from those of a file: single precision."""
    scales = {name.removesuffix(SCALE): tensors[name] for name in tensors if name.endswith(SCALE)}
    scales = {name: scale for name, scale in scales.items() if name in tensors and tensors[name].dtype == np.int8}
    kept = {name: tensor for name, tensor in tensors.items() if name.removesuffix(SCALE) not in scales}
    single = {
        name: tensor.astype(np.float32) if tensor.dtype == np.float16 else tensor for name, tensor in kept.items()
    }
    return single | {name: tensors[name] * _along_rows(scale, tensors[name]) for name, scale in scales.items()}


def _along_rows(scale: np.ndarray, tensor: np.ndarray) -> np.ndarray:
    return scale.reshape(-1, *[1] * (tensor.ndim - 1))
