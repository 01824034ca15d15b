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


def test_parts_beside_each_other_are_outlined_as_each_alone():
    rows, columns = np.mgrid[:40, :60]
    parts = [np.hypot(rows - row, columns - column) < radius for row, column, radius in ((10, 10, 7), (25, 40, 11))]
    parts.append((rows == 2) & (columns == 50))
    together = sorted(mask_outlines(np.any(parts, 0)), key=len)
    alone = sorted((loop for part in parts for loop in mask_outlines(part)), key=len)
    assert [len(loop) for loop in together] == [len(loop) for loop in alone]
    for one, other in zip(together, alone, strict=True):
        assert {tuple(point) for point in one} == {tuple(point) for point in other}
