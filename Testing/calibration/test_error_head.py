"""Learning what error to expect, on errors whose law is known."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tiny import network, write_shard

from ReVertLib.anatomy.template import load_template
from ReVertLib.calibration.error_head import (
    CalibrationOptions,
    CalibrationSamples,
    calibration_samples,
    deviance,
    expected,
    fit,
    fit_score,
    gamma_regression,
)
from ReVertLib.mesh.distance import signed_distances_mm
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.network.posed_shape import PosedShape
from ReVertLib.network.uncertainty_heads import ErrorHead, Features, MahalanobisScore
from ReVertLib.training.augmentation import augmented
from ReVertLib.training.samples import Samples

CPU = torch.device("cpu")


def test_deviance_by_hand():
    assert deviance(torch.tensor([2.0, 4.0]), torch.tensor([3.0, 2.0])).item() == pytest.approx(
        (math.log(2) + 1.5 + math.log(4) + 0.5) / 2
    )


def test_experience_is_the_exact_distance_to_the_true_surface(tmp_path):
    """A network that answers with the truth, 3 mm too deep."""
    write_shard(tmp_path, count=3, shapes=2)
    samples = Samples(tmp_path)
    truth = samples.batch(torch.arange(3), CPU)
    answer = PosedShape(truth.rotation, truth.position_mm + torch.tensor([0.0, 0.0, 3.0]), truth.shape)
    features = Features(torch.rand(3, 400, 4), torch.rand(3, 5), torch.rand(3, 6), torch.rand(3, 7), torch.rand(3, 2))
    stub = SimpleNamespace(answer=lambda *_: (answer, features), silhouettes=lambda _: None)
    known = calibration_samples(stub, samples, 0)
    assert (len(known), len(known.statistics)) == (3, 3)
    faces = load_template().faces
    for i in range(3):
        there = Mesh(truth.vertices[i].double().numpy(), faces)
        plain = np.abs(signed_distances_mm(there.vertices + np.array([0.0, 0.0, 3.0]), there))
        assert np.abs(known.error_mm[i, 0].numpy() - plain).max() < 1e-3
        across, along = known.error_mm[i, 1:].numpy()
        assert np.abs(np.hypot(across, along) - plain).max() < 1e-3
    assert 0.5 < known.error_mm[:, 0].mean() < 3.0
    part, errors = known.part(torch.tensor([2]))
    assert torch.equal(part.pooled[0], features.pooled[2].half().float())
    assert torch.equal(errors[0], known.error_mm[2])
    assert len(known.section(slice(1, None))) == len(known.section(slice(1, None)).statistics) == 2


def test_the_images_are_nearly_clean(tmp_path):
    write_shard(tmp_path, count=3, shapes=1)
    samples, seen = Samples(tmp_path), []
    built = network()
    stub = SimpleNamespace(answer=lambda *of: seen.append(of[0]) or built.answer(*of), silhouettes=lambda _: None)
    calibration_samples(stub, samples, 7)
    expected_images = augmented(samples.batch(torch.arange(3), CPU), torch.Generator().manual_seed(7), share=0.0).image
    assert torch.equal(seen[0], expected_images)


def known_law(count, seed):
    """Ten vertices, each its own control, of usual error 1 to 2 mm; in half of the images all of them are four times as
    wrong as in the others, which the hint tells, and five vertices twice as wrong again, as their nodes say. Across the
    beam a half of it, along it the same."""
    random = torch.Generator().manual_seed(seed)
    hard = torch.rand(count, generator=random) < 0.5
    odd = torch.rand(count, 10, generator=random).argsort(1) < 5
    mean = torch.linspace(1.0, 2.0, 10) * torch.where(hard, 4.0, 1.0)[:, None] * torch.where(odd, 2.0, 1.0)
    parts = mean[:, None] * torch.tensor([1.0, 0.5, 1.0])[:, None]
    errors = parts * torch.empty(count, 3, 10).exponential_(generator=random)
    hint, none = hard.float()[:, None].half(), torch.zeros(count, 1)
    return CalibrationSamples(
        Features(odd.float()[:, :, None].half(), none, none, none, hint), errors, []
    ), parts.numpy()


def test_a_known_law_is_learnt():
    taught, _ = known_law(3000, 0)
    fresh, mean = known_law(500, 1)
    torch.manual_seed(0)
    head = ErrorHead(np.arange(10)[:, None], np.ones((10, 1)), 1, 1, 16, hints=1)
    fit(head, taught, CalibrationOptions(steps=600))
    assert torch.allclose(head.usual_mm, taught.error_mm.mean(0))
    found = expected(head, fresh)
    assert np.abs(found / mean - 1).mean() < 0.1
    constant = head.usual_mm.expand(len(fresh), -1, -1)
    assert deviance(torch.as_tensor(found), fresh.error_mm) < deviance(constant, fresh.error_mm) - 0.1


def test_a_gamma_regression_by_hand():
    """Means of two groups, which a log-linear model of one number meets but for its ridge."""
    x = torch.tensor([[0.0], [0.0], [2.0], [2.0]])
    weights, bias = gamma_regression(x, torch.tensor([[1.0], [3.0], [6.0], [10.0]]))
    assert bias.exp().item() == pytest.approx(2.0, rel=0.02)
    assert (bias + 2 * weights[0]).exp().item() == pytest.approx(8.0, rel=0.02)


def test_a_hint_that_never_changes_says_nothing():
    weights, bias = gamma_regression(torch.full((5, 1), 3.0), torch.full((5, 2), 4.0))
    assert weights.abs().max() < 1e-6
    assert torch.allclose(bias.exp(), torch.tensor([4.0, 4.0]))


def test_the_limit_of_what_is_familiar():
    """Correlated features: one other image in a hundred lies beyond 1, and one against the correlation far beyond."""
    random = torch.Generator().manual_seed(0)
    mixed = torch.tensor([[3.0, 3.0], [0.0, 1.0]])
    known, others = (torch.randn(4000, 2, generator=random) @ mixed + 50 for _ in range(2))
    familiarity = MahalanobisScore(2)
    fit_score(familiarity, known, others)

    def out_of_distribution(points):
        return familiarity(points)

    assert (out_of_distribution(others) > 1).float().mean() == pytest.approx(0.01, abs=0.001)
    along, against = out_of_distribution(torch.tensor([[56.0, 56.0], [56.0, 44.0]]))
    assert along < 1
    assert against > 2
    assert out_of_distribution(known.mean(0, keepdim=True)) == pytest.approx(0.0, abs=1e-4)


def test_features_that_agree_are_taken_for_a_little_independent():
    """Two nearly equal features: 2 % of their variance is added, so that a small disagreement is not infinitely far."""
    random = torch.Generator().manual_seed(0)
    known = torch.randn(4000, 1, generator=random).repeat(1, 2)
    score = MahalanobisScore(2)
    fit_score(score, known, known)
    points = known.mean(0) + known.std(0) * torch.tensor([[1.0, 1.0], [1.0, -1.0]])
    agreeing, disagreeing = score(points).tolist()
    assert disagreeing / agreeing == pytest.approx(np.sqrt((2 + 0.02) / 0.02), rel=1e-3)
