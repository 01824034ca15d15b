"""The template network: what it answers when nothing was learnt, its parts against plain ones, and that it learns."""

import math

import numpy as np
import pytest
import torch
from tiny import OPTIONS, assert_vertebra, crop_camera, network, write_shard

from ReVertLib.anatomy.template import load_template
from ReVertLib.geometry.crop_camera import CROP_FIELD_MM
from ReVertLib.geometry.views import view_rotation
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.network.lookup import PROFILE_ASIDE_MM, PROFILE_MM, profiles, sampled
from ReVertLib.network.template_constants import UNKNOWN_LEVEL
from ReVertLib.network.template_network import TemplateNetwork, _placed
from ReVertLib.network.uncertainty_heads import Features
from ReVertLib.training.samples import Samples

SOD_MM = torch.tensor([500.0, 612.5, 700.0])
AP = torch.as_tensor(view_rotation())


def images(count=3):
    return torch.rand(count, 1, 128, 128, generator=torch.Generator().manual_seed(0))


@torch.no_grad()
def test_an_untrained_network_answers_with_the_mean_in_ap_view_at_the_given_depth():
    levels = torch.tensor([0, 3, UNKNOWN_LEVEL])
    untrained, points = network(), load_template().control_points
    estimates = untrained.estimated(images(), levels, SOD_MM)[0]
    assert len(estimates) == 1 + OPTIONS["template"]["refinements"]
    for estimate, at in [*((e, points) for e in estimates), (untrained(images(), levels, SOD_MM), slice(None))]:
        for i, level in enumerate(("L1", "L4", "L3")):
            mean = load_template().mean(level).vertices[at]
            x, y, z = mean.T  # LPS: rows run to the feet, the beam runs to the back
            expected = np.stack([x, -z, y + float(SOD_MM[i])], 1)
            assert np.abs(estimate.vertices[i].numpy() - expected).max() < 1e-3


@torch.no_grad()
def test_every_default_size_is_the_declared_one():
    built = TemplateNetwork().eval()
    assert built(images(1), torch.tensor([1]), SOD_MM[:1]).vertices.shape == (1, 3000, 3)
    assert sum(p.numel() for p in built.parameters()) < 4_000_000
    again = TemplateNetwork(**OPTIONS["template"])
    assert {k: list(v) if isinstance(v, tuple) else v for k, v in again.options.items()} == OPTIONS["template"]
    assert not {"means", "control_points", "neighbours", "interpolation"} & set(again.state_dict())


@torch.no_grad()
def test_what_it_answers_is_a_vertebra_that_the_image_decides():
    awake = network(awake=True)
    answer = awake(images(), torch.tensor([2, 2, 2]), SOD_MM)
    first, second = (Mesh(v, load_template().faces) for v in answer.vertices[:2].numpy())
    assert_vertebra(first)
    assert np.linalg.norm(first.vertices - second.vertices, axis=1).mean() > 0.5
    rotation = answer.rotation
    assert torch.allclose(rotation @ rotation.transpose(1, 2), torch.eye(3).expand(3, 3, 3), atol=1e-5)
    assert torch.equal(answer.position_mm[:, 2], SOD_MM)  # depth is given, never guessed


def test_a_batch_is_its_samples_one_by_one():
    awake, levels = network(awake=True), torch.tensor([4, 0, UNKNOWN_LEVEL])
    with torch.no_grad():
        together = awake(images(), levels, SOD_MM).vertices
        for i in range(3):
            alone = awake(images()[i : i + 1], levels[i : i + 1], SOD_MM[i : i + 1]).vertices[0]
            assert (together[i] - alone).abs().max() < 2e-3


def test_placing_gives_proper_rotations():
    pose = torch.randn(50, 8, generator=torch.Generator().manual_seed(0)).double()
    rotation, position = _placed(pose, torch.full((50,), 650.0).double(), AP)
    assert torch.allclose(rotation @ rotation.transpose(1, 2), torch.eye(3).double().expand(50, 3, 3), atol=1e-9)
    assert torch.allclose(torch.linalg.det(rotation), torch.ones(50).double())
    assert torch.allclose(position, torch.cat([10 * pose[:, 6:], torch.full((50, 1), 650.0).double()], 1))


def test_placing_by_hand():
    """The first column turned from X to Y, the second to -X: a quarter turn about Z, after the AP view."""
    pose = torch.tensor([[-1.0, 1.0, 0.0, -1.0, -1.0, 0.0, 0.3, -0.2]]).double()
    rotation, position = _placed(pose, torch.tensor([600.0]).double(), AP)
    quarter = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    assert np.allclose(rotation[0], quarter @ view_rotation())
    assert position[0].tolist() == pytest.approx([3.0, -2.0, 600.0])


def bilinear(image, u, v):
    """(channels,) of an image (channels, rows, columns) at pixel (u, v), the border continued."""
    rows, columns = image.shape[1:]
    u, v = min(max(u, 0), columns - 1), min(max(v, 0), rows - 1)
    u0, v0 = min(math.floor(u), columns - 2), min(math.floor(v), rows - 2)
    a, b = u - u0, v - v0
    top = (1 - a) * image[:, v0, u0] + a * image[:, v0, u0 + 1]
    bottom = (1 - a) * image[:, v0 + 1, u0] + a * image[:, v0 + 1, u0 + 1]
    return (1 - b) * top + b * bottom


def test_features_are_looked_up_where_the_crop_shows_the_point():
    random = np.random.default_rng(0)
    maps = [torch.as_tensor(random.normal(size=(2, c, s, s))) for c, s in ((3, 32), (4, 16))]
    sod_mm = torch.tensor([480.0, 800.0]).double()
    points = random.uniform([-60, -60, 440], [60, 60, 840], (2, 25, 3))
    found = sampled(maps, torch.as_tensor(points), sod_mm).numpy()
    for b in range(2):
        pixels = crop_camera(float(sod_mm[b])).project(points[b])
        for i, (u, v) in enumerate(pixels):
            scaled = [((u + 0.5) * s / 128 - 0.5, (v + 0.5) * s / 128 - 0.5) for s in (32, 16)]
            plain = [bilinear(m[b].numpy(), *at) for m, at in zip(maps, scaled, strict=True)]
            assert found[b, i] == pytest.approx(np.concatenate(plain), abs=1e-9)


@torch.no_grad()
def test_a_head_for_the_error_does_not_change_the_surfaces():
    plain, judging = network(awake=True), network(error_width=6)
    judging.load_state_dict(plain.state_dict(), strict=False)
    levels = torch.tensor([4, 0, UNKNOWN_LEVEL])
    without, beside = (net(images(), levels, SOD_MM) for net in (plain, judging))
    assert torch.equal(without.vertices, beside.vertices)
    assert without.expected_error_mm is None and without.out_of_distribution is None
    assert torch.allclose(beside.expected_error_mm, torch.ones(3, 3000))  # not taught: the map; not measured: 1 mm
    assert torch.equal(beside.out_of_distribution, torch.zeros(3))


@torch.no_grad()
def test_the_expected_error_is_the_map_times_a_bounded_mean_of_the_controls():
    head = network(error_width=6).error_head
    assert torch.allclose(head.spread.sum(1), torch.ones(3000), atol=1e-6)
    assert head.spread.min() == 0
    controls = torch.as_tensor(load_template().interpolation_points).long()
    assert torch.allclose(head.spread.gather(1, controls).sum(1), torch.ones(3000), atol=1e-5)
    head.usual_mm.copy_(torch.linspace(0.5, 3.0, 3000))
    features = Features(
        torch.randn(2, 400, 16), torch.randn(2, 12), torch.zeros(2, 16), torch.zeros(2, 0), torch.zeros(2, 0)
    )
    for bias, factor in ((100.0, math.exp(2)), (0.1, math.exp(2 * math.tanh(0.1))), (-100.0, math.exp(-2))):
        head.leave.bias.fill_(bias)
        assert torch.allclose(head(features)[:, 0], factor * head.usual_mm.expand(2, -1))
    head.leave.bias.zero_()
    torch.nn.init.normal_(head.leave.weight)
    factor = head(features)[:, 0] / head.usual_mm
    assert factor.std(1).min() > 0.01
    assert (factor[0] - factor[1]).abs().max() > 0.1


@torch.no_grad()
def test_profiles_by_hand():
    """An image that grows by 1 from column to column, and a point seen left of the middle with a normal to the right:
    a mm along the normal are S / FIELD pixels, aside of it nothing changes; outside the image it is dark."""
    ramp = torch.arange(128.0).expand(1, 1, 128, 128)
    points = torch.tensor([[[-20.0, 0.0, 600.0], [-20.0, 0.0, 1200.0], [-300.0, 0.0, 600.0]]])
    normals = torch.tensor([[[1.0, 0.0, 0.0]] * 3])
    found = profiles(ramp, points, normals, torch.tensor([600.0]))[0].unflatten(1, (-1, len(PROFILE_ASIDE_MM)))
    for seen, middle_mm in zip(found[:2], (-20.0, -10.0), strict=True):
        expected = 63.5 + (middle_mm + torch.tensor(PROFILE_MM)) * 128 / CROP_FIELD_MM
        assert torch.allclose(seen, expected[:, None].expand_as(seen), atol=0.01)
    assert torch.equal(found[2], torch.zeros_like(found[2]))


@torch.no_grad()
def test_profiles_lie_along_the_normal_and_square_to_it():
    """Two images that grow by 1 mm a mm, to the right and downward, show where each grey value was taken. Of a normal
    (3, 4, 0) / 5 the point a mm outward and b mm aside is at a (0.6, 0.8) + b (-0.8, 0.6)."""
    mm = (torch.arange(128.0) + 0.5) * CROP_FIELD_MM / 128 - CROP_FIELD_MM / 2
    right, down = mm.expand(128, 128), mm[:, None].expand(128, 128)
    points, normals = torch.tensor([[[5.0, -10.0, 600.0]]]), torch.tensor([[[0.6, 0.8, 0.0]]])
    at = [profiles(image[None, None], points, normals, torch.tensor([600.0]))[0, 0] for image in (right, down)]
    expected = [(5 + 0.6 * a - 0.8 * b, -10 + 0.8 * a + 0.6 * b) for a in PROFILE_MM for b in PROFILE_ASIDE_MM]
    assert torch.allclose(torch.stack(at, 1), torch.tensor(expected), atol=0.01)


def test_displacements_turn_with_the_camera():
    """A decoder that moves every node by one vector in camera axes moves the vertices by it, whatever the pose."""
    built = network()
    for decoder in built.decoders:
        torch.nn.init.zeros_(decoder.to_displacement.weight)
        decoder.to_displacement.bias.data = torch.tensor([1.0, -2.0, 4.0])
    torch.nn.init.normal_(built.to_pose.bias, std=0.5)
    with torch.no_grad():
        first, *_, last = built.estimated(images(), torch.tensor([1, 1, 1]), SOD_MM)[0]
    assert torch.allclose(last.vertices - first.vertices, torch.tensor([2.0, -4.0, 8.0]), atol=0.01)


def test_gradient_reaches_every_parameter():
    awake = network(awake=True).train()
    estimates = awake.estimated(images(), torch.arange(3), SOD_MM)[0]
    random = torch.Generator().manual_seed(1)
    sum((e.vertices * torch.randn(e.vertices.shape, generator=random)).sum() for e in estimates).backward()
    silent = [n for n, p in awake.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert silent == []
    assert all(torch.isfinite(p.grad).all() for p in awake.parameters())


def test_each_stage_learns_its_own_step_only():
    """What the last stage answers teaches neither the first pose nor the steps before it."""
    awake = network(awake=True).train()
    awake.estimated(images(), torch.arange(3), SOD_MM)[0][-1].vertices.square().sum().backward()
    before, last = awake.decoders[0], awake.decoders[-1]
    assert len(awake.decoders) == 2
    for layer in (awake.to_pose, awake.to_shape[1], before.to_displacement, before.to_turn[2]):
        assert layer.weight.grad is None or not layer.weight.grad.any()
    assert last.to_displacement.weight.grad.any() and last.to_turn[2].weight.grad.any()


def test_it_learns_one_batch(tmp_path):
    """Four poses of two vertebrae: the mean distance of corresponding points falls to a fifth."""
    write_shard(tmp_path, count=4, shapes=2)
    batch = Samples(tmp_path).batch(torch.arange(4), torch.device("cpu"))
    torch.manual_seed(0)
    built = TemplateNetwork(**(OPTIONS["template"] | {"widths": [8, 16, 16, 32], "code": 32, "refinements": 1}))
    optimiser = torch.optim.Adam(built.parameters(), 3e-3)
    distances = []
    for _ in range(120):
        found = built.estimated(batch.image, batch.level, batch.position_mm[:, 2])[0]
        places = [(e.vertices - batch.vertices[:, built.control_points]).norm(dim=2).mean() for e in found]
        distances.append(places[-1].item())
        optimiser.zero_grad()
        sum(places).backward()
        optimiser.step()
    assert distances[0] > 15.0
    assert min(distances[-20:]) < distances[0] / 5
