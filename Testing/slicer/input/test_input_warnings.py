"""When the panel warns about an input, compared with the views that training draws."""

from dataclasses import replace

import numpy as np
import pytest
import slicer_host

from ReVertLib.geometry import crop_camera
from ReVertLib.geometry.layers import LayeredGeometry, SourcedValue
from ReVertLib.geometry.views import view_rotation
from ReVertLib.synthesis import views


@pytest.fixture
def input_warnings():
    slicer_host.load()
    from ReVertSlicer.input import input_warnings

    return input_warnings


@pytest.fixture
def pixels(input_warnings):
    """A PixelFacts without any warning."""
    from ReVertSlicer.input.radiograph_check import PixelFacts

    return PixelFacts(looksDark=False, lowest=0.5, highest=0.0001, levels=200, minimum=0.0)


@pytest.fixture
def sources(input_warnings):
    """Makes Sources of values."""
    from ReVertSlicer.input.sources import Sources

    def make(missing=(), mirrored=False, stated=None, **values):
        known = LayeredGeometry().over(values, "entered")
        return Sources(known, dict.fromkeys(missing, "not given"), None, mirrored, stated)

    return make


COMPLETE = {"sdd_mm": 1000.0, "sod_mm": 600.0, "pixel_spacing_mm": (1.0, 1.0), "yaw_deg": 0.0}


def test_an_isolated_vertebra_raises_no_warning(input_warnings, pixels, sources):
    assert input_warnings.pixelWarnings(pixels, False) == ()
    assert input_warnings.geometryWarnings(sources(**COMPLETE), (300, 300)) == ()


def test_a_view_that_nobody_gave_is_said(input_warnings, sources):
    (line,) = input_warnings.geometryWarnings(sources(**{**COMPLETE, "yaw_deg": None}), (300, 300))
    assert line == "the view is not known: the surface is placed as if it were AP; choose the view"


@pytest.mark.parametrize(
    ("facts", "dark", "line"),
    [
        ({"highest": 0.011}, False, "1% of the image is saturated"),
        ({"lowest": 0.02}, True, "2% of the image is saturated"),
        ({"levels": 2}, False, "only 2 grey levels"),
        ({"minimum": -1024.0}, False, "values down to -1024, as in a CT: a slice of one is not a radiograph"),
    ],
)
def test_each_warning_about_pixels(input_warnings, pixels, facts, dark, line):
    (found,) = input_warnings.pixelWarnings(replace(pixels, **facts), dark)
    assert found.startswith(line)


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"sod_mm": 960.0}, "source to object, 960 mm, is beyond the 450 to 950 mm"),
        ({"pitch_deg": -37.0}, "the view leans farther than"),
        ({"roll_deg": 90.0}, "the view leans farther than"),
        ({"mirrored": True}, "the picture is a mirror image"),
        ({"stated": SourcedValue(2, "DICOM a")}, "DICOM a says that the picture is to be mirrored left to right: it"),
        ({"box_px": (0, 0, 301, 20)}, "the box leaves the image and was cut to it"),
        ({"pixel_spacing_mm": (4.0, 4.0)}, "one pixel covers 2.4 mm of the vertebra, which is about 38 pixels wide"),
        ({"pixel_spacing_mm": (0.1, 0.1)}, "the image covers only 18 mm at the vertebra"),
    ],
)
def test_each_warning_about_geometry(input_warnings, sources, values, line):
    (found,) = input_warnings.geometryWarnings(sources(**{**COMPLETE, **values}), (300, 300))
    assert found.startswith(line)


def test_what_is_not_known_is_not_warned_about(input_warnings, sources):
    found = sources(missing=["sod_mm"], pixel_spacing_mm=(9.0, 9.0), yaw_deg=0.0)
    assert input_warnings.geometryWarnings(found, (300, 300)) == ()


def test_angles_count_round_the_circle(input_warnings):
    assert input_warnings.isTrainedView({"yaw_deg": 270.0, "pitch_deg": 359.0, "roll_deg": -355.0})
    assert [input_warnings.wrapped(angle) for angle in (180, -180, 190, -270, 0)] == [180, 180, -170, 90, 0]


def angles_of(rotation):
    """Yaw, pitch and roll of a camera from LPS."""
    x, z = rotation[0], rotation[2]
    yaw, pitch = np.degrees(np.arctan2(-z[0], z[1])), np.degrees(np.arcsin(z[2]))
    straight = view_rotation(yaw, pitch)
    return {"yaw_deg": yaw, "pitch_deg": pitch, "roll_deg": np.degrees(np.arctan2(straight[1] @ x, straight[0] @ x))}


def test_most_training_views_are_trained_views(input_warnings):
    """One in twelve is drawn from anywhere on the circle of pitches, and some of these lean little by chance."""
    rng = np.random.default_rng(0)
    share = np.mean([input_warnings.isTrainedView(angles_of(views.film_view(rng))) for _ in range(2000)])
    assert 0.9 < share < 0.97


def test_figures_are_those_of_the_library(input_warnings):
    low, high = input_warnings.TRAINED_SOD_MM
    assert (low, high) == views.FILM_SOD_MM
    assert input_warnings.COARSE_MM == 2 * crop_camera.CROP_PIXEL_MM
