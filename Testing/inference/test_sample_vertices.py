"""The shipped weights' answers to the bundled radiographs stay what they are: the vertices of each in a file.

    PYTHONPATH=Testing/support python Testing/inference/test_sample_vertices.py

writes the file anew. Other versions of torch, other processors and other numbers of threads differ by some 1e-4 mm.
"""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from sample_case import SAMPLE_VIEWS, sample_radiograph

from ReVertLib.inference.predictor import Predictor
from ReVertLib.network.weights import load_weights, save_weights

KEPT = Path(__file__).with_name("sample_vertices.npz")
TOLERANCE_MM = 1e-3


def vertices(view: str) -> np.ndarray:
    """(n, 3) in the radiograph's camera frame, mm, on the processor."""
    return Predictor(device="cpu").reconstruct(*sample_radiograph(view)).mesh.vertices


@pytest.mark.parametrize("view", SAMPLE_VIEWS)
def test_the_surfaces_of_the_sample_are_as_before(view):
    with np.load(KEPT) as kept:
        moved_mm = np.linalg.norm(vertices(view) - kept[view], axis=1).max()
    assert moved_mm < TOLERANCE_MM, (
        f"the surface of the {view} sample moved by up to {moved_mm:.4f} mm. If the weights or what is computed are "
        f"meant to change: PYTHONPATH=Testing/support python Testing/inference/{Path(__file__).name}"
    )


def test_large_matrices_in_8_bits_move_no_surface_by_what_matters(tmp_path):
    """The shipped weights as they will be kept when they are next written: 0.01 mm in the mean."""
    shipped = load_weights(None, torch.device("cpu"))
    save_weights(tmp_path / "eight.safetensors", shipped.network, shipped.architecture, {})
    assert any(tensor.dtype == torch.int8 for tensor in load_file(tmp_path / "eight.safetensors").values())
    eight = Predictor(tmp_path / "eight.safetensors", "cpu")
    for view in SAMPLE_VIEWS:
        moved_mm = np.linalg.norm(eight.reconstruct(*sample_radiograph(view)).mesh.vertices - vertices(view), axis=1)
        assert 1e-5 < moved_mm.mean() < 0.03


if __name__ == "__main__":
    np.savez_compressed(KEPT, **{view: vertices(view).astype(np.float32) for view in SAMPLE_VIEWS})
