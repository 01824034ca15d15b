"""What is known of a film before its vertebrae are reconstructed."""

import numpy as np
import pytest

from ReVertLib.geometry.layers import LayeredGeometry
from ReVertLib.imaging.radiograph import radiograph_from_array
from ReVertLib.spine.inputs import Wishes, film_input

LENGTHS = {"sdd_mm": 1000.0, "sod_mm": 700.0, "pixel_spacing_mm": (1.0, 1.0)}
BOXES = {"L3": (60.0, 80.0, 140.0, 140.0), "L4": (62.0, 140.0, 144.0, 200.0)}


@pytest.mark.parametrize(("view", "is_told"), [({}, False), ({"yaw_deg": 180.0}, True)])
def test_of_every_vertebra_it_is_known_whether_its_view_is_told(view, is_told):
    radiograph = radiograph_from_array(np.arange(44_000.0).reshape(220, 200), name="film", inverted=False)
    given = film_input(radiograph, LayeredGeometry().over(LENGTHS | view, "given"), Wishes(BOXES), None)
    assert [one.is_view_told for one in given.asked.values()] == [is_told, is_told]
