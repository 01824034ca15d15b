"""Pictures of a page: what PNG they are, which part of the film, and from which side a surface is seen."""

import io

import numpy as np
import pytest
from PIL import Image
from tiny import CUBE

from ReVertLib.mesh.mesh import Mesh
from ReVertLib.report.pictures import BONE_RGB, FILM_PX, SIDES, film_picture, png, surface_pictures

POINTS = np.array([[40.0, 30.0], [60.0, 50.0]])
SMALL_PX = 64


@pytest.fixture
def small_pictures(monkeypatch):
    monkeypatch.setattr("ReVertLib.report.pictures.SIDE_PX", SMALL_PX)


def opened(data):
    return np.asarray(Image.open(io.BytesIO(data)))


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_png_is_read_by_another_library_as_it_was(channels):
    picture = np.random.default_rng(0).integers(0, 256, (5, 7, channels), np.uint8)
    assert np.array_equal(opened(png(picture)).reshape(picture.shape), picture)


def test_a_film_is_cut_to_what_is_around_the_vertebrae():
    """20 pixels of vertebra and 0.3 times as much on every side: pixels 34..66 and 24..56."""
    pixels = np.tile(np.arange(200.0), (100, 1))
    pixels[:20, :20] = 1e6  # what is written into a corner
    found = film_picture(pixels, [POINTS])
    assert (found.origin_px, found.size_px) == ((34, 24), (33, 33))
    grey = opened(found.png)
    assert grey.shape == (33, 33)
    assert (np.diff(grey[0].astype(int)) >= 0).all() and grey[0, -1] > 250 and grey[0, 0] < 5


def test_a_film_is_cut_at_its_edge_and_drawn_smaller_when_it_is_large():
    pixels = np.random.default_rng(0).random((3000, 2000))
    found = film_picture(pixels, [np.array([[0.0, 0.0], [1999.0, 2999.0]])])
    assert (found.origin_px, found.size_px) == ((0, 0), (2000, 3000))
    assert opened(found.png).shape == (750, 500)
    assert FILM_PX == 760


def test_each_side_shows_what_lies_there(small_pictures):
    """A cube whose faces towards the source (z = 0), the picture's right (x = 1) and top (y = 0) differ in value."""
    corners = (CUBE.vertices - 0.5) * 20 + (0, 0, 700)
    seen = {}
    for name, (axis, side) in {"source": (2, 0), "right": (0, 1), "above": (1, 0)}.items():
        values = (CUBE.vertices[:, axis] == side).astype(float)
        found = surface_pictures(Mesh(corners, CUBE.faces), values, ("#ff0000", "#0000ff"), (0.0, 1.0))
        for picture, data in found.items():
            red, _green, blue, _alpha = opened(data)[SMALL_PX // 2, SMALL_PX // 2].astype(int)
            seen[name, picture.split(" of ")[0]] = blue > 5 * red
    names = {"source": "as the X-ray source sees it", "right": "from the right", "above": "from above the picture"}
    for name in names:
        assert [seen[name, picture] for picture in names.values()] == [name == other for other in names]


def test_a_surface_without_values_is_like_bone_on_a_clear_ground():
    mesh = Mesh(CUBE.vertices + np.array([0, 0, 9]), CUBE.faces)
    picture = opened(surface_pictures(mesh, None, (), (0, 1))[next(iter(SIDES))])
    assert picture[0, 0, 3] == 0 and picture[160, 160, 3] == 255
    shade = picture[160, 160, :3] / picture[160, 160, 0]
    assert shade == pytest.approx(np.array(BONE_RGB) / BONE_RGB[0], abs=0.05)


def test_sides_are_rotations():
    for rotation in SIDES.values():
        assert rotation @ rotation.T == pytest.approx(np.eye(3)) and np.linalg.det(rotation) == pytest.approx(1)
