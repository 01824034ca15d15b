"""A film that hangs upside down, or on which bone is dark, gives the same surfaces."""

from dataclasses import replace

import numpy as np
import pytest
from tiny import weights

from ReVertLib.finding.found import Answer, FoundSpine, FoundVertebra, Reading
from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.layers import LayeredGeometry
from ReVertLib.imaging.radiograph import radiograph_from_array
from ReVertLib.inference.predictor import Predictor
from ReVertLib.spine.film import film_result
from ReVertLib.spine.hung import HALF_TURN, turned_geometry
from ReVertLib.spine.inputs import Wishes, film_input

PIXELS = np.random.default_rng(3).random((220, 200)).astype(np.float32)
BOXES = {"L3": (60.0, 80.0, 140.0, 140.0), "L4": (62.0, 140.0, 144.0, 200.0)}
GEOMETRY = {"sdd_mm": 1000.0, "sod_mm": 700.0, "pixel_spacing_mm": (1.0, 1.1), "principal_point_px": (90.0, 120.0)}
NO, YES = Answer(False, 0.9), Answer(True, 0.9)


@pytest.fixture(scope="module")
def predictor(tmp_path_factory):
    return Predictor(weights(tmp_path_factory.mktemp("hung"), "context"), "cpu")


class Finds:
    """Finds boxes, and says how the film was taken."""

    def __init__(self, boxes, inverted=NO, upside_down=NO):
        self.boxes, self.flags = boxes, (inverted, upside_down, NO)

    def find(self, *_):
        found = tuple(
            FoundVertebra(22 + i, np.reshape(box, (2, 2)).mean(0), box, np.full((4, 2), np.nan), 0.9)
            for i, box in enumerate(self.boxes.values())
        )
        return FoundSpine(found, (Reading((22, 23), 1.0),), frozenset(), (), *self.flags)


def read(predictor, pixels, wishes=None, finder=None, **changed):
    radiograph = radiograph_from_array(pixels, name="film", inverted=False)
    layers = LayeredGeometry().over(GEOMETRY | {"yaw_deg": 0.0} | changed, "given")
    return film_result(predictor, film_input(radiograph, layers, wishes or Wishes(), finder))


def turned(box):
    return turned_geometry(Geometry(**GEOMETRY, box_px=box), (200, 220))


def vertices(result):
    return np.stack([one.reconstruction.mesh.vertices for one in result.levels])


@pytest.mark.parametrize("found", [False, True])
def test_upside_down_the_same_surfaces_lie_turned_about_the_principal_ray(predictor, found):
    straight = read(predictor, PIXELS, None if found else Wishes(BOXES), Finds(BOXES) if found else None)
    boxes = {level: turned(box).box_px for level, box in BOXES.items()}
    by_hand, finds = Wishes(boxes, upside_down=True), Finds(boxes, upside_down=YES)
    other = {"principal_point_px": turned(None).principal_point_px}
    upside = read(predictor, PIXELS[::-1, ::-1], None if found else by_hand, finds if found else None, **other)
    expected = np.stack([HALF_TURN.apply(mesh) for mesh in vertices(straight)])
    assert vertices(upside) == pytest.approx(expected, abs=0.02)
    as_it_hangs = read(predictor, PIXELS[::-1, ::-1], replace(by_hand, upside_down=False), **other)
    assert np.abs(vertices(as_it_hangs) - expected).max() > 1.0
    before, after = straight.levels[0].reconstruction, upside.levels[0].reconstruction
    back = turned_geometry(after.geometry, (200, 220))
    assert back.box_px == pytest.approx(before.geometry.box_px, abs=0.02)
    assert back.principal_point_px == before.geometry.principal_point_px


def test_where_bone_is_seen_to_be_dark_the_film_is_read_inverted(predictor):
    straight = read(predictor, PIXELS, finder=Finds(BOXES))
    dark = read(predictor, PIXELS.max() + PIXELS.min() - PIXELS, finder=Finds(BOXES, inverted=YES))
    assert vertices(dark) == pytest.approx(vertices(straight), abs=0.02)
