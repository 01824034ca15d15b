"""The virtual crop camera: homographies by hand, discs where they belong, and images that say nothing."""

import numpy as np
import pytest

from ReVertLib.errors import InputError
from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.crop_camera import CROP_FIELD_MM, CROP_PIXEL_MM, CROP_SIZE_PX
from ReVertLib.imaging.crop import boxed, crop_vertebra, foreground_box

SOD_MM = 700.0
SMALL = Geometry(1020.0, SOD_MM, (3.0, 3.0), (63.5, 63.5))
LARGE = Geometry(1020.0, SOD_MM, (0.2, 0.2), (1023.5, 1023.5))
ANISOTROPIC = Geometry(1020.0, SOD_MM, (0.5, 0.25), (400.0, 900.0))
DETECTORS = {"128": (SMALL, (128, 128)), "2048": (LARGE, (2048, 2048)), "unequal": (ANISOTROPIC, (800, 1700))}
detectors = pytest.mark.parametrize(("geometry", "size_px"), DETECTORS.values(), ids=DETECTORS)


def with_box(geometry, centre_mm, half_mm=35.0):
    """The geometry with the box around a square at depth SOD_MM, cut to no image; its ray is exactly centre_mm's."""
    u, v = geometry.project(np.array([[*centre_mm, SOD_MM]]))[0]
    du, dv = half_mm / SOD_MM * geometry.focal_px
    box = (u + 0.5 - du, v + 0.5 - dv, u + 0.5 + du, v + 0.5 + dv)
    return Geometry(geometry.sdd_mm, SOD_MM, geometry.pixel_spacing_mm, geometry.principal_point_px, "L3", box)


def disc(geometry, size_px, centre_mm, radius_mm=12.0):
    """The shadow of a thin disc across the beam at depth SOD_MM, its rim one pixel soft."""
    columns, rows = size_px
    v, u = np.mgrid[:rows, :columns].reshape(2, -1)
    away_mm = geometry.backproject(np.stack([u, v], 1), SOD_MM)[:, :2] - centre_mm
    pixel_mm = max(geometry.pixel_spacing_mm) * SOD_MM / geometry.sdd_mm
    edge = (radius_mm - np.linalg.norm(away_mm, axis=1)) / pixel_mm + 0.5
    return np.clip(edge, 0, 1).reshape(rows, columns).astype(np.float32)


def centroid(pixels):
    v, u = np.indices(pixels.shape)
    return np.array([(u * pixels).sum(), (v * pixels).sum()]) / pixels.sum()


@detectors
@pytest.mark.parametrize("place_mm", [(0.0, 0.0), (12.0, -20.0), (-25.0, 18.0)])
def test_a_disc_appears_where_the_geometry_says(geometry, size_px, place_mm):
    box_mm = np.array([30.0, 25.0])
    at = box_mm + place_mm
    crop = crop_vertebra(disc(geometry, size_px, at), with_box(geometry, box_mm))
    expected = crop.geometry.project(crop.camera_from_crop.inverse.apply(np.array([[*at, SOD_MM]])))[0]
    assert centroid(crop.pixels) == pytest.approx(expected, abs=0.1)
    assert crop.pixels.shape == (CROP_SIZE_PX, CROP_SIZE_PX)
    assert crop.pixels.dtype == np.float32
    assert (crop.pixels.min(), crop.pixels.max()) == (0.0, 1.0)
    assert crop.pixels.sum() * CROP_PIXEL_MM**2 == pytest.approx(np.pi * 12.0**2, rel=0.03)


def test_every_detector_gives_the_same_crop():
    at = np.array([22.0, 30.0])
    crops = [crop_vertebra(disc(g, size, at), with_box(g, (30.0, 25.0))).pixels for g, size in DETECTORS.values()]
    fine, coarse = crops[1], crops[0]
    assert np.abs(crops[2] - fine).mean() < 0.003
    assert np.abs(coarse - fine).mean() < 0.02  # one pixel of the small detector is two of the crop


def test_stripes_too_fine_for_the_crop_become_grey_along_either_axis():
    """Aliasing would leave stripes of full contrast; spacing differs between the axes, and so must the smoothing."""
    geometry = with_box(Geometry(1020.0, SOD_MM, (0.6, 0.15), (150.0, 600.0)), (0.0, 0.0))
    pixels = np.zeros((1200, 300), np.float32)
    pixels[np.arange(1200) % 6 < 3, 150:] = 1.0
    crop = crop_vertebra(pixels, geometry).pixels[20:-20]
    assert (crop[:, : CROP_SIZE_PX // 2 - 3] == 0).all()
    assert crop[:, CROP_SIZE_PX // 2 + 3 :].min() > 0.95


def test_pixels_far_finer_than_the_crop_are_averaged_first():
    """0.02 x 0.04 mm at the detector: up to 64 pixels to one of the crop. A disc stays where it is and as large."""
    fine = Geometry(1020.0, SOD_MM, (0.02, 0.04), (999.5, 499.5))
    crop = crop_vertebra(disc(fine, (2000, 1000), (1.0, -1.5), 8.0), with_box(fine, (0.0, 0.0), 10.0))
    expected = crop.geometry.project(np.array([[1.0, -1.5, SOD_MM]]))[0]
    assert centroid(crop.pixels) == pytest.approx(expected, abs=0.1)
    assert crop.pixels.sum() * CROP_PIXEL_MM**2 == pytest.approx(np.pi * 8.0**2, rel=0.03)


def test_the_work_does_not_grow_with_a_spacing_that_no_detector_has():
    """All places fall on one pixel or beside the image."""
    tiny = Geometry(1020.0, SOD_MM, (1e-7, 1e-7), (63.5, 63.5), "L3", (0.0, 0.0, 128.0, 128.0))
    assert crop_vertebra(disc(SMALL, (128, 128), (0.0, 0.0)), tiny).pixels.shape == (CROP_SIZE_PX, CROP_SIZE_PX)


def test_size_of_the_crop_is_the_networks():
    geometry = with_box(LARGE, (0.0, 0.0))
    small, large = (crop_vertebra(disc(LARGE, (2048, 2048), (9.0, 0.0)), geometry, n) for n in (64, 224))
    assert (small.pixels.shape, large.pixels.shape) == ((64, 64), (224, 224))
    slope = [(centroid(c.pixels)[0] - (s - 1) / 2) / s for c, s in ((small, 64), (large, 224))]
    assert slope == pytest.approx([9.0 / CROP_FIELD_MM] * 2, abs=2e-3)


def test_outside_the_image_it_is_dark():
    """A box at the left border: half of the field of view lies outside, and is as dark as the darkest inside."""
    pixels = np.full((128, 128), 90.0, np.float32)
    pixels[60:70, :20] = 240.0
    u0 = np.array([[0.0, 63.5]])
    centre_mm = SMALL.backproject(u0, SOD_MM)[0, :2]
    crop = crop_vertebra(pixels, with_box(SMALL, centre_mm, 10.0)).pixels
    assert (crop[:, : CROP_SIZE_PX // 2 - 2] == 0).all()
    assert crop[CROP_SIZE_PX // 2, CROP_SIZE_PX // 2 + 3 : CROP_SIZE_PX // 2 + 12].min() > 0.95
    far = with_box(SMALL, (900.0, 0.0))
    assert (crop_vertebra(pixels, far).pixels == 0).all()


@pytest.mark.parametrize("value", [0.0, 7.0, 65535.0])
def test_a_constant_image_becomes_a_dark_crop(value):
    pixels = np.full((128, 128), value, np.float32)
    assert (crop_vertebra(pixels, with_box(SMALL, (0.0, 0.0))).pixels == 0).all()
    with pytest.raises(InputError, match="box: expected an image with a vertebra in it, got a constant one"):
        foreground_box(pixels)


def test_brightness_and_type_do_not_matter():
    geometry = with_box(SMALL, (0.0, 0.0))
    pixels = disc(SMALL, (128, 128), (5.0, 5.0))
    first = crop_vertebra(pixels, geometry).pixels
    assert np.allclose(crop_vertebra(300.0 * pixels + 40.0, geometry).pixels, first, atol=1e-5)
    assert np.allclose(crop_vertebra(np.rint(60000 * pixels).astype(np.uint16), geometry).pixels, first, atol=1e-4)


def test_foreground_box_by_hand():
    pixels = np.full((40, 60), 10.0)
    pixels[12:30, 20:45] = 100.0
    pixels[3:5, 50:52] = 200.0  # a smaller spot, brighter
    pixels[15:20, 10:15] = 14.0  # below 5 % of the range
    assert foreground_box(pixels) == (20.0, 12.0, 45.0, 30.0)


def test_foreground_box_needs_a_black_border():
    pixels = np.random.default_rng(0).uniform(50, 100, (64, 64))
    with pytest.raises(InputError, match="box: expected --box or box_px around the vertebra, got an image that is not"):
        foreground_box(pixels)


@pytest.mark.parametrize(("bright", "accepted"), [(12, True), (14, False)])
def test_a_fifth_of_the_border_may_be_bright(bright, accepted):
    """So many columns at the middle of the upper and the lower edge: of 126 pixels along the border 24 or 28."""
    pixels = np.zeros((32, 31), np.float32)
    pixels[:, 10 : 10 + bright] = 100.0
    if accepted:
        assert foreground_box(pixels) == (10.0, 0.0, 22.0, 32.0)
        return
    with pytest.raises(InputError, match="an image that is not of an isolated vertebra"):
        foreground_box(pixels)


def test_the_given_box_goes_first():
    pixels = disc(SMALL, (128, 128), (0.0, 0.0))
    assert boxed(pixels, with_box(SMALL, (30.0, 0.0))) == with_box(SMALL, (30.0, 0.0))
    found = boxed(pixels, SMALL).box_px
    assert found == foreground_box(pixels)
    assert (found[0] + found[2]) / 2 == pytest.approx(64.0, abs=0.5)  # centre 63.5 of pixels, half a pixel to the edge
