"""The published network: its shape, its parts by hand, the plain original as oracle, that it learns; and placing."""

import math

import numpy as np
import pytest
import torch
from original_plain import PlainNetwork, load

from ReVertLib.errors import InputError
from ReVertLib.geometry.camera import Geometry
from ReVertLib.network.losses import chamfer_distance
from ReVertLib.network.sphere_network import AdaptivePointNorm, SphereNetwork, fibonacci_sphere, place_in_box

SMALL = {"points": 128, "k": 6, "widths": (8, 12, 16), "code_width": 16, "encoder_widths": (4, 4, 8, 8)}
GEOMETRY = Geometry(1020.0, 700.0, (0.4, 0.3), (300.0, 260.0))


def _images(count=2, size=64):
    return torch.rand(count, 1, size, size, generator=torch.Generator().manual_seed(0))


def test_the_sphere_is_even_and_of_its_radius():
    sphere = fibonacci_sphere(2048).double()
    assert sphere.shape == (2048, 3)
    assert torch.allclose(sphere.norm(dim=1), torch.tensor(0.5, dtype=torch.double), atol=1e-6)
    assert sphere.mean(0).abs().max() < 1e-3
    distances = torch.cdist(sphere, sphere) + 9 * torch.eye(2048)
    even = math.sqrt(4 * math.pi * 0.25 / 2048)  # side of the square that each point would have for itself
    assert distances.min() > 0.7 * even
    assert distances.min(1).values.max() < 1.1 * even


def test_published_size():
    network = SphereNetwork().eval()
    with torch.no_grad():
        points = network(torch.zeros(1, 1, 224, 224))
    assert points.shape == (1, 2048, 3)
    encoder = 11_170_240
    code = 513 * 128 + (3 * 128) + 129 * 128 + 129 * 128
    blocks = (6 * 32 + 64) + (64 * 64 + 128) + (128 * 128 + 256)
    norms = 129 * 2 * (32 + 64 + 128)
    head = 129 * 64 + 65 * 32 + 33 * 3
    assert sum(p.numel() for p in network.parameters()) == encoder + code + blocks + norms + head


def test_points_are_the_sphere_moved_by_less_than_one():
    network = SphereNetwork(**SMALL).eval()
    moved = network(_images()) - network.sphere
    assert moved.abs().max() < 1
    torch.nn.init.zeros_(network.head[4].weight)
    torch.nn.init.zeros_(network.head[4].bias)
    assert torch.equal(network(_images()), network.sphere.expand(2, -1, -1))


def test_adaptive_norm_discards_scale_and_offset_of_its_input():
    norm = AdaptivePointNorm(4, 3)
    style = torch.zeros(1, 50, 3)
    x = torch.randn(1, 50, 4, generator=torch.Generator().manual_seed(0))
    out = norm(x, style)
    assert torch.allclose(out.mean(1), torch.zeros(1, 4), atol=1e-6)
    assert torch.allclose(out.square().mean(1), torch.ones(1, 4), atol=1e-4)
    assert torch.allclose(norm(1000 * x - 7000, style), out, atol=1e-3)


def test_adaptive_norm_by_hand():
    norm = AdaptivePointNorm(1, 1)
    for layer, weight in ((norm.scale, 2.0), (norm.shift, 3.0)):
        torch.nn.init.constant_(layer.weight, weight)
    out = norm(torch.tensor([[[1.0], [3.0]]]), torch.tensor([[[1.0], [2.0]]]))  # normalised: -1, 1
    assert torch.allclose(out, torch.tensor([[[-(1 + 2) + 3.0], [(1 + 4) + 6.0]]]), atol=1e-4)


@pytest.mark.parametrize("training", [False, True])
def test_equals_the_plain_original_with_the_same_weights(training):
    torch.manual_seed(0)
    network = SphereNetwork(**SMALL).double()
    for block in network.blocks:
        torch.nn.init.normal_(block.nn[1].weight)
        block.nn[1].running_mean.normal_()
    plain = PlainNetwork(**SMALL).double()
    load(plain, network)
    network.train(training), plain.train(training)
    images = _images().double()
    with torch.no_grad():
        assert torch.allclose(network(images), plain(images), rtol=0, atol=1e-9)


def test_the_plain_original_has_published_edges_too():
    plain = PlainNetwork(**SMALL, weighted_edges=True).eval()
    assert plain(_images()).shape == (2, 128, 3)


def test_different_images_give_different_shapes_and_state_is_restored():
    torch.manual_seed(0)
    network = SphereNetwork(**SMALL)
    network(_images())
    other = SphereNetwork(**network.options)
    other.load_state_dict(network.state_dict())
    first, second = network.eval()(_images())
    assert (first - second).abs().max() > 1e-4
    assert torch.equal(other.eval()(_images())[0], first)


def test_it_learns_one_batch():
    """Two images, two ellipsoids: the loss must fall far below that of their mean, which needs no image."""
    torch.manual_seed(0)
    sphere = 2 * fibonacci_sphere(128)
    targets = torch.stack([sphere * torch.tensor([0.9, 0.4, 0.3]), sphere * torch.tensor([0.3, 0.4, 0.9])])
    images = torch.zeros(2, 1, 64, 64)
    images[0, 0, 16:48, :] = 1
    images[1, 0, :, 16:48] = 1
    network = SphereNetwork(**SMALL)
    optimiser = torch.optim.Adam(network.parameters(), 5e-3)
    for _ in range(150):
        optimiser.zero_grad()
        loss = chamfer_distance(network(images), targets)
        loss.backward()
        optimiser.step()
    constant = chamfer_distance(targets.mean(0).expand(2, -1, -1), targets)
    assert loss.item() < 0.2 * constant.item()


def _cloud(count=500):
    points = np.random.default_rng(0).normal(size=(count, 3)) * [0.9, 0.5, 0.7]
    return points / np.linalg.norm(points, axis=1).max()


def _box(geometry, points):
    seen = geometry.project(points)
    return (*(seen.min(0) + 0.5), *(seen.max(0) + 0.5))


def _with_box(box, sod_mm=700.0):
    return Geometry(1020.0, sod_mm, (0.4, 0.3), (300.0, 260.0), box_px=box)


@pytest.mark.parametrize("offset", [(0.0, 0.0), (60.0, -45.0)])
def test_placing_recovers_size_and_place(offset):
    true = 45.0 * _cloud() + [*offset, 700.0]
    geometry = _with_box(_box(GEOMETRY, true))
    placed = place_in_box(_cloud(), geometry)
    assert np.abs(placed - true).max() < 1e-6
    seen = geometry.project(placed)
    assert np.abs(seen.min(0) - np.subtract(geometry.box_px[:2], 0.5)).max() < 0.5
    assert np.abs(seen.max(0) - np.subtract(geometry.box_px[2:], 0.5)).max() < 0.5


def test_placing_a_square_by_hand():
    """20 columns of 0.5 mm at twice the distance: 5 mm wide; pixels 10 <= u < 30 are centred on 19.5."""
    geometry = Geometry(1000.0, 500.0, (0.5, 0.5), (19.5, 19.5), box_px=(10, 10, 30, 30))
    square = np.array([[-1.0, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]])
    assert np.allclose(place_in_box(square, geometry), square * 2.5 + [0, 0, 500])


def test_placing_keeps_the_area_and_centre_of_a_box_of_other_proportions():
    geometry = _with_box((100.0, 80.0, 300.0, 140.0))
    seen = geometry.project(place_in_box(_cloud(), geometry))
    assert np.prod(np.ptp(seen, axis=0)) == pytest.approx(200 * 60, rel=1e-6)
    assert (seen.min(0) + seen.max(0)) / 2 == pytest.approx([199.5, 109.5], abs=1e-6)


@pytest.mark.parametrize(
    ("points", "geometry", "text"),
    [
        (_cloud(), GEOMETRY, "box_px: expected the vertebra's box in the image, got none"),
        (np.zeros((5, 3)), _with_box((0, 0, 9, 9)), "points: expected a cloud with extent"),
        (_cloud(), _with_box((0, 0, 9000, 9000), 90.0), "box_px: expected a box that fits sod_mm = 90"),
    ],
)
def test_placing_refuses(points, geometry, text):
    with pytest.raises(InputError, match=text):
        place_in_box(points, geometry)
