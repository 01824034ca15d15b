"""What of a film counts around a bone."""

from dataclasses import replace

import pytest
import torch
from registered_sample import film, sample_bone, true_pose
from scipy.stats import spearmanr

from ReVertLib.ct_registration.patches import Scale, patch_of

FAR, NEAR = Scale(2.0, 5.0), Scale(2.0, 5.0, near=True)


def patch(view, scale):
    return patch_of(view, sample_bone(), true_pose(20.0), scale, ())


def with_rod():
    view = film(20.0)
    pixels = view.pixels.copy()
    pixels[:, 84:90] = 2 * pixels.max()
    return replace(view, pixels=pixels)


def test_a_place_counts_by_the_contrast_of_the_bone():
    found = patch(film(20.0), FAR)
    there = found.weight > 0
    told, contrast = found.told[there], found.normal.deviation[there]  # as the film shows the bone alone
    assert float(told.mean()) == pytest.approx(1.0)
    assert spearmanr(contrast.numpy(), told.numpy()).statistic > 0.99
    assert told[contrast > contrast.quantile(0.8)].mean() > 3 * told[contrast < contrast.quantile(0.2)].mean()


def test_what_only_the_film_shows_counts_less_once_poses_are_about_right():
    plain, before, after = patch(film(20.0), NEAR), patch(with_rod(), FAR), patch(with_rod(), NEAR)
    strange = (after.normal.deviation > 2 * plain.normal.deviation.max()) & (after.weight > 0)
    assert strange.sum() > 100
    assert torch.allclose(before.told, patch(film(20.0), FAR).told)
    assert after.told[strange].mean() < 0.3 * before.told[strange].mean()
