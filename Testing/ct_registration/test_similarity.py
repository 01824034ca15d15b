"""Local correlation: deaf to gain, and its derivative that of differences."""

import numpy as np
import torch

from ReVertLib.ct_registration.similarity import blurred, locally_normalised, normalised_derivative

WINDOW_PX = 3.0


def smooth(seed: int, count: int = 1) -> torch.Tensor:
    noise = torch.from_numpy(np.random.default_rng(seed).normal(size=(count, 30, 40)).astype(np.float32))
    return 5 * blurred(noise, 1.5)


def test_gain_and_what_varies_slowly_fall_out():
    image, weight = smooth(0)[0], torch.ones(30, 40)
    ramp = torch.linspace(0, 1, 40)[None]
    found = [locally_normalised(one, weight, WINDOW_PX, 5.0).values for one in (image, 7 * image + 3)]
    assert torch.allclose(*found, atol=1e-2)
    ramped = locally_normalised(image + ramp, weight, WINDOW_PX, 5.0).values
    assert (ramped - found[0]).abs().median() < 0.1


def test_what_has_no_weight_has_no_say():
    image, weight = smooth(1)[0], torch.ones(30, 40)
    weight[:, 25:] = 0
    spoilt = image.clone()
    spoilt[:, 25:] = 100.0
    found = [locally_normalised(one, weight, WINDOW_PX, 5.0).values[:, :25] for one in (image, spoilt)]
    assert torch.equal(*found)


def test_the_derivative_is_the_difference():
    image, change, weight = smooth(2)[0], smooth(3), torch.ones(30, 40)
    weight[:5] = 0
    normal = locally_normalised(image, weight, WINDOW_PX, 5.0)
    found = normalised_derivative(image, change, weight, WINDOW_PX, normal)[0]
    step = 1e-2
    ahead, behind = (locally_normalised(image + s * change[0], weight, WINDOW_PX, 5.0).values for s in (step, -step))
    difference = (ahead - behind) / (2 * step)
    inside = weight > 0
    assert difference[inside].abs().max() > 0.1
    assert (found - difference)[inside].norm() < 0.02 * difference[inside].norm()
