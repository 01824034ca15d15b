"""The lift: the pose of a known shape to the last digit, the best of what the prior allows, and how long it takes."""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from scipy.spatial.transform import Rotation

from ReVertLib.estimate import Surface
from ReVertLib.geometry import camera_from_lps
from ReVertLib.lift import SIGMA_MM, Lift
from ReVertLib.template import load_template

MEANS = torch.as_tensor(load_template().means).double()
CONTROLS = torch.as_tensor(load_template().controls).long()
LEVEL = torch.tensor([1, 4])


def smooth_basis(rank: int, size_mm=1.5) -> torch.Tensor:
    """(n, 3, rank) mm, waves through the template."""
    random = torch.Generator().manual_seed(3)
    waves = torch.randn(3, 3 * rank, generator=random).double() / 25
    return size_mm * torch.sin(MEANS[2] @ waves).unflatten(1, (3, rank))


def lift_of(rank: int) -> Lift:
    lift = Lift(MEANS.shape[1], CONTROLS, rank).double()
    lift.fill(MEANS, smooth_basis(rank))
    return lift


def placed(shape: torch.Tensor, turn_deg=(0.0, 0.0, 0.0)) -> Surface:
    """Two surfaces, AP and lateral, off the beam's middle, turned by so much more."""
    views = np.stack([camera_from_lps(), camera_from_lps(90.0)])
    turn = Rotation.from_euler("xyz", turn_deg, degrees=True).as_matrix()
    position = torch.tensor([[4.0, -3.0, 600.0], [-5.0, 2.0, 500.0]]).double()
    return Surface(torch.as_tensor(turn @ views), position, shape)


def test_a_known_shape_is_put_where_it_is_seen():
    """Nothing to bend: what is found is the pose, from six degrees off, along the beam too."""
    lift = Lift(MEANS.shape[1], CONTROLS, 0).double()
    lift.fill(MEANS, torch.zeros(MEANS.shape[1], 3, 0).double())
    truth = placed(MEANS[LEVEL], (4.0, -3.0, 3.0))
    # Another pose whose controls are seen at the same places: the points of truth moved along their rays.
    deeper = truth.vertices * (1 + 0.01 * torch.sin(truth.vertices[..., :1] / 9))
    start = placed(MEANS[LEVEL])
    shape = (deeper - start.position_mm[:, None]) @ start.rotation
    found = lift(Surface(start.rotation, start.position_mm, shape), LEVEL)
    assert (found.rotation - truth.rotation).abs().max() < 1e-6
    assert (found.position_mm - truth.position_mm).abs().max() < 1e-4
    assert torch.equal(found.shape, MEANS[LEVEL])


def objective(x: np.ndarray, lift: Lift, start: Surface, wanted: np.ndarray, which: int) -> float:
    """What the lift minimises, written plainly for one of the batch; x: rotation vector, shift, coefficients."""
    mean, basis = (t[LEVEL[which]].numpy() if t is lift.means else t.numpy() for t in (lift.means, lift.basis))
    rotation = Rotation.from_rotvec(x[:3]).as_matrix() @ start.rotation[which].numpy()
    position = start.position_mm[which].numpy() + np.append(x[3:5], 0.0)
    points = (mean + basis @ x[5:])[CONTROLS.numpy()] @ rotation.T + position
    off = points[:, :2] / points[:, 2:] * position[2] - wanted
    return float((off**2).sum() / SIGMA_MM**2 + (x[5:] ** 2).sum())


def test_what_it_finds_is_the_minimum_that_a_plain_search_finds():
    rank = 3
    lift = lift_of(rank)
    bent = MEANS[LEVEL] + 4 * torch.sin(MEANS[LEVEL] / 12).roll(1, 2)
    seen = placed(bent, (2.0, 1.0, -2.0))
    found = lift(seen, LEVEL)
    for which in range(2):
        points = seen.vertices[which, CONTROLS].numpy()
        wanted = points[:, :2] / points[:, 2:] * float(seen.position_mm[which, 2])
        arguments = (lift, found, wanted, which)
        size = torch.linalg.lstsq(
            lift.basis.flatten(0, 1), (found.shape[which] - lift.means[LEVEL[which]]).flatten()[:, None]
        ).solution[:, 0]
        here = np.concatenate([np.zeros(5), size.numpy()])
        best = minimize(objective, here, arguments, method="BFGS", options={"gtol": 1e-3})
        assert objective(here, *arguments) == pytest.approx(best.fun, rel=1e-4)
        assert objective(np.zeros(5 + rank), *arguments) > 1.2 * best.fun  # the mean in the same pose is worse


def test_without_anything_seen_wrong_the_mean_stays():
    lift = lift_of(20)
    found = lift(placed(MEANS[LEVEL]), LEVEL)
    assert (found.shape - MEANS[LEVEL]).abs().max() < 1e-6
    assert torch.allclose(found.rotation, placed(MEANS[LEVEL]).rotation, atol=1e-9)


def test_an_unknown_level_is_the_third():
    lift = lift_of(2)
    assert torch.equal(lift.means[5], lift.means[2])
    assert lift(placed(MEANS[[2, 2]]), torch.tensor([5, 5])).shape == pytest.approx(MEANS[[2, 2]], abs=1e-6)
