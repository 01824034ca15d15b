"""What was found roughly on a film is where its surface is seen in the end."""

from dataclasses import replace

import numpy as np
import pytest
from straight_spine import SOD_MM, evidence, seen_at, usual_spine

from ReVertLib.finding.found import Answer, FoundSpine, FoundVertebra, Reading
from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.levels import LEVELS, VERSE_LABELS
from ReVertLib.imaging.radiograph import radiograph_from_array
from ReVertLib.inference.plausibility import UNLIKE
from ReVertLib.inference.results import Reconstruction
from ReVertLib.spine.closer_look import looked_again
from ReVertLib.spine.inputs import FilmInput
from ReVertLib.spine.records import Asked
from ReVertLib.spine.scale import GIVEN, Scale

FILM = Geometry(1150.0, SOD_MM, (0.9, 0.9), (255.5, 255.5), view_deg=(0.0, 0.0, 0.0))
PIXELS = np.random.default_rng(0).random((512, 512), np.float32)
OFF_PX = np.array([5.0, -4.0])


class Reader:
    """Answers with the true vertebrae of a spine, with warnings by level."""

    def __init__(self, spine, warnings=None, moved_mm=(0.0, 0.0, 0.0)):
        self.spine, self.warnings, self.moved_mm, self.asked = spine, warnings or {}, np.array(moved_mm), []

    def reconstruct_all(self, pixels, geometries, draft=False):
        self.asked.append(geometries)
        found = []
        for geometry in geometries:
            mesh = seen_at(self.spine[geometry.level], geometry.sod_mm)
            mesh = replace(mesh, vertices=mesh.vertices + self.moved_mm)
            found.append(Reconstruction(mesh, geometry, 0.1, self.warnings.get(geometry.level, ())))
        return found


def middle_px(mesh):
    one = evidence("L3", mesh)
    return FILM.project((one.upper.translation_mm + one.lower.translation_mm)[None] / 2)[0]


def rough_film(spine):
    """A film on which everything was found OFF_PX from where it is, in boxes too wide by a tenth."""
    vertebrae, asked = [], {}
    for level in LEVELS:
        seen = FILM.project(spine[level].vertices)
        margin = 0.05 * np.ptp(seen, axis=0)
        box = (*(seen.min(0) - margin + OFF_PX).tolist(), *(seen.max(0) + margin + OFF_PX).tolist())
        centre = middle_px(spine[level]) + OFF_PX
        vertebrae.append(FoundVertebra(VERSE_LABELS[level], centre, box, np.full((4, 2), np.nan), 0.9))
        asked[level] = Asked(replace(FILM, level=level, box_px=box), True, 0.9)
    vertebrae.append(FoundVertebra(26, np.array([250.0, 480.0]), (200.0, 450.0, 300.0, 510.0), np.zeros((4, 2)), 0.8))
    labels, no = tuple(one.label for one in vertebrae), Answer(False, 1.0)
    found = FoundSpine(tuple(vertebrae), (Reading(labels, 1.0),), frozenset(), (), no, no, no)
    scale = Scale(GIVEN, 0.0, 0.0, "distances and spacing")
    return FilmInput(radiograph_from_array(PIXELS, name="film"), FILM, {}, asked, "L3", scale, found, ())


@pytest.fixture(scope="module")
def spine():
    return usual_spine()


def test_centres_boxes_and_corners_are_those_of_the_surfaces(spine):
    film = rough_film(spine)
    closer = looked_again(Reader(spine), film)
    for level in LEVELS:
        vertebra = closer.found.named(VERSE_LABELS[level])
        at_film_depth = seen_at(spine[level], SOD_MM)
        seen = FILM.project(at_film_depth.vertices)
        assert np.abs(vertebra.centre_px - middle_px(at_film_depth)).max() < 0.5
        assert np.abs(np.array(vertebra.box_px) - [*seen.min(0), *seen.max(0)]).max() < 2.5
        assert closer.asked[level].geometry.box_px == pytest.approx(vertebra.box_px)
        top_left, top_right, bottom_right, bottom_left = vertebra.corners_px
        assert top_left[0] < top_right[0] and bottom_left[0] < bottom_right[0]
        assert top_left[1] < vertebra.centre_px[1] < bottom_left[1]
    assert closer.found.vertebrae[-1] is film.found.vertebrae[-1]


def test_the_second_look_is_at_where_the_first_saw_it(spine):
    reader = Reader(spine)
    closer = looked_again(reader, rough_film(spine))
    assert len(reader.asked) == 2
    assert [one.geometry for one in closer.seen.values()] == reader.asked[1]
    assert [one.box_px for one in reader.asked[1]] == [one.geometry.box_px for one in closer.asked.values()]


def test_what_is_unlike_a_vertebra_or_of_another_stays_where_it_was(spine):
    film = rough_film(spine)
    unlike = looked_again(Reader(spine, {"L2": (f"{UNLIKE}dark",)}), film)
    assert unlike.found.named(21) is film.found.named(21)
    assert unlike.found.named(22) is not film.found.named(22)
    neighbours = looked_again(Reader(spine, moved_mm=(0.0, 35.0, 0.0)), film)
    assert neighbours.found.vertebrae == film.found.vertebrae


def test_boxes_by_hand_are_kept(spine):
    reader, film = Reader(spine), replace(rough_film(spine), found=None)
    assert looked_again(reader, film) is film
    assert reader.asked == []
