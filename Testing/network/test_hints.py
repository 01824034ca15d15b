"""What tells how hard an image is, by hand."""

import math

import pytest
import torch

from ReVertLib.network.hints import HINTS, hints
from ReVertLib.network.isolation import Isolated


def seen(logit, vertices):
    """The hints of one crop of 128 pixels, the left half taken for the vertebra with logits of either sign."""
    inside = torch.full((1, 1, 128, 128), -logit)
    inside[..., :64] = logit
    image = torch.ones(1, 1, 128, 128)
    bone = image * (inside > 0)
    points = torch.tensor([[*mm, 600.0] for mm in vertices])[None]
    found = hints(image, Isolated(bone, inside), points, torch.tensor([600.0]))
    return dict(zip(HINTS, found[0].tolist(), strict=True))


def test_by_hand():
    """A crop of 112 mm, half of it the vertebra: 62.7 cm2; half of the brightness is the bone's."""
    found = seen(40.0, [(-1.0, 0.0)])
    assert found["area"] == pytest.approx(6.272)
    assert found["context"] == pytest.approx(0.5)
    assert found["doubt"] == pytest.approx(0.0, abs=1e-6)
    assert found["uncovered"] == pytest.approx(1 - 1 / (16 * 32))


def test_a_silhouette_that_is_not_sure():
    """Probability 0.75 and 0.25: the entropy of a coin of 3 to 1 at each pixel."""
    entropy = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25)) * 128 * 128
    pixels = 0.5 * 128 * 128
    assert seen(math.log(3), [(0.0, 0.0)])["doubt"] == pytest.approx(entropy / math.sqrt(pixels) / 10, rel=1e-3)


def test_vertices_cover_their_cells():
    """One in each cell of the left half, and none that falls outside counts."""
    centres = [(-56 + 3.5 * (i + 0.5), -56 + 3.5 * (j + 0.5)) for i in range(16) for j in range(32)]
    assert seen(40.0, centres)["uncovered"] == pytest.approx(0.0, abs=1e-6)
    assert seen(40.0, [(200.0, 0.0)])["uncovered"] == pytest.approx(1.0)
