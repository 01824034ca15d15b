"""Silhouettes that can be drawn by hand, and a slow second implementation."""

import numpy as np
import pytest
from solids import ball

from ReVertLib.errors import InputError
from ReVertLib.geometry.camera import Geometry
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.mesh.rasterize import covered, rasterised
from ReVertLib.mesh.silhouette import outlines, silhouette

CAMERA = Geometry(1000.0, 500.0, (0.5, 0.5), (99.5, 79.5))  # 1 mm at the object is 4 pixels; 200 x 160 px
SIZE = (200, 160)


def inside(point, triangle):
    """Whether a point lies on the same side of all three sides of a triangle, the border included."""
    sides = [(triangle[i], triangle[(i + 1) % 3]) for i in range(3)]
    signs = [(b[0] - a[0]) * (point[1] - a[1]) - (b[1] - a[1]) * (point[0] - a[0]) for a, b in sides]
    return all(s >= 0 for s in signs) or all(s <= 0 for s in signs)


def test_a_balls_silhouette_is_a_disc():
    """On the axis, the tangent cone of a ball of radius r at distance d meets the detector in a circle of radius
    sdd * r / sqrt(d^2 - r^2)."""
    mask = silhouette(ball(15.0, (0, 0, 500), 200), CAMERA, SIZE)
    radius_px = 1000 / 0.5 * 15 / np.sqrt(500**2 - 15**2)
    v, u = np.mgrid[: SIZE[1], : SIZE[0]]
    distance = np.hypot(u - 99.5, v - 79.5)
    assert mask.shape == (160, 200)
    assert mask[distance < radius_px - 0.2].all()
    assert not mask[distance > radius_px].any()


def test_place_follows_the_geometry():
    """6 mm toward the columns' end and 4 mm up at half of the detector's distance: 24 px right and 16 px up."""
    rows, columns = np.nonzero(silhouette(ball(5.0, (6, -4, 500)), CAMERA, SIZE))
    assert columns.mean() == pytest.approx(99.5 + 24, abs=0.1)
    assert rows.mean() == pytest.approx(79.5 - 16, abs=0.1)


def test_what_leaves_the_image_is_cut():
    mask = silhouette(ball(15.0, (25, 20, 500)), CAMERA, SIZE)
    assert mask[-1, -1] and not mask[0].any() and not mask[:, 0].any()
    assert not silhouette(ball(5.0, (200, 0, 500)), CAMERA, SIZE).any()


def frame():
    """A flat frame of 20 mm around a hole of 10 mm, 500 mm away: 80 pixels around 40."""
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], float)
    vertices = np.vstack([10 * corners, 5 * corners])
    vertices = np.column_stack([vertices, np.full(8, 500.0)])
    faces = [f for i in range(4) for f in ([i, (i + 1) % 4, i + 4], [(i + 1) % 4, (i + 1) % 4 + 4, i + 4])]
    return Mesh(vertices, faces)


def test_a_hole_stays_open():
    mask = silhouette(frame(), CAMERA, SIZE)
    assert mask.sum() == 80**2 - 40**2
    assert not mask[60:100, 80:120].any()
    assert mask[40:120, 60:140].sum() == mask.sum()


def test_covered_equals_a_search_over_all_pixels():
    random = np.random.default_rng(0)
    pixels = random.uniform(-5, 25, (12, 2))
    pixels[3] = (4, 7)  # a corner on a pixel's centre, and a level side
    pixels[4] = (11.5, 7)
    faces = np.array([[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]])
    expected = [[any(inside((u, v), pixels[face]) for face in faces) for u in range(20)] for v in range(16)]
    assert np.array_equal(covered(pixels, faces, (20, 16)), expected)


def test_every_fragment_names_its_triangle():
    pixels = np.array([[0, 0], [4, 0], [0, 4], [1, 1], [3, 1], [1, 3]], float)
    found = rasterised(pixels, np.array([[0, 1, 2], [3, 5, 4]]), (10, 10))
    places = {f: set(zip(found.column[found.face == f], found.row[found.face == f], strict=True)) for f in (0, 1)}
    assert places[0] == {(u, v) for u in range(5) for v in range(5 - u)}
    assert places[1] == {(1, 1), (2, 1), (3, 1), (1, 2), (2, 2), (1, 3)}


def test_a_needle_between_pixel_centres_covers_none():
    assert not covered(np.array([[1.2, 1.2], [1.8, 1.2], [1.5, 1.8]]), np.array([[0, 1, 2]]), (4, 4)).any()


@pytest.mark.parametrize("function", [silhouette, outlines])
def test_behind_the_source(function):
    with pytest.raises(InputError, match=r"mesh: expected in front of the source \(Z > 0 mm\), got Z = -5 mm"):
        function(ball(15.0, (0, 0, 10)), CAMERA, SIZE)


def area(outline):
    """Of a polygon, px^2; negative when what it is around lies to its left."""
    u, v = outline.T
    return (u * np.roll(v, -1) - np.roll(u, -1) * v).sum() / 2


def test_a_balls_outline_is_a_circle():
    (outline,) = outlines(ball(15.0, (0, 0, 500), 200), CAMERA, SIZE)
    radius_px = 1000 / 0.5 * 15 / np.sqrt(500**2 - 15**2)
    assert np.hypot(*(outline - [99.5, 79.5]).T) == pytest.approx(radius_px, abs=0.02)  # a ball of flat faces
    assert area(outline) == pytest.approx(np.pi * radius_px**2, rel=1e-3)


def test_a_cubes_outline_is_its_near_face():
    """A cube of 20 mm around depth 500 mm: its near face at 490 mm covers 10 * 2000 / 490 pixels to each side."""
    corners = np.array([(x, y, z) for x in (-10, 10) for y in (-10, 10) for z in (490, 510)], float)
    quads = np.array([(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)])
    cube = Mesh(corners, np.vstack([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]))
    (outline,) = outlines(cube, CAMERA, SIZE)
    half = 10 * 2000 / 490
    off = np.abs(outline - [99.5, 79.5])
    assert off.max(1).max() == pytest.approx(half)
    assert off.max(1).min() > half - 0.2  # the corners are cut by at most half a grid cell
    assert area(outline) == pytest.approx((2 * half) ** 2, rel=1e-4)


def test_a_hole_has_an_outline_of_its_own():
    found = sorted(outlines(frame(), CAMERA, SIZE), key=area)
    assert [area(outline) for outline in found] == pytest.approx([-(40**2), 80**2], rel=1e-3)
    assert np.abs(found[0] - [99.5, 79.5]).max() == pytest.approx(20)


def test_outline_is_as_fine_in_a_small_image_as_in_a_large_one():
    mesh = ball(15.0, (6, -4, 500))
    (small,) = outlines(mesh, CAMERA.resized(0.1, 0.1), (20, 16))
    (large,) = outlines(mesh, CAMERA.resized(10, 10), (2000, 1600))
    assert (small + 0.5) * 100 == pytest.approx(large + 0.5, abs=1e-6)


def test_outline_is_cut_at_the_images_edge():
    (outline,) = outlines(ball(15.0, (25, 0, 500)), CAMERA, SIZE)
    assert outline[:, 0].max() == 199.5
    assert outline[:, 0].min() == pytest.approx(199.5 - 60.03, abs=0.1)
    assert area(outline) == pytest.approx(np.pi * 60.03**2 / 2, rel=0.005)
    assert outlines(ball(5.0, (200, 0, 500)), CAMERA, SIZE) == ()


def test_outlines_enclose_what_is_covered():
    """Three balls apart, two of them overlapping: the area in pixels, and one outline for each shape seen."""
    parts = [ball(8.0, centre) for centre in ((-12, 0, 480), (-6, 5, 510), (14, -4, 500))]
    shift = np.cumsum([0] + [len(part.vertices) for part in parts[:-1]])
    faces = np.vstack([part.faces + first for part, first in zip(parts, shift, strict=True)])
    mesh = Mesh(np.vstack([part.vertices for part in parts]), faces)
    found = outlines(mesh, CAMERA, SIZE)
    assert len(found) == 2
    assert sum(map(area, found)) == pytest.approx(silhouette(mesh, CAMERA, SIZE).sum(), rel=0.005)
