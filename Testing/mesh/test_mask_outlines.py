"""Outlines around the pixels of a mask: half way to the next pixel, one for each part and each hole."""

import numpy as np

from ReVertLib.mesh.silhouette import mask_outlines


def area(loop):
    u, v = loop.T
    return float(u @ np.roll(v, -1) - v @ np.roll(u, -1)) / 2


def test_a_block_with_a_hole_by_hand():
    inside = np.zeros((12, 16), bool)
    inside[2:10, 3:13] = True
    inside[5:7, 6:9] = False
    outer, hole = sorted(mask_outlines(inside), key=np.ptp, reverse=True)
    assert np.allclose([outer.min(0), outer.max(0)], [[2.5, 1.5], [12.5, 9.5]])
    assert np.allclose([hole.min(0), hole.max(0)], [[5.5, 4.5], [8.5, 6.5]])
    assert area(outer) * area(hole) < 0  # they run in opposite directions


def test_what_reaches_the_edge_is_closed_outside_of_it():
    (loop,) = mask_outlines(np.ones((4, 6), bool))
    assert np.allclose([loop.min(0), loop.max(0)], [[-0.5, -0.5], [5.5, 3.5]])


def test_nothing_has_no_outline():
    assert mask_outlines(np.zeros((5, 5), bool)) == ()
