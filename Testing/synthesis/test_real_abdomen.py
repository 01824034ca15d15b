"""A plain oval with a spine of rods and a couch stands in for the real abdomen."""

import numpy as np
import pytest
from tiny import write_volume
from tiny_patients import patient

from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.imaging.volume import Volume
from ReVertLib.synthesis import real_abdomen as module
from ReVertLib.synthesis.real_abdomen import ENDPLATES_YZ_MM, MIDDLE_X_MM, load_abdomen
from ReVertLib.synthesis.vertebra import Bone

SPACING_MM = np.array([4.0, 4.0, 8.0])
ORIGIN = np.array([-210.0, -110.0, -846.0])
SIZE = (52, 75, 98)


def places():
    k, j, i = np.indices(SIZE)
    return np.stack([i, j, k], -1) * SPACING_MM + ORIGIN


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Fat, a spine of 300 HU along the real one's endplates, hips of 600 HU, a couch of 0 HU under air."""
    root = tmp_path_factory.mktemp("abdomen")
    x, y, z = np.moveaxis(places(), -1, 0)
    order = np.argsort(ENDPLATES_YZ_MM[:, 1])
    middle = np.interp(z, ENDPLATES_YZ_MM[order, 1], ENDPLATES_YZ_MM[order, 0])
    hu = np.where(((x - MIDDLE_X_MM) / 170) ** 2 + ((y - 30) / 100) ** 2 < 1, -80.0, -1000.0)
    hu[(np.abs(x - MIDDLE_X_MM) < 18) & (np.abs(y - middle) < 16)] = 300.0
    hu[(np.abs(np.abs(x - MIDDLE_X_MM) - 90) < 10) & (z < -700) & (np.abs(y - 40) < 30)] = 600.0
    hu[(y > 150) & (y < 162)] = 0.0
    (root / module.ABDOMEN.parent).mkdir()
    matrix = np.diag([*SPACING_MM, 1.0])
    matrix[:3, 3] = ORIGIN
    write_volume(root / module.ABDOMEN, Volume(hu.astype(np.int16), matrix))
    return root


def test_spine_and_couch_are_taken_out_and_the_hips_stay(data):
    found = load_abdomen(data).mu
    x, y, z = np.moveaxis(places(), -1, 0)
    assert found.array[np.abs(y - 156) < 4].max() == 0.0
    lumbar = (np.abs(x - MIDDLE_X_MM) < 40) & (z > -720) & (z < -470)
    assert found.array[lumbar].max() < 0.022
    hip = (np.abs(np.abs(x - MIDDLE_X_MM) - 90) < 6) & (z < -710) & (np.abs(y - 40) < 20)
    assert found.array[hip].min() > 0.04


def test_there_may_be_none(tmp_path):
    assert load_abdomen(tmp_path) is None


def bones_at(frames) -> tuple[Bone, ...]:
    """Bones of no shape whose upper endplates stand in frames."""
    labels = (18, 19, 20, 21, 22, 23, 24, 26)
    return tuple(Bone(n, None, f, RigidTransform.identity(), None) for n, f in zip(labels, frames, strict=True))


def test_around_its_own_spine_it_is_itself_and_moves_with_it(data, monkeypatch):
    monkeypatch.setattr(module, "LOOSE_MM", 0.0)
    own = load_abdomen(data)
    widths = (module.HALF_WIDTH_MM, module.FRONT_MM)
    same = own.around(bones_at(own.frames), own.mu, widths, np.random.default_rng(0))
    assert np.abs(same - own.mu.array).max() < 2e-3
    shift = RigidTransform.shift([12.0, -8.0, 300.0])
    grid = Volume(own.mu.array, shift.matrix @ own.mu.ijk_to_lps)
    moved = own.around(bones_at([shift @ frame for frame in own.frames]), grid, widths, np.random.default_rng(0))
    assert np.abs(moved - own.mu.array).max() < 2e-3


def test_a_wider_person_is_wider(data, monkeypatch):
    monkeypatch.setattr(module, "LOOSE_MM", 0.0)
    own = load_abdomen(data)
    grid = Volume(np.zeros((10, 75, 130), np.float32), own.mu.ijk_to_lps @ np.diag([1, 1, 1, 1.0]))
    grid.ijk_to_lps[:3, 3] = [-270.0, -110.0, -640.0]
    width = {}
    for half_mm in (150.0, 200.0):
        mu = own.around(bones_at(own.frames), grid, (half_mm, module.FRONT_MM), np.random.default_rng(0))
        width[half_mm] = (mu[5, 35] > 0.008).sum() * 4.0
    assert width[200.0] / width[150.0] == pytest.approx(200 / 150, rel=0.05)


def test_bent_around_somebody_it_is_soft_where_his_spine_stands(data):
    own, bones = load_abdomen(data), patient().bones
    grid = np.diag([6.0, 6.0, 6.0, 1.0])
    grid[:3, 3] = -120.0
    mu = own.around(bones, Volume(np.zeros((41,) * 3, np.float32), grid), (170.0, 90.0), np.random.default_rng(0))
    for bone in bones[1:6]:
        i, j, k = np.rint((bone.lps_from_shape.translation_mm + 120.0) / 6.0).astype(int)
        assert 0.016 < mu[k, j, i] < 0.023
