"""Pictures of surfaces whose look can be said in advance."""

import tracemalloc

import numpy as np
import pytest
from solids import ball

from ReVertLib.mesh import render as module
from ReVertLib.mesh.mesh import Mesh, vertex_normals
from ReVertLib.mesh.render import Canvas, outline_mask, rendered

CANVAS = Canvas(80, 40.0)  # 2 pixels to the mm


def grey(values):
    return np.repeat(np.clip(values, 0, 1)[:, None], 3, axis=1)


def square(half, depth, tilt=(0.0, 0.0, 1.0)):
    """Two triangles that face the viewer."""
    x, y = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]).T * half
    return Mesh(np.stack([x, y, depth + tilt[0] * x + tilt[1] * y], 1), [[0, 2, 1], [0, 3, 2]])


def joined(*meshes):
    starts = np.cumsum([0, *(len(m.vertices) for m in meshes[:-1])])
    faces = [m.faces + start for m, start in zip(meshes, starts, strict=True)]
    return Mesh(np.vstack([m.vertices for m in meshes]), np.vstack(faces))


def test_canvas_puts_its_centre_in_the_middle():
    canvas = Canvas(80, 40.0, (3.0, -2.0))
    assert np.allclose(canvas.pixels(np.array([[3.0, -2.0, 9.0], [4.0, -2.0, 0.0]])), [[39.5, 39.5], [41.5, 39.5]])
    assert np.allclose(canvas.larger(2).pixels(np.array([[3.0, -2.0, 9.0]])), [[79.5, 79.5]])


def test_a_balls_picture_is_an_opaque_disc_with_a_soft_edge():
    mesh = ball(15.0, (2, -3, 100))
    alpha = rendered(mesh, np.ones(len(mesh.vertices)), grey, CANVAS)[..., 3]
    v, u = np.mgrid[:80, :80]
    distance = np.hypot(u - 39.5 - 4, v - 39.5 + 6)
    assert (alpha[distance < 29] == 1).all()
    assert (alpha[distance > 31] == 0).all()
    assert ((alpha > 0) & (alpha < 1)).any()
    covered = outline_mask(mesh, CANVAS)
    assert covered[distance < 29].all() and not covered[distance > 30].any()


@pytest.mark.parametrize("order", [1, -1])
def test_the_nearer_surface_is_seen(order):
    """A small square of value 1 before a large one of value 0, in either order."""
    near, far = square(5, 10), square(12, 30)
    parts = [(near, 1.0), (far, 0.0)][::order]
    values = np.concatenate([np.full(4, value) for _, value in parts])
    image = rendered(joined(*(m for m, _ in parts)), values, grey, CANVAS)
    assert image[39:41, 39:41, 0].min() > 0.5
    assert image[39:41, 18, 0].max() < 0.2
    assert image[39:41, 18, 3].min() == 1


def test_values_are_interpolated_across_triangles():
    """The colour is the value over 24 mm; light and occlusion are the same along a row, so ratios are those of x."""
    mesh = square(12, 30)
    image = rendered(mesh, mesh.vertices[:, 0] / 24 + 0.5, grey, CANVAS)
    row = image[40, 20:60, 0]
    columns = (np.arange(20, 60) - 39.5) / 2 / 24 + 0.5
    shine = np.polyfit(columns, row, 1)
    assert np.abs(np.polyval(shine, columns) - row).max() < 0.01
    assert shine[0] > 0.3


def test_light_comes_from_the_upper_left():
    bright, dark = (
        rendered(square(8, 30, tilt), np.full(4, 0.6), grey, CANVAS)[40, 40, 0] for tilt in ((-1, -1, 0), (1, 1, 0))
    )
    assert bright > 1.5 * dark


def test_a_pit_is_darker_than_a_plain():
    """A frame 15 mm nearer than its floor shades the floor near it."""
    floor = square(15, 30)
    walls = joined(*(Mesh(square(5, 15).vertices + shift, square(5, 15).faces) for shift in ([-10, 0, 0], [10, 0, 0])))
    plain = rendered(floor, np.full(4, 0.6), grey, CANVAS)[40, 40, 0]
    pit = rendered(joined(floor, walls), np.full(12, 0.6), grey, CANVAS)[40, 31, 0]
    assert pit < 0.9 * plain


def test_normals_of_a_ball_point_outward():
    mesh = ball(15.0, (2, -3, 100))
    assert np.allclose(vertex_normals(mesh), (mesh.vertices - [2, -3, 100]) / 15, atol=0.02)


@pytest.mark.parametrize("size_px", [80, 77])
def test_it_does_not_matter_how_many_rows_or_triangles_are_drawn_at_once(monkeypatch, size_px):
    mesh = ball(15.0, (2, -3, 100))
    whole = rendered(mesh, mesh.vertices[:, 2], lambda mm: grey((mm - 85) / 30), Canvas(size_px, 40.0))
    monkeypatch.setattr(module, "_BAND", 9)
    monkeypatch.setattr(module, "_AT_ONCE", 50)
    parts = rendered(mesh, mesh.vertices[:, 2], lambda mm: grey((mm - 85) / 30), Canvas(size_px, 40.0))
    assert np.array_equal(parts, whole)


def test_a_large_picture_is_coloured_in_parts():
    """Measured it takes 180 bytes for each of its pixels; coloured all at once it took 703."""
    mesh = ball(200.0, (0, 0, 300))
    tracemalloc.start()
    try:
        rendered(mesh, mesh.vertices[:, 2], grey, Canvas(600, 400.0))
        assert tracemalloc.get_traced_memory()[1] < 600**2 * 300
    finally:
        tracemalloc.stop()
