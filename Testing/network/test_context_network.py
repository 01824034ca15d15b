"""The network in context: it starts from the view, finds one where none is given, and begins from template weights."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from tiny import OPTIONS, network

from ReVertLib.anatomy.template import load_template
from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.crop_camera import crop_camera
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.geometry.views import view_rotation
from ReVertLib.imaging.crop import Crop
from ReVertLib.network.context_answers import YAWS_DEG, likely_views
from ReVertLib.network.context_network import ContextNetwork, from_template

SOD_MM = 600.0


UPRIGHT = np.eye(3)


def crop(turn=UPRIGHT):
    pixels = torch.rand(128, 128, generator=torch.Generator().manual_seed(0)).numpy()
    return Crop(pixels, crop_camera(SOD_MM), RigidTransform.turn(turn))


def geometry(view_deg=None):
    return Geometry(1000.0, SOD_MM, (1.0, 1.0), (64.0, 64.0), "L2", (10, 10, 90, 90), view_deg)


def mean_seen(view_deg):
    return load_template().mean("L2").vertices @ view_rotation(*view_deg).T + [0.0, 0.0, SOD_MM]


@torch.no_grad()
@pytest.mark.parametrize("view_deg", [(0.0, 0.0, 0.0), (180.0, 0.0, 0.0), (75.0, -15.0, 8.0)])
def test_an_untrained_network_answers_with_the_mean_in_the_given_view(view_deg):
    answer = network("context").reconstruct(crop(), geometry(view_deg))
    assert np.abs(answer.mesh.vertices - mean_seen(view_deg)).max() < 1e-3
    assert (answer.yaw_deg, answer.probability, answer.other) == (None, None, None)
    assert answer.silhouette.shape == (128, 128)
    assert answer.silhouette.all()  # nothing is taken away yet


@torch.no_grad()
def test_the_view_is_that_of_the_radiograph_not_of_the_crop():
    """The crop's camera is turned to the vertebra; in the radiograph's frame the answer stands as the view says."""
    turn = Rotation.from_euler("xy", [8, -5], degrees=True).as_matrix()
    answer = network("context").reconstruct(crop(turn), geometry((30.0, 0.0, 0.0)))
    centre = turn @ [0.0, 0.0, SOD_MM]
    expected = load_template().mean("L2").vertices @ view_rotation(30.0).T + centre
    assert np.abs(answer.mesh.vertices - expected).max() < 1e-3


@torch.no_grad()
def test_without_a_view_the_likeliest_is_answered_for():
    net = network("context")
    for parameter in net.to_yaw.parameters():
        parameter.zero_()
    net.to_yaw[-1].bias[YAWS_DEG.index(90)] = 9.0
    answer = net.reconstruct(crop(), geometry())
    assert (answer.yaw_deg, answer.other) == (90.0, None)
    assert answer.probability > 0.95
    assert np.abs(answer.mesh.vertices - mean_seen((90.0, 0.0, 0.0))).max() < 1e-3
    net.to_yaw[-1].bias[YAWS_DEG.index(-90)] = 8.5
    answer = net.reconstruct(crop(), geometry())
    assert (answer.yaw_deg, answer.other.yaw_deg) == (90.0, -90.0)
    assert answer.probability > answer.other.probability > 0.2
    assert np.abs(answer.other.mesh.vertices - mean_seen((-90.0, 0.0, 0.0))).max() < 1e-3


def test_likely_views_by_hand():
    def seen(**shares):
        return [shares.get(f"at{yaw}".replace("-", "m"), 0.0) for yaw in YAWS_DEG]

    assert likely_views(seen(at0=0.6, at15=0.4)) == [((0.0, 0.0, 0.0), 1.0)]
    (first, p), (second, q) = likely_views(seen(at0=0.5, m15=0.0, atm180=0.3, at165=0.1, at90=0.1))
    assert (first[0], second[0]) == (0.0, -180.0)  # 165 and -180 are neighbours
    assert (p, q) == pytest.approx((0.5, 0.4))
    assert len(likely_views(seen(at0=0.9, atm180=0.1))) == 1  # rare enough to be left out


def test_the_options_are_those_it_is_built_again_from():
    built = ContextNetwork(**OPTIONS["context"])
    again = ContextNetwork(**built.options)
    assert {name: t.shape for name, t in built.state_dict().items()} == {
        name: t.shape for name, t in again.state_dict().items()
    }


@torch.no_grad()
def test_it_begins_as_the_template_network_does_on_what_is_isolated():
    """From template weights, and an isolation that passes everything, what is seen is what those see."""
    template, own = network(awake=True), network("context")
    kept = from_template(template.state_dict(), own.state_dict())
    own.load_state_dict(kept, strict=False)
    image = torch.rand(2, 1, 128, 128, generator=torch.Generator().manual_seed(1))
    own.isolation.leave.bias[:4] = 40.0
    for seen, expected in zip(own.sight(image).features, template.encoder(image - 0.25), strict=True):
        assert torch.allclose(seen, expected, atol=1e-4)


@torch.no_grad()
def test_a_batch_is_answered_as_its_crops_one_by_one():
    net, rng = network("context", awake=True), np.random.default_rng(1)
    crops = [replace(crop(), pixels=rng.random((128, 128)).astype(np.float32)) for _ in range(3)]
    geometries = [replace(geometry((0.0, 0.0, 0.0)), level=level) for level in ("L1", "L2", "L5")]
    for one, level, together in zip(crops, geometries, net.reconstruct_all(crops, geometries), strict=True):
        alone = net.reconstruct(one, level)
        assert np.abs(alone.mesh.vertices - together.mesh.vertices).max() < 1e-2
        assert (
            np.abs(alone.mesh.vertices - net.reconstruct(crops[0], level).mesh.vertices).max() > 0.1 or one is crops[0]
        )


@torch.no_grad()
def test_in_a_batch_a_known_view_is_kept_beside_an_unknown_one():
    net, crops = network("context", awake=True), [crop(), crop()]
    geometries = [geometry(None), geometry((90.0, 0.0, 0.0))]
    for order in (geometries, geometries[::-1]):
        for found, given in zip(net.reconstruct_all(crops, order), order, strict=True):
            alone = net.reconstruct(crop(), given)
            assert (found.yaw_deg, found.probability) == (alone.yaw_deg, pytest.approx(alone.probability))
            assert (found.yaw_deg is None) == (given.view_deg is not None)
            assert np.abs(found.mesh.vertices - alone.mesh.vertices).max() < 1e-2


class Said(torch.nn.Module):
    """Says of a batch of crops, whatever they show, rows of logits (b, views)."""

    def __init__(self, rows):
        super().__init__()
        self.rows = rows

    def forward(self, code):
        return self.rows[: len(code)]


@torch.no_grad()
def test_a_batch_without_a_view_has_one_for_all():
    """What one crop says strongly outweighs what the others say weakly."""
    net, front, back = network("context"), YAWS_DEG.index(0), YAWS_DEG.index(-180)
    crops, said = [crop(), crop(), crop()], torch.zeros(3, len(YAWS_DEG))
    said[:2, front], said[2, back] = 9.0, 90.0
    net.to_yaw = Said(said)
    assert [answer.yaw_deg for answer in net.reconstruct_all(crops, [geometry()] * 3)] == [-180.0] * 3
    assert [answer.yaw_deg for answer in net.reconstruct_all(crops[:2], [geometry()] * 2)] == [0.0] * 2
