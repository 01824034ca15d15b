"""Views by name, and what the distances do to the size."""

import numpy as np
import pytest
import slicer_host

from ReVertLib.dataset.build_case import VIEWS
from ReVertLib.geometry.views import view_rotation


@pytest.fixture
def geometry():
    slicer_host.load()
    from ReVertSlicer.input import view_geometry as geometry

    return geometry


def test_the_views_are_the_clinical_ones_and_pa(geometry):
    clinical = {(view.yaw_deg, view.pitch_deg, view.roll_deg) for view in VIEWS["clinical"].values()}
    assert set(geometry.VIEWS.values()) == clinical | {(180, 0, 0)}


@pytest.mark.parametrize(("name", "sign"), [("Left lateral", 1), ("Right lateral", -1)])
def test_laterals_are_named_by_the_side_at_the_detector(geometry, name, sign):
    (angles,) = [angles for key, angles in geometry.VIEWS.items() if key.startswith(name)]
    np.testing.assert_allclose(view_rotation(*angles)[2], [sign, 0, 0], atol=1e-12)


@pytest.mark.parametrize(("side", "sign"), [("to the left", 1), ("to the right", -1)])
def test_obliques_say_where_the_tube_stands(geometry, side, sign):
    """The tube is where the beam comes from."""
    (angles,) = [angles for key, angles in geometry.VIEWS.items() if key.startswith("Oblique") and side in key]
    tube = -view_rotation(*angles)[2]
    assert sign * tube[0] > 0.4
    assert tube[1] < -0.9  # in front


def test_a_view_is_found_by_its_angles(geometry):
    for name, (yaw, pitch, roll) in geometry.VIEWS.items():
        assert geometry.viewOf((yaw, pitch, roll)) == name
        assert geometry.viewOf((yaw - 360, pitch + 360, roll + 0.01)) == name
    assert geometry.viewOf((0, 5, 0)) is None


def test_size_effect(geometry):
    known = {"sdd_mm": 1000.0, "sod_mm": 800.0, "pixel_spacing_mm": (0.5, 0.25)}
    assert geometry.sizeEffect(known) == (
        "Magnification 1.250; a pixel is 0.400 × 0.200 mm at the vertebra; "
        "1 cm more from source to vertebra makes the result 1.2 % larger."
    )
    for key in known:
        assert geometry.sizeEffect({name: value for name, value in known.items() if name != key}) == ""
    assert geometry.sizeEffect({**known, "sod_mm": 1000.0}) == ""


def test_size_of_a_vertebra(geometry):
    known = {"sdd_mm": 1000.0, "sod_mm": 500.0, "pixel_spacing_mm": (0.5, 0.25)}
    assert geometry.vertebraPx(known, (300, 200)).tolist() == [360, 480]
    assert geometry.vertebraPx({}, (300, 210)).tolist() == [150, 70]
