"""The shipped weights' answers to the bundled radiographs stay what they are: the vertices of each in a file.

    PYTHONPATH=Testing/support python Testing/inference/test_sample_vertices.py

writes the file anew. Other versions of torch, other processors and other numbers of threads differ by some 1e-4 mm.
"""

from pathlib import Path

import numpy as np
import pytest
from sample_case import SAMPLE_VIEWS, sample_radiograph

from ReVertLib.inference.predictor import Predictor

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


if __name__ == "__main__":
    np.savez_compressed(KEPT, **{view: vertices(view).astype(np.float32) for view in SAMPLE_VIEWS})
