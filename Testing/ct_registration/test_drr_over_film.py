"""A CT's own DRR on the grid of a film, and in its greys."""

import numpy as np
import pytest

from ReVertLib.ct_registration.drr_over_film import (
    FIELDS,
    bones_drr,
    checkerboard,
    difference,
    in_film_greys,
    whole_drr,
)
from ReVertLib.ct_registration.records import (
    ACCEPTED,
    REFUSED,
    CtRegistration,
    Judgement,
    PoseError,
    RegisteredVertebra,
)
from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.imaging.volume import Volume
from ReVertLib.mesh.mesh import Mesh

GEOMETRY = Geometry(1000.0, 500.0, (1.0, 1.0), (49.5, 39.5))
SIZE_PX = (100, 80)
POSE = RigidTransform.shift([0.0, 0.0, 500.0])
HU = 1000
PER_MM = 0.0573 - 1.04 * 0.0192
"""What 1000 HU attenuate beyond soft tissue, per mm."""


def block():
    """(CT, labels): 20 x 12 voxels of 1 mm, L3, around the origin, in air: 10 mm deep, of 200 HU for 7 mm and of 1000
    HU for 6, then 5 mm deep."""
    to_lps = np.eye(4)
    to_lps[:3, 3] = [-14.5, -10.5, -9.5]
    labels = np.zeros((20, 22, 30), np.uint8)
    labels[5:15, 5:17, 5:25] = 22
    labels[10:15, :, 18:] = 0
    array = np.where(labels, HU, -1000).astype(np.int16)
    array[5:15, 5:17, 5:12] = 200
    return Volume(array, to_lps), Volume(labels, to_lps)


def found(word, alone):
    judged = Judgement(word, "", 1.0, 1.0, 1.0, {})
    empty = Mesh(np.zeros((0, 3)), np.zeros((0, 3), int))
    vertebra = RegisteredVertebra("L3", POSE, POSE, empty, np.zeros(0), PoseError(0, 0, 0), judged)
    return CtRegistration((vertebra,), None, alone, 1.0)


def test_bones_alone_are_seen_with_all_that_they_attenuate():
    drr = bones_drr(*block(), found(ACCEPTED, True), GEOMETRY, SIZE_PX)
    assert drr[39:41, 49:51] == pytest.approx(10 * 0.0573, rel=0.01)
    # Magnified twice: 40 x 24 pixels, with half a voxel's ramp around them.
    assert (drr[40] > 0.12).sum() == pytest.approx(40, abs=1)
    assert (drr[:, 50] > 5 * 0.0573).sum() == pytest.approx(24, abs=1)
    assert not bones_drr(*block(), found(REFUSED, True), GEOMETRY, SIZE_PX).any()


def test_of_bones_in_soft_tissue_what_is_denser_counts():
    drr = bones_drr(*block(), found(ACCEPTED, False), GEOMETRY, SIZE_PX)
    assert drr[39:41, 49:51] == pytest.approx(10 * PER_MM, rel=0.01)


def test_a_whole_ct_is_rendered_coarsely_and_lies_where_it_would(monkeypatch):
    ct, _labels = block()
    fine = whole_drr(ct, POSE, GEOMETRY, SIZE_PX)
    assert fine[40, 50] == pytest.approx(10 * 0.0573, rel=0.01)
    monkeypatch.setattr("ReVertLib.ct_registration.drr_over_film.MOST_RAYS", 50 * 40)
    coarse = whole_drr(ct, POSE, GEOMETRY, SIZE_PX)
    assert coarse.shape == fine.shape
    rows, columns = (np.average(np.indices(fine.shape)[axis], weights=fine) for axis in (0, 1))
    for axis, at in enumerate((rows, columns)):
        assert np.average(np.indices(fine.shape)[axis], weights=coarse) == pytest.approx(at, abs=0.05)
    assert coarse.sum() == pytest.approx(fine.sum(), rel=0.05)


def test_a_drr_gets_the_greys_of_the_film_and_the_film_stays_around_it():
    random = np.random.default_rng(0)
    film, drr = random.normal(100, 20, (40, 50)), np.zeros((40, 50))
    drr[10:30, 10:40] = random.uniform(1, 3, (20, 30))
    like, seen = in_film_greys(drr, film), drr > 0
    assert like[~seen] == pytest.approx(film[~seen])
    assert (like[seen].mean(), like[seen].std()) == pytest.approx((film[seen].mean(), film[seen].std()), rel=1e-4)
    assert np.corrcoef(like[seen], drr[seen])[0, 1] == pytest.approx(1, abs=1e-4)
    assert difference(film, like)[seen].mean() == pytest.approx(0, abs=1e-3)
    assert in_film_greys(np.zeros((40, 50)), film) == pytest.approx(film)


def test_a_checkerboard_has_both_pictures_in_turn():
    board = checkerboard(np.zeros((32, 64)), np.ones((32, 64)))
    side = 64 // FIELDS
    assert board[0, 0] == 0
    assert board[0, side] == board[side, 0] == 1
    assert board[side, side] == 0
    assert board.mean() == pytest.approx(0.5)
