"""Frames of a film whose vertebrae are known: where each begins, and when all begins anew."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from known_film import EXACT, FILM, PIXELS, Reader, asked_for
from straight_spine import SOD_MM, turn, usual_spine

from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.imaging.radiograph import radiograph_from_array
from ReVertLib.spine.film import film_result
from ReVertLib.spine.following import FollowedFilm
from ReVertLib.spine.inputs import FilmInput

FIRST, NEXT = [5, 5], [5]
"""Sizes of the batches of a frame that begins with nothing known, and of one that follows."""


@pytest.fixture
def reader():
    """Of a spine whose vertebrae reach into each other, so that they are pushed apart."""
    spine = usual_spine((0.0, 0.0, 0.0), 25.0)
    return Reader({level: shifted(mesh, 0.0, 2.0 * (i % 2), 0.0) for i, (level, mesh) in enumerate(spine.items())})


def shifted(mesh, *mm):
    return mesh.moved(RigidTransform(np.eye(3), np.array(mm)))


def film(reader, **changes):
    radiograph = radiograph_from_array(PIXELS + np.eye(512, dtype=np.float32), name="frame")
    given = FilmInput(radiograph, FILM, {}, asked_for(reader.spine), "L3", EXACT, None, ())
    return replace(given, **changes)


def batches(reader):
    sizes = [len(batch) for batch in reader.asked]
    reader.asked.clear()
    return sizes


def apart_mm(one, other):
    both = zip(one.levels, other.levels, strict=True)
    return max(np.abs(a.reconstruction.mesh.vertices - b.reconstruction.mesh.vertices).max() for a, b in both)


def test_the_same_picture_has_the_same_answer_however_often_with_one_batch(reader):
    followed, given = FollowedFilm(), film(reader)
    whole = film_result(reader, given)
    assert max(one.change.overlap_mm3 for one in whole.levels) > 0
    assert batches(reader) == FIRST
    frames = [followed.result(reader, given) for _ in range(4)]
    assert batches(reader) == FIRST + 3 * NEXT
    assert [apart_mm(frame, whole) for frame in frames] == pytest.approx([0, 0, 0, 0], abs=1e-3)
    assert apart_mm(frames[1], frames[3]) == 0  # each begins where the first ended
    for frame in frames:
        assert (frame.geometry, frame.anchor, frame.warnings) == (whole.geometry, "L3", whole.warnings)
        assert [one.change for one in frame.levels] == [one.change for one in whole.levels]


def test_a_frame_that_moved_a_little_is_answered_as_from_nothing(reader):
    followed, given = FollowedFilm(), film(reader)
    followed.result(reader, given)
    reader.spine = {level: shifted(mesh, 0.0, 3.0, 0.0) for level, mesh in reader.spine.items()}
    batches(reader)
    frame = followed.result(reader, given)
    assert batches(reader) == NEXT
    assert apart_mm(frame, film_result(reader, given)) < 0.3


L3_MM = np.array([0.0, 0.0, SOD_MM])
BENT = RigidTransform.about(L3_MM, turn(6.0, 0.0, 0.0), L3_MM)
"""About L3: L5 comes some 7 mm nearer or farther."""
ASIDE = RigidTransform(np.eye(3), np.array([6.0, 0.0, 0.0]))


@pytest.mark.parametrize("moved", [BENT, ASIDE], ids=["bent", "aside"])
def test_levels_that_moved_farther_begin_all_anew(reader, moved):
    followed, given = FollowedFilm(), film(reader)
    followed.result(reader, given)
    reader.spine = {level: mesh.moved(moved) for level, mesh in reader.spine.items()}
    batches(reader)
    frame = followed.result(reader, given)
    assert batches(reader) == NEXT + FIRST
    assert apart_mm(frame, film_result(reader, given)) == 0
    batches(reader)
    followed.result(reader, given)
    assert batches(reader) == NEXT


def test_another_view_begins_all_anew(reader):
    followed, given = FollowedFilm(), film(reader)
    followed.result(reader, given)
    batches(reader)
    reader.view_deg = (180.0, 0.0, 0.0)
    followed.result(reader, given)
    assert batches(reader) == NEXT + FIRST


def test_what_is_asked_otherwise_begins_all_anew(reader):
    given = film(reader)
    asked = dict(given.asked)
    larger = replace(asked["L3"], geometry=replace(asked["L3"].geometry, box_px=(1.0, 2.0, 300.0, 400.0)))
    known = [given, replace(given, asked={**asked, "L3": larger}), replace(given, anchor="L2"), given]
    followed = FollowedFilm()
    for one, other in pairwise(known):
        followed.result(reader, one)
        batches(reader)
        followed.result(reader, other)
        assert batches(reader) == FIRST
