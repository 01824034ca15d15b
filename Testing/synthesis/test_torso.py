"""Voxels in a surface, and how wide people are."""

import numpy as np
import pytest
from tiny import CUBE
from tiny_patients import patient

from ReVertLib.imaging.volume import Volume
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.synthesis.ribs_and_pelvis import Spheres
from ReVertLib.synthesis.torso import BodySize, Torso, covered

SIZE = BodySize(150.0, 100.0, 20.0, 15.0, 0.3)


@pytest.fixture(scope="module")
def torso():
    return Torso(patient().bones, SIZE, np.random.default_rng(0))


def grid_of(size=(20, 24, 28)) -> Volume:
    return Volume(np.zeros(size, np.float32), np.diag([2.0, 2.0, 2.0, 1.0]))


def test_the_share_of_voxels_in_a_box_by_hand():
    box = Mesh(CUBE.vertices * [8.0, 4.0, 6.0] + [3.0, 5.0, 7.0], CUBE.faces)  # voxel i reaches from 2 i - 1 to 2 i + 1
    part, cover = covered(box, grid_of())
    whole = np.zeros(grid_of().array.shape)
    whole[part] = cover
    assert whole.sum() * 8 == pytest.approx(8 * 4 * 6, rel=1e-3)
    assert whole[4:7, 3:5, 2:6] == pytest.approx(1.0)


def test_a_box_half_outside_the_grid_is_cut():
    box = Mesh(CUBE.vertices * 8.0 - [5.0, -9.0, -9.0], CUBE.faces)
    part, cover = covered(box, grid_of())
    assert cover.sum() * 8 == pytest.approx(4 * 8 * 8, rel=1e-3)  # the grid begins at -1
    assert grid_of().array[part].shape == cover.shape


def test_people_are_from_thin_to_obese_and_all_parts_grow_together():
    drawn = [BodySize.sampled(np.random.default_rng(seed)) for seed in range(300)]
    width, front = np.array([(p.half_width_mm, p.front_mm) for p in drawn]).T
    assert (width.min() > 110, width.max() < 225) == (True, True)
    assert np.ptp(width) > 60
    assert np.corrcoef(width, front)[0, 1] > 0.7
    mean = {name: np.mean([getattr(size, name) for size in drawn]) for name in vars(SIZE)}
    girth = 2 / 4.5  # of a beta distribution of 2 and 2.5
    expected = (135 + 70 * girth, 65 + 120 * girth, 8 + 45 * girth * 0.85, 6 + 40 * girth * 0.7, 0.15 + 0.5 * girth)
    assert mean == pytest.approx(dict(zip(vars(SIZE), expected, strict=True)), rel=0.07)


def test_tissues_mix_where_they_share_a_voxel(torso):
    torso.mu[:] = 0.1
    ball = Spheres(np.zeros((1, 3)), np.array([12.0]))
    torso.fill_spheres([ball], 0.3)
    filled = (torso.mu - 0.1).sum() / 0.2 * 8
    assert filled == pytest.approx(4 / 3 * np.pi * 12**3, rel=0.02)
    assert (torso.mu.min(), torso.mu.max()) == pytest.approx((0.1, 0.3))


def test_the_skin_lies_as_deep_as_told_behind_the_bones(torso):
    """At the heights of the vertebrae, on the middle line."""
    tips = max(bone.mesh_lps.vertices[:, 1].max() for bone in patient().vertebrae)
    k = np.argmin(np.abs(torso.z.ravel()))
    i = np.argmin(np.abs(torso.x))
    inside = torso.y.ravel()[torso.depth[k, :, i] > 0]
    assert inside.max() < tips + SIZE.back_mm + 8
    assert inside.max() > 40 + SIZE.back_mm / 2
    assert torso.spine_y[k, 0, 0] - inside.min() == pytest.approx(SIZE.front_mm + 17, rel=0.12)
