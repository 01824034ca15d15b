"""The finder with a network in its place that sees dots: what is read off comes back in pixels of the film."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from ReVertLib.errors import InputError
from ReVertLib.finding.finder import Finder, _mirrored_of, _warnings
from ReVertLib.finding.found import RIBS, SACRUM, Answer, FoundSpine, FoundVertebra, Reading, SeenView
from ReVertLib.network.film_cells import NAMED, REACH_PX, YAWS, Seen
from ReVertLib.network.finder_network import FinderNetwork, three_channels
from ReVertLib.network.weights import save_weights

PIXEL_MM = 0.5
SDD_MM, SOD_MM = 1000.0, 800.0
SPACING_MM = (PIXEL_MM * SDD_MM / SOD_MM,) * 2
VERTEBRA = FoundVertebra(22, np.zeros(2), (0.0, 0.0, 9.0, 9.0), np.zeros((4, 2)), 0.9)
VIEWS = (SeenView(0.0, 0.55), SeenView(180.0, 0.36))


class Dots(nn.Module):
    """Takes bright dots for vertebrae, from S1 at the foot upwards, as wide as a film whose head is up is bright at its
    left edge; a film that is mostly bright for inverted."""

    def __init__(self, named=True):
        super().__init__()
        self.named = named

    def look(self, image, there):
        films = (torch.as_tensor(array, dtype=torch.float32)[None, None] for array in (image, there))
        return Seen(**{name: tensor.numpy() for name, tensor in vars(self(three_channels(*films))).items()})

    def forward(self, film):
        image = film[:, :1] + 0.25
        there = film[:, 2:] > 0
        across, down = (there[0, 0].any(axis).nonzero()[:, 0] for axis in (0, 1))
        left, right = int(across.min()), int(across.max())
        heat = 30 * (F.avg_pool2d(F.avg_pool2d(image, 4), 3, 1, 1) - 0.25)
        heat[..., : left // 4 + 5] = heat[..., right // 4 - 5 :] = -9.0
        _, _, rows, columns = heat.shape
        names = torch.zeros(1, len(NAMED), rows, columns)
        tops = sorted({int(v) for v in (heat[0, 0].amax(1) > 0).nonzero()[:, 0]}, reverse=True)
        if self.named:
            groups = [v for i, v in enumerate(tops) if i == 0 or tops[i - 1] - v > 1]
            for label, v in zip((26, 24, 23, 22, 21, 20, 19), groups, strict=False):
                names[0, NAMED.index(label), v - 1 : v + 2] = 8.0
        box = torch.tensor([-20.0, -10, 20, 10])[None, :, None, None].expand(1, 4, rows, columns) / REACH_PX
        ends = torch.tensor([-9.0, -6, 9, -6, 9, 6, -9, 6])[None, :, None, None]
        corners = ends.expand(1, 8, rows, columns) / REACH_PX
        yaw = torch.zeros(1, YAWS, rows, columns)
        yaw[0, 12] = 9.0
        grey = image[there]
        edges = image[0, 0, down.min() + 3 : down.max() - 3, [left + 2, right - 2]].mean(0)
        sign = -1 if grey.mean() > 0.5 else 1
        flags = torch.tensor([[1.0 if sign < 0 else -1.0, float(sign * (edges[1] - edges[0])), -1.0]]) * 9
        flags = flags[..., None, None].expand(1, 3, rows, columns)
        return Seen(heat, names, torch.zeros(1, 2, rows, columns), box, corners, yaw, flags)


def film(count=5):
    """A film with a grey left edge and dots 35 mm below each other, and where they are, from above."""
    image = np.full((500, 300), 0.2)
    image[:, :18] = 0.5
    at = np.array([(150 + 4 * i, 60 + 70 * i) for i in range(count)], float)
    for u, v in at.astype(int):
        image[v - 10 : v + 11, u - 10 : u + 11] = 1.0
    return image, at


@pytest.fixture
def finder(tmp_path):
    torch.manual_seed(0)
    save_weights(tmp_path / "finder.safetensors", FinderNetwork((4, 6, 8, 8, 8), 8), "finder", {})
    found = Finder(tmp_path / "finder.safetensors", "cpu")
    found.network = Dots()
    return found


def find(finder, image, **known):
    return finder.find(image, SDD_MM, SPACING_MM, **({"sod_mm": SOD_MM} | known))


def centres(spine):
    return np.stack([vertebra.centre_px for vertebra in spine.vertebrae])


def test_places_boxes_and_corners_are_of_the_film(finder):
    image, at = film()
    spine = find(finder, image)
    assert [vertebra.label for vertebra in spine.vertebrae] == [21, 22, 23, 24, 26]
    assert centres(spine) == pytest.approx(at, abs=8)  # cells are 12 pixels wide here
    first = spine.vertebrae[0]
    assert np.array(first.box_px) - np.tile(first.centre_px, 2) == pytest.approx([-61, -31, 59, 29], abs=0.1)
    assert first.corners_px - first.centre_px == pytest.approx(
        np.array([(-27, -18), (27, -18), (27, 18), (-27, 18)]), abs=0.1
    )
    assert np.isnan(spine.vertebrae[-1].corners_px[2:]).all()
    assert spine.anchors == {SACRUM}
    assert spine.views[0].yaw_deg == 0.0
    assert (spine.inverted.is_so, spine.upside_down.is_so, spine.mirrored.is_so) == (False, False, False)
    assert spine.warnings == ()


def test_a_film_upside_down_and_inverted_is_read_all_the_same(finder):
    image, at = film()
    straight = find(finder, image)
    spine = find(finder, 1.2 - image[::-1, ::-1])
    assert (spine.inverted.is_so, spine.upside_down.is_so) == (True, True)
    assert [v.label for v in spine.vertebrae] == [v.label for v in straight.vertebrae]
    assert centres(spine) == pytest.approx([299, 499] - at, abs=8)
    box = np.array(straight.vertebrae[0].box_px)
    assert spine.vertebrae[0].box_px == pytest.approx(np.array([300, 500, 300, 500]) - box[[2, 3, 0, 1]], abs=8)
    cranial_left = spine.vertebrae[0].corners_px[0] - spine.vertebrae[0].centre_px
    assert cranial_left == pytest.approx([27, 18], abs=0.1)  # to the right and below on the film as it was given
    assert spine.warnings == (
        "bone is dark on this film: it is read inverted",
        "the film hangs upside down: it is read turned",
    )


def test_ribs_are_an_anchor_only_beside_a_vertebra_without(finder):
    assert find(finder, film(7)[0]).anchors == {SACRUM, RIBS}


def test_where_no_anchor_is_seen_the_names_are_called_a_guess(finder):
    finder.network = Dots(named=False)
    spine = find(finder, film(2)[0])
    assert spine.anchors == frozenset()
    assert spine.readings[0].probability < 0.2
    assert spine.warnings[0].startswith("neither the last ribs nor the sacrum are in view: the names are a guess")


def test_without_a_distance_the_scale_that_makes_the_best_spine_is_taken(finder):
    image, at = film()
    assert centres(find(finder, image, sod_mm=None)) == pytest.approx(at, abs=9)


def test_nothing_on_a_film_is_said(finder):
    image = np.full((300, 300), 0.2)
    image[:, :18] = 1.0
    finder.network.look = lambda *film: replace(Dots().look(*film), heat=np.full((1, 1, 32, 32), -9.0))
    spine = find(finder, image)
    assert spine.vertebrae == spine.readings == ()
    assert spine.warnings == ("no vertebra was found",)


def test_a_known_view_tells_a_mirrored_lateral_from_the_other_side():
    yaw = np.zeros(YAWS)
    yaw[18] = 1.0  # seen as from 90 degrees
    assert _mirrored_of(0.15, yaw, 90.0) < 0.01
    assert _mirrored_of(0.15, yaw, -90.0) > 0.99
    yaw = np.zeros(YAWS)
    yaw[12] = 1.0
    assert _mirrored_of(0.15, yaw, 0.0) == pytest.approx(0.15)  # from the front both look alike


def test_what_no_film_has_is_refused(finder, tmp_path):
    image, _ = film()
    with pytest.raises(InputError, match="sod_mm: expected 0 < sod_mm < sdd_mm = 1000, got 1200"):
        find(finder, image, sod_mm=1200.0)
    with pytest.raises(InputError, match="film: expected a distance and two spacings above 0"):
        finder.find(image, SDD_MM, (0.0, 1.0))
    with pytest.raises(InputError, match="image film: expected an image with contrast"):
        find(finder, np.zeros((90, 90)))
    with pytest.raises(InputError, match="weights: expected those of a finder, got of a network called context"):
        Finder(device="cpu", weights=_of_another(tmp_path))


def _of_another(folder):
    from tiny import weights

    return weights(folder, "context")


def test_two_views_are_said_where_none_is_known():
    spine = FoundSpine((VERTEBRA,), (Reading((22,), 1.0),), frozenset({RIBS}), VIEWS, *(Answer(False, 0.9),) * 3)
    assert _warnings(spine, False) == ("the view may be AP (55%) or PA (36%)",)
    assert _warnings(spine, True) == ()
