"""Mirror images of shapes: by hand, there and back, and what a network says of a mirror image."""

import torch
from tiny import network

from ReVertLib.anatomy.template import load_template
from ReVertLib.network.mirror import Mirror

MEANS = torch.as_tensor(load_template().means)
LEVEL = torch.tensor([0, 4])


def waves() -> torch.Tensor:
    """(2, n, 3) smooth shapes, some 3 mm from their means."""
    return MEANS[LEVEL] + 3.0 * torch.sin(MEANS[LEVEL] / 15.0 + torch.tensor([0.3, 1.0, 2.0])).roll(1, 2)


def test_means_stay_and_a_shift_to_the_left_becomes_one_to_the_right():
    mirror = Mirror(MEANS)
    assert torch.equal(mirror(MEANS[LEVEL], LEVEL), MEANS[LEVEL])
    shifted = mirror(MEANS[LEVEL] + torch.tensor([2.0, 3.0, -1.0]), LEVEL)
    assert torch.allclose(shifted, MEANS[LEVEL] + torch.tensor([-2.0, 3.0, -1.0]), atol=1e-4)


def test_what_grows_on_the_left_grows_on_the_right():
    """Everything 5 mm and more left of the middle is moved up by 2 mm: in the mirror, everything right of it."""
    bent = MEANS[LEVEL].clone()
    bent[..., 2] += 2.0 * (bent[..., 0] > 5.0)
    up = (Mirror(MEANS)(bent, LEVEL) - MEANS[LEVEL])[..., 2]
    x = MEANS[LEVEL][..., 0]
    assert (up[x < -9.0] > 1.99).all()
    assert (up[x > -1.0] < 0.01).all()


def test_nearer_vertices_count_more():
    """On a line, seen from x = 1: the mirror places at -1, -2, -4 and -7 are 2, 3, 5 and 8 mm off."""
    line = torch.tensor([[1.0, 0.0, 0.0], [2.0, 0.0, 0.0], [4.0, 0.0, 0.0], [7.0, 0.0, 0.0]])
    mirror, shares = Mirror(line[None]), 1 / (torch.tensor([2.0, 3.0, 5.0, 8.0]) + 0.3)
    assert mirror.nearest[0, 0].tolist() == [0, 1, 2, 3]
    assert torch.allclose(mirror.weights[0, 0], shares / shares.sum())


def test_there_and_back():
    mirror = Mirror(MEANS)
    off = (mirror(mirror(waves(), LEVEL), LEVEL) - waves()).norm(dim=2)
    assert off.mean() < 0.25 < (mirror(waves(), LEVEL) - waves()).norm(dim=2).mean() / 4


@torch.no_grad()
def test_a_network_sees_in_a_mirror_what_it_sees():
    """The mean of both answers is the same for an image and its mirror image, but for what the template's own
    asymmetry costs; of one answer alone that is not so."""
    built, mirror = network(awake=True), Mirror(MEANS)
    random = torch.Generator().manual_seed(0)
    image, level, sod_mm = torch.rand(2, 1, 128, 128, generator=random), LEVEL, torch.tensor([600.0, 550.0])
    seen, mirrored = (built(x, level, sod_mm).shape for x in (image, image.flip(3)))
    alone = [built.whole(built.estimated(x, level, sod_mm)[0][-1], level).shape for x in (image, image.flip(3))]
    assert (mirror(mirrored, level) - seen).norm(dim=2).mean() < 0.25 * (mirror(alone[1], level) - alone[0]).norm(
        dim=2
    ).mean()
