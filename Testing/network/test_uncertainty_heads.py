"""The out-of-distribution score by hand."""

import pytest
import torch

from ReVertLib.network.uncertainty_heads import MahalanobisScore


def test_the_score_by_hand():
    """(5, 14) less the mean (1, 2) is (4, 12), over the scale (2, 4) it is (2, 3), whitened (2, 1.5): a length of 2.5;
    the mean itself has a score of 0."""
    score = MahalanobisScore(2)
    score.mean.copy_(torch.tensor([1.0, 2.0]))
    score.scale.copy_(torch.tensor([2.0, 4.0]))
    score.whitening.copy_(torch.tensor([[1.0, 0.0], [0.0, 0.5]]))
    pooled = torch.tensor([[5.0, 14.0], [1.0, 2.0]])
    assert score(pooled).tolist() == pytest.approx([2.5, 0.0])


def test_nothing_is_far_before_it_is_measured():
    pooled = torch.full((1, 3), 1e6)
    assert MahalanobisScore(3)(pooled).tolist() == [0.0]
