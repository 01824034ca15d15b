"""Films whose vertebrae are known: a network that reads each rightly at whatever distance it is told."""

from dataclasses import replace

import numpy as np
import pytest
from known_film import EXACT, FILM, PIXELS, Reader, asked_for
from straight_spine import SOD_MM, depths_mm, seen_at, usual_spine

from ReVertLib.errors import InputError
from ReVertLib.geometry.levels import LEVELS
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.mesh.overlap import shared_volume_mm3
from ReVertLib.spine.scale import POPULATION, Scale
from ReVertLib.spine.together import reconstructed_together


@pytest.fixture(scope="module")
def spine():
    return usual_spine((0.0, 0.0, 0.0), 25.0)


def test_every_level_comes_to_its_own_distance(spine):
    reader = Reader(spine)
    from_the_feet = dict(reversed(asked_for(spine).items()))
    result = reconstructed_together(reader, PIXELS, from_the_feet, "L3", EXACT)
    meshes = [one.reconstruction.mesh for one in result.levels]
    assert [one.level for one in result.levels] == list(LEVELS)
    assert np.abs(depths_mm(meshes) - depths_mm(spine.values())).max() < 0.3
    assert [len(batch) for batch in reader.asked] == [5, 5]
    assert reader.drafts == [True, False]
    last = [geometry.sod_mm for geometry in reader.asked[-1]]
    assert np.abs(last - depths_mm(spine.values())).max() < 0.5
    assert (result.anchor, result.warnings) == ("L3", ())
    l5 = result.levels[4]
    assert l5.change.depth_mm == pytest.approx(depths_mm([spine["L5"]])[0] - SOD_MM, abs=0.4)
    assert l5.change.turned_deg < 0.5
    assert l5.reconstruction.geometry.sod_mm == pytest.approx(depths_mm([l5.reconstruction.mesh])[0])


def test_answers_that_are_there_are_not_asked_for_again(spine):
    reader, asked = Reader(spine), asked_for(spine)
    answers = reader.reconstruct_all(PIXELS, [one.geometry for one in asked.values()])
    usual = reconstructed_together(Reader(spine), PIXELS, asked, "L3", EXACT)
    seen = dict(reversed(list(zip(asked, answers, strict=True))))
    again = reconstructed_together(reader, PIXELS, asked, "L3", EXACT, seen)
    assert len(reader.asked) == 1 + 1
    for one, other in zip(usual.levels, again.levels, strict=True):
        assert np.allclose(one.reconstruction.mesh.vertices, other.reconstruction.mesh.vertices, atol=1e-6)
        assert one.change == other.change


def test_a_level_missed_between_two_is_sought_where_it_should_lie(spine):
    reader = Reader(spine)
    result = reconstructed_together(reader, PIXELS, asked_for(spine, ("L2", "L3", "L5")), "L3", EXACT)
    assert [(one.level, one.proposed) for one in result.levels] == [
        ("L2", False),
        ("L3", False),
        ("L4", True),
        ("L5", False),
    ]
    (warning,) = result.levels[2].reconstruction.warnings
    assert warning.startswith("L4 was not found")
    sought = next(geometry for geometry in reader.asked[1] if geometry.level == "L4").box_px
    seen = FILM.project(spine["L4"].vertices)
    assert np.abs(np.array(sought) - [*seen.min(0), *seen.max(0)]).max() < 8


def test_what_reaches_into_a_neighbour_is_pushed_out_and_said(spine):
    """L2 is read 2 mm too low and too wide at its joints, so that it reaches into L3."""
    down = spine["L2"].moved(RigidTransform.shift([0.0, 7.0, 0.0]))
    reader = Reader({**spine, "L2": down})
    before = shared_volume_mm3(down, spine["L3"])
    result = reconstructed_together(reader, PIXELS, asked_for(spine), "L3", EXACT)
    assert before > 50
    assert all(disc.overlap_mm3 <= 2.0 for disc in result.discs)
    meshes = [one.reconstruction.mesh for one in result.levels]
    assert shared_volume_mm3(meshes[1], meshes[2]) == result.discs[1].overlap_mm3


def test_an_implausible_disc_is_warned_of(spine):
    """All of it half as large again, as where pixels are in another unit: discs of 13 mm still pass, of 17 do not."""
    wide = {level: Mesh(2.1 * mesh.vertices, mesh.faces) for level, mesh in spine.items()}
    film = replace(FILM, sdd_mm=2300.0, sod_mm=2.1 * SOD_MM)
    result = reconstructed_together(Reader(wide), PIXELS, asked_for(wide, film=film), "L3", EXACT)
    assert any("mm high where 3 to 16 are plausible" in warning for warning in result.warnings)


def test_doubt_of_the_scale_widens_what_is_expected(spine):
    doubted = Scale(POPULATION, 0.08, 0.1, "the usual size of lumbar vertebrae")
    asked = asked_for(spine, ("L3", "L4"))
    sure, unsure = (reconstructed_together(Reader(spine), PIXELS, asked, "L3", scale) for scale in (EXACT, doubted))
    for one, other in zip(sure.levels, unsure.levels, strict=True):
        assert np.mean(other.reconstruction.expected_error_mm) > 1.5 * np.mean(one.reconstruction.expected_error_mm)
        assert other.depth_sd_mm > 0.1 * SOD_MM * 0.9
    assert sure.levels[0].depth_sd_mm == 0.0


def test_without_a_view_distances_are_less_sure(spine):
    """Also of a level that is put between two others, and of a view that is only tried."""
    levels = ("L1", "L2", "L3", "L5")
    told, untold = (asked_for(spine, levels, film) for film in (FILM, replace(FILM, view_deg=None)))
    tried = {level: replace(one, geometry=told[level].geometry) for level, one in untold.items()}
    sure, *unsure = (
        reconstructed_together(Reader(spine), PIXELS, asked, "L3", EXACT) for asked in (told, untold, tried)
    )
    assert [one.level for one in sure.levels] == list(LEVELS)
    for film in unsure:
        for one, other in zip(sure.levels, film.levels, strict=True):
            assert other.depth_sd_mm == pytest.approx(1.24 * one.depth_sd_mm, rel=1e-6)


def test_the_distance_is_that_of_the_level_nearest_to_the_one_named(spine):
    result = reconstructed_together(Reader(spine), PIXELS, asked_for(spine, ("L4", "L5")), "L3", EXACT)
    assert result.anchor == "L4"
    result = reconstructed_together(Reader(spine), PIXELS, asked_for(spine), None, EXACT)
    assert result.anchor == "L3"  # the principal ray goes through it
    aside = replace(FILM, principal_point_px=(255.5, 400.0))
    low = {
        level: replace(one, geometry=replace(one.geometry, principal_point_px=aside.principal_point_px))
        for level, one in asked_for(spine).items()
    }
    assert reconstructed_together(Reader(spine), PIXELS, low, None, EXACT).anchor == "L5"


def test_one_vertebra_stays_where_it_is(spine):
    result = reconstructed_together(Reader(spine), PIXELS, asked_for(spine, ("L4",)), "L3", EXACT)
    (one,) = result.levels
    assert np.abs(one.reconstruction.mesh.vertices - seen_at(spine["L4"], SOD_MM).vertices).max() < 0.5
    assert result.discs == ()


def test_no_level_is_refused():
    with pytest.raises(InputError, match="film: expected at least one lumbar vertebra on it, got none"):
        reconstructed_together(Reader({}), PIXELS, {}, "L3", EXACT)
